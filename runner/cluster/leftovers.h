// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>

#include "runner/cluster/api.h"
#include "runner/cluster/node.h"

namespace lab {

/// Pods, "NAMESPACE/NAME", that run on a node and are of none of these
/// namespaces. `list` is what `crictl pods --state ready --output json` said.
Result<std::set<std::string>> PodsOutside(
    const std::set<std::string>& namespaces, const std::string& list);

/// Waits until the node runs no pod of a namespace that is gone, or
/// going: the API's objects go at once, and the kubelet ends what they stood
/// for after that.
Status AwaitLeftovers(const NodeShell& node, const Api& api);

}  // namespace lab
