// SPDX-License-Identifier: Apache-2.0
// What a node boots: a kernel, an initramfs, and one disk image that all nodes
// of all labs share. What differs per node travels in a second initramfs
// archive (lab/node_config.h); no disk is built per lab.
#pragma once

#include "runner/components/cache.h"

namespace lab {

/// Names of the files in the part.
inline constexpr const char* kDiskFile = "disk.raw";
inline constexpr const char* kKernelFile = "vmlinux";
inline constexpr const char* kInitramfsFile = "initramfs.gz";

struct NodeDiskInputs {
  std::string name;       ///< "node-trixie-1.36.3"
  PartRecipe root;        ///< debian_root.h
  PartRecipe kubernetes;  ///< for the kubelet
  PartRecipe containerd;
  PartRecipe crictl;
  Path fixtures;           ///< fixtures/node
  Path probes;             ///< directory of the built probes
  Cache* cache = nullptr;  ///< provides these parts
};

/// Fails if a fixture or a probe cannot be read.
Result<PartRecipe> NodeDiskRecipe(const NodeDiskInputs& inputs);

}  // namespace lab
