// SPDX-License-Identifier: Apache-2.0
// What a kubeconfig lab and the cases in it do in a cluster, and whether the
// user of the kubeconfig may.
#pragma once

#include <string>
#include <vector>

#include "runner/cluster/api.h"

namespace lab {

struct Right {
  std::string verb;
  std::string resource;  ///< "pods", "pods/exec"
  std::string group;     ///< empty: the core group

  /// As kubectl writes it: "create daemonsets.apps".
  std::string ToString() const;
};

/// All that is needed, in every namespace;
/// examples/kubeconfig-lab/role.yaml grants it.
std::vector<Right> NeededRights();

/// Those of `rights` that the API server says this user does not have in every
/// namespace, in their order.
Result<std::vector<Right>> MissingRights(const Api& api,
                                         const std::vector<Right>& rights);

}  // namespace lab
