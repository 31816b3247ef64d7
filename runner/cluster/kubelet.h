// SPDX-License-Identifier: Apache-2.0
// The kubelet of a node, by its command line.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner/cluster/node.h"

namespace lab {

/// The file that its flags and its configuration agree on, on every node that
/// kubeadm or a lab of ours sets up.
inline constexpr const char* kKubeletConfig = "/var/lib/kubelet/config.yaml";

/// A file that is not there: a kubelet that takes its flags complains of it.
/// Cases start such, to see which flags one takes.
inline constexpr const char* kNoKubeletConfig = "/lab/no-such-config.yaml";

/// The arguments of the kubelet that is the node's, its name the first of them.
Result<std::vector<std::string>> KubeletArguments(const NodeShell& node);

/// The value of the last --NAME among a command's arguments: "true" for one
/// that has none, nullopt if there is no such flag.
std::optional<std::string> FlagOf(const std::vector<std::string>& argv,
                                  const std::string& name);

}  // namespace lab
