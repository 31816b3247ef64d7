// SPDX-License-Identifier: Apache-2.0
// What a kind config asked for, read back from the nodes. kind takes patches
// that match nothing without a word, and kubeadm leaves fields out; a lab that
// is not as asked for would make its cases lie.
#pragma once

#include <string>
#include <vector>

#include "runner/cluster/lab_file.h"
#include "runner/components/table.h"
#include "runner/lab/kind_config.h"

namespace lab {

/// What one node says of itself.
struct NodeConfiguration {
  std::string kubelet_config;             ///< /var/lib/kubelet/config.yaml
  std::vector<std::string> kubelet_argv;  ///< of the process that runs
  /// Of the static pods of a control plane: component -> its command.
  std::map<std::string, std::vector<std::string>> components;
};

/// Where the node differs from what `config` asks of it, a line each.
std::vector<std::string> Differences(const KindConfig& config,
                                     const KindNode& node,
                                     const KubeadmApi& api,
                                     const NodeConfiguration& found);

/// Reads every node of the lab; an error names each difference.
Status CheckReadBack(const LabFile& lab, const KindConfig& config,
                     const KubeadmApi& api);

}  // namespace lab
