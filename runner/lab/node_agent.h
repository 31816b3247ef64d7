// SPDX-License-Identifier: Apache-2.0
// The way onto the nodes of a cluster that somebody else made: a privileged pod
// on each worker, through which commands run in the node's own namespaces.
#pragma once

#include <string>
#include <vector>

#include "runner/cluster/lab_file.h"

namespace lab {

struct NodeAgentRequest {
  std::string lab;    ///< also the name of the namespace
  std::string image;  ///< has busybox
};

/// Namespace and DaemonSet, as JSON for the API.
std::string NodeAgentNamespace(const NodeAgentRequest& request);
std::string NodeAgentDaemonSet(const NodeAgentRequest& request);

/// Through which pod a node is reached; programs in the NodeDirectory come
/// before all others on its PATH. `kubectl` is a command line with all that
/// chooses the cluster.
NodeLogin AgentLogin(const std::vector<std::string>& kubectl,
                     const std::string& lab, const std::string& pod);

/// Makes them and waits for a pod on each of `lab.nodes`' workers, whose login
/// it sets; then puts `programs` into the NodeDirectory of each.
Status StartNodeAgents(LabFile& lab, const NodeAgentRequest& request,
                       const std::vector<std::string>& kubectl,
                       const std::map<std::string, Path>& programs);

}  // namespace lab
