// SPDX-License-Identifier: Apache-2.0
// What the nodes of somebody else's kind image lack for the suites: the probes,
// a parser for AppArmor with securityfs mounted in time, and the suites' own
// images.
#pragma once

#include "runner/components/cache.h"

namespace lab {

/// In the part: a tree to be laid over the image's root.
inline constexpr const char* kExtrasLayer = "layer";
/// In the part: docker-archives for the containerd of a node that runs.
inline constexpr const char* kExtrasImages = "images";
/// In the part: how nodes differ by version (kind_node.h, DifferencesOf).
inline constexpr const char* kExtrasVersions = "versions.json";

struct KindExtrasInputs {
  PartRecipe root;         ///< of the built image: parser and busybox
  Path fixtures;           ///< fixtures/kind-node
  Path probes;             ///< directory of the built probes
  Cache* cache = nullptr;  ///< provides the root
};

/// Fails if a fixture or a probe cannot be read.
Result<PartRecipe> KindExtrasRecipe(const KindExtrasInputs& inputs);

}  // namespace lab
