// SPDX-License-Identifier: Apache-2.0
// All parts of one kind lab, together.
#pragma once

#include <string>
#include <vector>

#include "runner/components/cache.h"
#include "runner/components/table.h"

namespace lab {

struct KindPartsRequest {
  KubernetesVersion kubernetes;
  std::string debian_mirror;  ///< empty: the host's
  /// The nodes' image is made elsewhere: only what is laid over it is a part.
  bool extras_only = false;
};

/// Where the parts lie; complete and verified.
struct KindParts {
  Path kind;            ///< the program
  Path kubernetes{};    ///< for kubectl
  Path node_archive{};  ///< docker-archive of the nodes' image
  std::string image{};  ///< its name
  Path extras{};        ///< with extras_only, and nothing else of the above
};

/// The recipes, leaves first.
Result<std::vector<PartRecipe>> KindPartRecipes(const KindPartsRequest& request,
                                                const ComponentTable& table,
                                                const Path& home, Cache& cache);

Result<KindParts> ProvideKindParts(const KindPartsRequest& request,
                                   const ComponentTable& table,
                                   const Path& home, Cache& cache);

}  // namespace lab
