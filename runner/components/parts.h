// SPDX-License-Identifier: Apache-2.0
// All parts of one lab, together.
#pragma once

#include <map>
#include <set>
#include <string>

#include "runner/components/cache.h"
#include "runner/components/table.h"

namespace lab {

struct PartsRequest {
  KubernetesVersion kubernetes;
  std::set<std::string> node_os;  ///< those that nodes of the lab run
  std::string debian_mirror;      ///< empty: the host's
};

/// What a node of one operating system boots.
struct NodeSystem {
  Path disk;
  Path kernel;
  Path initramfs;
};

/// Where the parts lie; complete and verified.
struct Parts {
  Path kubernetes;  ///< kube-apiserver, kubeadm, kubectl, ...
  Path etcd;
  std::map<std::string, NodeSystem> node_os;  ///< by name, each one asked for
};

/// Where the static programs for pods and nodes are: built beside the runner,
/// build/runner and build/probes/.
Result<Path> ProbesDirectory();

/// The recipes, leaves first: what `runner fetch` and `doctor` look at.
Result<std::vector<PartRecipe>> PartRecipes(const PartsRequest& request,
                                            const ComponentTable& table,
                                            const Path& home, Cache& cache);

/// `home` is the project's root. Built parts cost minutes the first time and
/// well under a second afterwards.
Result<Parts> ProvideParts(const PartsRequest& request,
                           const ComponentTable& table, const Path& home,
                           Cache& cache);

}  // namespace lab
