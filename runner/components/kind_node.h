// SPDX-License-Identifier: Apache-2.0
// The image of kind's nodes, made without any registry: a Debian root, the
// files that kind's own images have, the programs of one Kubernetes version,
// and preloaded all images that a cluster and the suites run.
#pragma once

#include <string>
#include <vector>

#include "runner/components/cache.h"

namespace lab {

/// The docker-archive in the part.
inline constexpr const char* kKindNodeFile = "node.tar";

struct KindNodeInputs {
  std::string kubernetes_version;
  PartRecipe root;
  PartRecipe kubernetes;
  PartRecipe kube_proxy;
  PartRecipe etcd;
  PartRecipe containerd;
  PartRecipe kind;  ///< for the files of its images
  PartRecipe crictl;
  PartRecipe cni_plugins;
  PartRecipe coredns;
  Path fixtures;           ///< fixtures/kind-node
  Path probes;             ///< directory of the built probes
  Cache* cache = nullptr;  ///< provides the parts above
};

/// Fails if a fixture or a probe cannot be read.
Result<PartRecipe> KindNodeRecipe(const KindNodeInputs& inputs);

/// What the image of the part is called: "lab.local/kind-node:v1.36.3-KEY".
std::string KindNodeImage(const std::string& kubernetes,
                          const PartRecipe& recipe);

/// What a node has of its own because of its Kubernetes version.
struct KindNodeDifferences {
  std::vector<std::string> kubelet_flags;
  bool systemd_cgroups = true;  ///< else the runtime makes cgroups itself
};

/// By `fixture` (fixtures/kind-node/versions.json).
Result<KindNodeDifferences> DifferencesOf(const std::string& fixture,
                                          const std::string& kubernetes);

}  // namespace lab
