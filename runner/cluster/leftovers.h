// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "runner/cluster/api.h"
#include "runner/cluster/node.h"

namespace lab {

/// The UIDs, as nodes name the cgroups of pods by them, of the pods of a list
/// whose namespace is there, and not going. Both are as the API lists them. A
/// static pod's is not that of the API's mirror of it, but the annotation
/// kubernetes.io/config.hash.
std::set<std::string> PodsThatStay(const nlohmann::json& namespaces,
                                   const nlohmann::json& pods);

/// Waits until the node runs no process of a pod of a namespace that is gone,
/// or going: the API's objects go at once, and the kubelet ends what they stood
/// for after that.
Status AwaitLeftovers(const NodeShell& node, const Api& api);

}  // namespace lab
