// SPDX-License-Identifier: Apache-2.0
// What the machine of `make kind-apparmor` boots: Debian with Docker, AppArmor
// and the libraries of build/runner (components.json, "apparmor-host").
#pragma once

#include "runner/components/cache.h"
#include "runner/components/table.h"

namespace lab {

/// Provides kDiskFile, kKernelFile and kInitramfsFile of node_disk.h, and:
inline constexpr const char* kEmptyDiskFile = "empty.qcow2";

/// `cache` provides the root, and must outlive the recipe's build.
Result<PartRecipe> HostDiskRecipe(const ComponentTable& table, const Path& home,
                                  Cache& cache);

}  // namespace lab
