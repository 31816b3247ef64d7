// SPDX-License-Identifier: Apache-2.0
// Seccomp profiles on a node: files below the kubelet's directory for them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runner/cluster/node.h"

namespace lab {

/// Where a kubelet looks for Localhost profiles: "seccomp" below its --root-dir
/// (KEP-135).
inline constexpr const char* kSeccompRoot = "/var/lib/kubelet/seccomp";

/// Puts these files (path below kSeccompRoot -> text) on a node. One that
/// somebody else has put there is not replaced; it is among the faults, by its
/// path. An Error means that the node could not be asked.
Result<ProfileFaults> PlaceSeccompFiles(
    const NodeShell& node, const std::map<std::string, std::string>& files);

/// Removes those of these files that PlaceSeccompFiles has put there.
Status RemoveOwnSeccompFiles(const NodeShell& node,
                             const std::vector<std::string>& paths);
/// Removes all that this lab has put there, and directories that were made for
/// them and are empty.
Status RemoveAllOwnSeccompFiles(const NodeShell& node);

}  // namespace lab
