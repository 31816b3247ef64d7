// SPDX-License-Identifier: Apache-2.0
// What a lab makes of a kind config, told alike for every kind of lab: what
// `runner lab plan` shows.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "runner/components/feature_gates.h"
#include "runner/lab/kind_shape.h"
#include "runner/lab/vm_shape.h"

namespace lab {

struct OutlinedComponent {
  std::string name;
  std::map<std::string, bool> gates;  ///< those that are set
  std::vector<Argument> flags;        ///< the config's, not the lab's own
};

struct OutlinedKubelet {
  std::map<std::string, bool> gates;  ///< by its configuration or its flag
  std::vector<Argument> flags;
  nlohmann::json configuration;
};

struct OutlinedNode {
  std::string name;
  std::string role;
  std::string system;  ///< "trixie, crun", or an image; empty: the lab's choice
  std::map<std::string, std::string> labels;
  std::vector<KindMount> mounts;
  std::optional<OutlinedKubelet> kubelet;
};

struct LabOutline {
  std::string config;  ///< the file
  std::string lab;     ///< "vm" or "kind"
  std::string kubernetes;
  std::string kubeadm_api;
  std::map<std::string, std::string> runtime_config;
  std::vector<OutlinedComponent> components;
  std::vector<OutlinedNode> nodes;
  std::vector<PatchPlace> patches;
  std::vector<std::string> kind_only;  ///< fields that only kind honours
};

/// `fixtures` is fixtures/node, for what every kubelet of the lab has.
Result<LabOutline> OutlineVmLab(const KindConfig& config, const VmShape& shape,
                                const KubernetesVersion& kubernetes,
                                const Path& fixtures);
Result<LabOutline> OutlineKindLab(const KindConfig& config,
                                  const KindShape& shape,
                                  const KubernetesVersion& kubernetes);

/// With the stage and default of each gate.
nlohmann::json ToJson(const LabOutline& outline, const FeatureGates& known);

/// Rows of cells for a table: label, subject, text.
std::vector<std::vector<std::string>> ToRows(const LabOutline& outline,
                                             const FeatureGates& known);

}  // namespace lab
