// SPDX-License-Identifier: Apache-2.0
// What kind makes of a config, read back from the nodes. kubeadm leaves out
// without a word what it does not know; a lab that is not as asked for would
// make its cases lie.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runner/cluster/lab_file.h"
#include "runner/lab/kind_shape.h"

namespace lab {

/// What one node says of itself.
struct NodeConfiguration {
  nlohmann::json kubelet_config;          ///< kKubeletConfig
  std::vector<std::string> kubelet_argv;  ///< of the process that runs
  /// Of the static pods of a control plane, by name ("kube-apiserver"): the
  /// command.
  std::map<std::string, std::vector<std::string>> components;
};

/// Where a node of the shape differs from it, a line each.
std::vector<std::string> Differences(const KindShape& shape,
                                     const KindShapeNode& node,
                                     const NodeConfiguration& found);

/// Reads every node of the lab, whose nodes are those of the shape, in its
/// order. An error names each difference, and what to look at; `file` is the
/// config's.
Status CheckReadBack(const LabFile& lab, const KindShape& shape,
                     const std::string& file);

}  // namespace lab
