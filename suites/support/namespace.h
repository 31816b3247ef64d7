// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runner/cluster/api.h"

namespace lab::suite {

/// Whether RemoveNamespace removes what `path` and `group` name, as
/// World::Submit takes them.
bool IsRemovedWithNamespace(const std::string& path, const std::string& group);

/// UIDs of pods, by the name of the node that they were bound to.
using PodsByNode = std::map<std::string, std::vector<std::string>>;

/// Removes a namespace with all that is in it: both are gone at return. Returns
/// the pods, whose processes the kubelets are only about to end. It may
/// hold only objects of which IsRemovedWithNamespace is true, and such as other
/// controllers remove together with these; for another see docs/decisions/0016.
Result<PodsByNode> RemoveNamespace(const Api& api, const std::string& name);

/// Removes its pods, and has its controller remove the rest, which takes some
/// seconds from here on.
Status AskToRemoveNamespace(const Api& api, const std::string& name);

}  // namespace lab::suite
