// SPDX-License-Identifier: Apache-2.0
// Which module files a kernel needs for a wish of modules, and in which order.
#pragma once

#include <string>
#include <vector>

#include "runner/base/result.h"

namespace lab {

/// Files of modules.dep (relative to the modules directory) that provide
/// `wanted`, each after those it needs, soft dependencies (`pre:`) included.
/// A soft dependency may be an alias ("crypto-crc32c"): then all modules that
/// modules.alias gives it.
/// What the kernel has built in, or does not have, is left out.
/// Formats: modules.dep(5); modules.softdep and modules.alias of kmod.
std::vector<std::string> ModuleLoadOrder(const std::vector<std::string>& wanted,
                                         const std::string& modules_dep,
                                         const std::string& softdep,
                                         const std::string& aliases);

/// "virtio-blk.ko.xz" and "kernel/drivers/block/virtio_blk.ko" -> "virtio_blk".
std::string ModuleName(const std::string& file);

}  // namespace lab
