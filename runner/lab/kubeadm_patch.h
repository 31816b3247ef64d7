// SPDX-License-Identifier: Apache-2.0
// What a kubeadm patch of a kind config does to a document of its kind, by the
// rules of kind (pkg/internal/patch): for every lab.
#pragma once

#include <string>
#include <vector>

#include "runner/base/result.h"
#include "runner/components/table.h"
#include "runner/lab/kind_config.h"

namespace lab {

inline constexpr char kKubeletConfigVersion[] = "kubelet.config.k8s.io/v1beta1";

/// A flag of a component, "--name=value".
struct Argument {
  std::string name;
  std::string value;

  bool operator==(const Argument&) const = default;
};

/// Each name is there once, so setting it replaces the value.
void SetArgument(std::vector<Argument>& arguments, const std::string& name,
                 const std::string& value);
/// nullptr if no argument has the name.
const Argument* FindArgument(const std::vector<Argument>& arguments,
                             const std::string& name);

/// "FILE:LINE: KIND patch: MESSAGE".
Error AtPatch(const KindConfig& config, const KubeadmPatch& patch,
              const std::string& message);

/// A patch of another version than the document's matches nothing.
Status CheckPatchVersion(const KindConfig& config, const KubeadmPatch& patch,
                         const std::string& version);

/// Changes `arguments` as `value` says, which stands in the patch as `field`
/// ("apiServer.extraArgs"): a mapping of names to strings, or to null, which
/// removes the name; or a list of names and values.
///
/// A patch that names no version may always be a mapping: kind makes the list
/// that kubeadm's v1beta4 reads of it. A list is refused where kubeadm reads a
/// mapping, and a mapping in a patch that says v1beta4, of which kind would
/// drop the arguments silently.
Status ApplyArguments(const KindConfig& config, const KubeadmPatch& patch,
                      const KubeadmApi& api, const std::string& field,
                      const nlohmann::json& value,
                      std::vector<Argument>& arguments);

/// Which components or kubelets a patch reached.
struct PatchPlace {
  std::string kind;
  int line = 0;
  std::vector<std::string> to;  ///< empty: of no effect, and no mistake
};

}  // namespace lab
