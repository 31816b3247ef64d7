// SPDX-License-Identifier: Apache-2.0
// What a kind config asked for, read back from the nodes. kind takes patches
// that match nothing without a word, and kubeadm leaves fields out; a lab that
// is not as asked for would make its cases lie.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runner/cluster/lab_file.h"
#include "runner/lab/kind_config.h"

namespace lab {

/// What one node says of itself.
struct NodeConfiguration {
  nlohmann::json kubelet_config;          ///< /var/lib/kubelet/config.yaml
  std::vector<std::string> kubelet_argv;  ///< of the process that runs
  /// Of the static pods of a control plane, by name ("kube-apiserver"): the
  /// command.
  std::map<std::string, std::vector<std::string>> components;
};

/// Where a node differs from what `config` asks of it, a line each. `joins` is
/// false for the first control plane, which kubeadm configures by other
/// documents than the rest.
std::vector<std::string> Differences(const KindConfig& config,
                                     const KindNode& node, bool joins,
                                     const NodeConfiguration& found);

/// Reads every node of the lab, whose nodes are those of `config`, in its
/// order. An error names each difference, and what to look at.
Status CheckReadBack(const LabFile& lab, const KindConfig& config);

}  // namespace lab
