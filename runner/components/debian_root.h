// SPDX-License-Identifier: Apache-2.0
// The root file system of a node operating system: a Debian suite, by
// mmdebstrap, from the mirror that the host's own apt uses.
#pragma once

#include "runner/components/cache.h"
#include "runner/components/table.h"

namespace lab {

/// Provides `root.tar`. `mirror` empty: taken from the host's apt when built.
PartRecipe DebianRootRecipe(const NodeOsPart& part, const std::string& mirror);

/// The Debian archive that the host's apt is set up with.
Result<std::string> HostDebianMirror();

}  // namespace lab
