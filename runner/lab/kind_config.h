// SPDX-License-Identifier: Apache-2.0
// A cluster's shape in kind's own language (kind.x-k8s.io/v1alpha4), the one
// description for every lab. What a lab makes of it is its own matter
// (vm_shape.h for the vm lab).
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runner/base/result.h"

namespace lab {

/// One document of a kubeadmConfigPatches entry.
struct KubeadmPatch {
  std::string api_version;  ///< empty: matches by kind alone
  /// ClusterConfiguration, InitConfiguration, JoinConfiguration,
  /// KubeletConfiguration or KubeProxyConfiguration.
  std::string kind;
  /// The whole document, an object.
  nlohmann::json body;
  int line = 0;
};

/// A file or directory of the host that a node gets.
struct KindMount {
  std::string host_path;  ///< as written: relative to the working directory
  std::string container_path;
  bool read_only = false;
  int line = 0;
};

enum class KindRole { kControlPlane, kWorker };

struct KindNode {
  KindRole role = KindRole::kControlPlane;
  std::string image;  ///< empty: kind's default
  std::map<std::string, std::string> labels;
  std::map<std::string, int> label_lines;  ///< where each label stands
  std::vector<KubeadmPatch> patches;
  std::vector<KindMount> extra_mounts;
  int line = 1;
};

/// A field that only kind itself honours, however well it is filled in.
struct KindOnlyField {
  std::string path;  ///< "nodes[1].extraPortMappings"
  /// The fields beside it that every lab honours.
  std::vector<std::string> supported;
  int line = 0;
};

struct KindConfig {
  std::string file;  ///< for errors
  std::string name;
  std::map<std::string, bool> feature_gates;
  std::map<std::string, int> gate_lines;  ///< where each gate stands
  std::map<std::string, std::string> runtime_config;
  std::vector<KubeadmPatch> patches;
  /// At least one; kind's default is a single control plane.
  std::vector<KindNode> nodes;
  std::vector<KindOnlyField> kind_only;
};

/// Reads a cluster config. Stricter than kind where kind would be silent:
/// unknown fields, duplicate keys, values of another type, and patches of
/// unknown kinds are errors (ErrorKind::kUsage, "FILE:LINE: message", or
/// "FILE:LINE:COLUMN: message" if the text is no YAML).
Result<KindConfig> ParseKindConfig(const std::string& text,
                                   const std::string& file);

}  // namespace lab
