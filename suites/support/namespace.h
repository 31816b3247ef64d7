// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "runner/cluster/api.h"

namespace lab::suite {

/// Removes a namespace with all that is in it: both are gone at return. It may
/// hold objects of the core's v1 only, and such as other controllers remove
/// together with these; for another see docs/decisions/0016.
Status RemoveNamespace(const Api& api, const std::string& name);

/// Removes its pods, and has its controller remove the rest, which takes some
/// seconds from here on.
Status AskToRemoveNamespace(const Api& api, const std::string& name);

}  // namespace lab::suite
