// SPDX-License-Identifier: Apache-2.0
// What makes one node different from another: its credentials, keys and
// configuration, as a small archive appended to the initramfs, which lays it
// over the root file system before the node starts.
#pragma once

#include <string>

#include "runner/base/files.h"
#include "runner/base/result.h"
#include "runner/lab/pki.h"
#include "runner/lab/vm_shape.h"

namespace lab {

struct NodeConfigRequest {
  VmNode node;
  std::string kubernetes;  ///< the kubelet's version, "1.36.3"
  std::string kubeconfig;  ///< the kubelet's
  Certificate serving;     ///< what the kubelet serves with
  Path directory;          ///< the lab's: pki/ca.crt, ssh_key.pub, ...
  Path fixtures;           ///< fixtures/node
  std::map<std::string, bool> feature_gates;
  std::string default_runtime;  ///< "crun" or "runc"
};

/// Writes INITRAMFS + archive to `into`.
Status WriteNodeInitramfs(const NodeConfigRequest& request,
                          const Path& initramfs, const Path& into);

/// The kubelet's configuration: the fixture, what its version has otherwise
/// (kubelet-versions.json), the shape's feature gates, the node's patches.
/// JSON, which the kubelet reads as YAML.
Result<std::string> KubeletConfig(const NodeConfigRequest& request);

/// The node's own flags of the kubelet, one a line: its version's, then the
/// node's.
Result<std::string> KubeletArgs(const NodeConfigRequest& request);

}  // namespace lab
