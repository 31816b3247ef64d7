// SPDX-License-Identifier: Apache-2.0
// What is measured of the nodes of a lab of any kind, once they are up.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "runner/cluster/lab_file.h"
#include "runner/cluster/node.h"

namespace lab {

using NodeFacts = std::map<std::string, std::string>;

/// What a node says of itself: kernel, lsm, apparmor, kubelet, runtime... An
/// Error if it cannot be asked, or has no lab-node.
Result<NodeFacts> MeasureNode(const LabFile& lab, const std::string& node);

/// "crun" or "runc", as containerd's configuration on the node has it.
std::string DefaultRuntime(const NodeShell& node);

/// Whether a node is Ready, by its object in the API.
bool IsReady(const nlohmann::json& node);

/// Measures every worker, side by side, and the API server and kubectl, into
/// lab.facts. Those that all nodes share have a plain name, those of one node
/// the node's name in front; where nodes differ, the plain one says "mixed".
/// `complete` is given each node's facts and its place among the workers, to
/// check them and to add what only the kind of lab knows.
Status MeasureLab(
    LabFile& lab,
    const std::function<Status(std::size_t worker, NodeFacts&)>& complete);

}  // namespace lab
