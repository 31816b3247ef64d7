// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/vm_shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "runner/base/text.h"

namespace lab {
namespace {

using nlohmann::json;

constexpr std::size_t kMostWorkers = 8;
constexpr char kKubeletVersion[] = "kubelet.config.k8s.io/v1beta1";

// A place in a kubeadm document that this lab honours.
struct Slot {
  std::string section;
  std::string field;
  std::vector<Argument>* arguments;

  std::string path() const { return section + "." + field; }
};

void Set(std::vector<Argument>& arguments, const std::string& name,
         const std::string& value) {
  for (auto& argument : arguments) {
    if (argument.name == name) {
      argument.value = value;
      return;
    }
  }
  arguments.push_back({name, value});
}

void Unset(std::vector<Argument>& arguments, const std::string& name) {
  arguments.erase(
      std::remove_if(arguments.begin(), arguments.end(),
                     [&](const Argument& one) { return one.name == name; }),
      arguments.end());
}

// As RFC 7386, but keeps the nulls: the result is itself a merge patch.
void Combine(json& target, const json& patch) {
  for (const auto& [key, value] : patch.items()) {
    if (value.is_object() && target.contains(key) && target[key].is_object()) {
      Combine(target[key], value);
    } else {
      target[key] = value;
    }
  }
}

class Resolver {
 public:
  Resolver(const KindConfig& config, const KubeadmApi& api)
      : config_(config), api_(api) {}

  Result<VmShape> Resolve(const std::string& lab_name) {
    LAB_CHECK_OK(CheckFields());
    LAB_CHECK_OK(AddNodes(lab_name));
    shape_.feature_gates = config_.feature_gates;
    shape_.runtime_config = config_.runtime_config;
    for (const auto& patch : config_.patches) {
      LAB_CHECK_OK(ApplyToCluster(patch));
    }
    auto worker = shape_.workers.begin();
    for (const auto& node : config_.nodes) {
      const bool is_worker = node.role == KindRole::kWorker;
      for (const auto& patch : node.patches) {
        LAB_CHECK_OK(is_worker ? ApplyToWorker(patch, *worker)
                               : ApplyToControlPlane(patch));
      }
      if (is_worker) ++worker;
    }
    return std::move(shape_);
  }

 private:
  Error At(int line, const std::string& message) const {
    return UsageError(fmt::format("{}:{}: {}", config_.file, line, message));
  }
  Error AtPatch(const KubeadmPatch& patch, const std::string& message) const {
    return At(patch.line, fmt::format("{} patch: {}", patch.kind, message));
  }

  Status CheckFields() const {
    if (config_.kind_only.empty()) return {};
    const KindOnlyField& field = config_.kind_only.front();
    return At(field.line,
              fmt::format("field \"{}\" is not supported by the vm lab "
                          "(supported: {})",
                          field.path, Join(field.supported, ", ")));
  }

  Status AddNodes(const std::string& lab_name) {
    std::size_t control_planes = 0;
    for (const auto& node : config_.nodes) {
      if (node.role == KindRole::kWorker) {
        LAB_CHECK_OK(AddWorker(node, lab_name));
        continue;
      }
      if (++control_planes > 1) {
        return At(node.line,
                  "the vm lab has exactly one control plane, this "
                  "is the second");
      }
      if (!node.labels.empty() || !node.extra_mounts.empty()) {
        return At(node.line,
                  "labels and extraMounts of the control plane have no effect "
                  "in the vm lab, whose control plane is no node; give them to "
                  "a worker");
      }
    }
    const int line = config_.nodes.front().line;
    if (control_planes == 0) {
      return At(line,
                "the vm lab has exactly one control plane; add \"- role: "
                "control-plane\" to the nodes");
    }
    if (shape_.workers.empty()) {
      return At(line,
                "the vm lab runs pods on workers only; add \"- role: "
                "worker\" to the nodes");
    }
    return {};
  }

  Status AddWorker(const KindNode& node, const std::string& lab_name) {
    const std::size_t number = shape_.workers.size() + 1;
    if (number > kMostWorkers) {
      return At(node.line,
                fmt::format("the vm lab has at most {} workers", kMostWorkers));
    }
    for (const auto& mount : node.extra_mounts) {
      if (mount.container_path.starts_with('/')) continue;
      return At(mount.line, fmt::format("containerPath \"{}\" must be absolute",
                                        Printable(mount.container_path)));
    }
    VmNode worker;
    worker.name = lab_name + "-worker";
    if (number > 1) worker.name += std::to_string(number);
    worker.labels = node.labels;
    LAB_TRY(worker.choice, ReadNodeChoice(config_, node));
    worker.mounts = node.extra_mounts;
    shape_.workers.push_back(std::move(worker));
    return {};
  }

  Status ApplyToCluster(const KubeadmPatch& patch) {
    if (patch.kind == "KubeletConfiguration") return ApplyToKubelets(patch);
    if (patch.kind == "KubeProxyConfiguration") {
      return AtPatch(patch,
                     "matches nothing in the vm lab, which does not run "
                     "kube-proxy from kubeadm's configuration");
    }
    LAB_CHECK_OK(CheckVersion(patch, api_.name));
    if (patch.kind == "ClusterConfiguration") {
      return ApplyArguments(
          patch,
          {{"apiServer", "extraArgs", &shape_.apiserver_args},
           {"controllerManager", "extraArgs", &shape_.controller_manager_args},
           {"scheduler", "extraArgs", &shape_.scheduler_args}});
    }
    if (patch.kind == "JoinConfiguration") {
      for (auto& worker : shape_.workers) {
        LAB_CHECK_OK(ApplyToWorker(patch, worker));
      }
      return {};
    }
    // An InitConfiguration: of effect nowhere, but it has to be right.
    if (!HasJoinPatch()) {
      return AtPatch(patch,
                     "matches nothing, because it is for the control plane's "
                     "kubelet, which the vm lab does not have; a patch of kind "
                     "JoinConfiguration reaches the workers");
    }
    std::vector<Argument> unused;
    return ApplyKubeletArguments(patch, unused);
  }

  Status ApplyToControlPlane(const KubeadmPatch& patch) {
    if (patch.kind == "JoinConfiguration") {
      return AtPatch(patch,
                     "matches nothing on the control plane, which does not "
                     "join; move it to a worker or to the cluster's "
                     "kubeadmConfigPatches");
    }
    return ApplyToCluster(patch);
  }

  Status ApplyToWorker(const KubeadmPatch& patch, VmNode& worker) {
    if (patch.kind != "JoinConfiguration") {
      return AtPatch(patch,
                     "matches nothing on a worker, because kubeadm reads this "
                     "document on the control plane only; move it to the "
                     "cluster's kubeadmConfigPatches");
    }
    LAB_CHECK_OK(CheckVersion(patch, api_.name));
    return ApplyKubeletArguments(patch, worker.kubelet_extra_args);
  }

  Status ApplyToKubelets(const KubeadmPatch& patch) {
    LAB_CHECK_OK(CheckVersion(patch, kKubeletVersion));
    json body = patch.body;
    body.erase("apiVersion");
    body.erase("kind");
    for (auto& worker : shape_.workers) Combine(worker.kubelet_config, body);
    return {};
  }

  // An InitConfiguration beside a JoinConfiguration is how a kind config
  // addresses every kubelet; alone it would be lost here.
  bool HasJoinPatch() const {
    const auto joins = [](const std::vector<KubeadmPatch>& patches) {
      return std::any_of(patches.begin(), patches.end(),
                         [](const KubeadmPatch& patch) {
                           return patch.kind == "JoinConfiguration";
                         });
    };
    return joins(config_.patches) ||
           std::any_of(
               config_.nodes.begin(), config_.nodes.end(),
               [&](const KindNode& node) { return joins(node.patches); });
  }

  Status CheckVersion(const KubeadmPatch& patch,
                      const std::string& version) const {
    if (patch.api_version.empty() || patch.api_version == version) return {};
    return AtPatch(patch,
                   fmt::format("apiVersion \"{}\" matches nothing; leave "
                               "it out, or write \"{}\"",
                               Printable(patch.api_version), version));
  }

  Status ApplyKubeletArguments(const KubeadmPatch& patch,
                               std::vector<Argument>& arguments) const {
    return ApplyArguments(
        patch, {{"nodeRegistration", "kubeletExtraArgs", &arguments}});
  }

  // Everything but the slots is refused.
  Status ApplyArguments(const KubeadmPatch& patch,
                        const std::vector<Slot>& slots) const {
    for (const auto& [section, content] : patch.body.items()) {
      if (section == "apiVersion" || section == "kind") continue;
      const std::string& name = section;
      const auto slot =
          std::find_if(slots.begin(), slots.end(),
                       [&](const Slot& one) { return one.section == name; });
      if (slot == slots.end()) return Unsupported(patch, section, slots);
      if (!content.is_object()) {
        return AtPatch(patch, fmt::format("\"{}\" must be a mapping", section));
      }
      for (const auto& [field, value] : content.items()) {
        if (field != slot->field) {
          return Unsupported(patch, section + "." + field, slots);
        }
        LAB_CHECK_OK(SetArguments(patch, *slot, value));
      }
    }
    return {};
  }

  Error Unsupported(const KubeadmPatch& patch, const std::string& path,
                    const std::vector<Slot>& slots) const {
    std::vector<std::string> supported;
    for (const auto& slot : slots) supported.push_back(slot.path());
    return AtPatch(patch, fmt::format("field \"{}\" is not supported by the vm "
                                      "lab (supported: {})",
                                      Printable(path), Join(supported, ", ")));
  }

  Status SetArguments(const KubeadmPatch& patch, const Slot& slot,
                      const json& value) const {
    if (value.is_object()) return SetFromMap(patch, slot, value);
    if (value.is_array()) return SetFromList(patch, slot, value);
    return AtPatch(patch, fmt::format("\"{}\" must be a mapping, or a list of "
                                      "name and value",
                                      slot.path()));
  }

  // A patch that names no version may be written in either form: kind turns it
  // into the one that its kubeadm reads. Named, the version decides, and kind
  // would drop the other form silently.
  Status CheckForm(const KubeadmPatch& patch, const Slot& slot,
                   bool is_list) const {
    if (patch.api_version.empty() || is_list == api_.argument_lists) return {};
    return AtPatch(
        patch,
        fmt::format("\"{}\" of {} is {}; leave apiVersion out to write {}",
                    slot.path(), patch.api_version,
                    is_list ? "a mapping" : "a list of name and value",
                    is_list ? "a list" : "a mapping"));
  }

  Status SetFromMap(const KubeadmPatch& patch, const Slot& slot,
                    const json& map) const {
    LAB_CHECK_OK(CheckForm(patch, slot, false));
    for (const auto& [name, value] : map.items()) {
      if (value.is_null()) {
        Unset(*slot.arguments, name);
      } else if (value.is_string()) {
        Set(*slot.arguments, name, value.get<std::string>());
      } else {
        return NotText(patch, slot, name);
      }
    }
    return {};
  }

  Status SetFromList(const KubeadmPatch& patch, const Slot& slot,
                     const json& list) const {
    LAB_CHECK_OK(CheckForm(patch, slot, true));
    for (const auto& item : list) {
      if (!item.is_object() || item.size() != 2 || !item.contains("name") ||
          !item.contains("value") || !item["name"].is_string()) {
        return AtPatch(patch, fmt::format("an item of \"{}\" must have a name "
                                          "and a value",
                                          slot.path()));
      }
      const auto name = item["name"].get<std::string>();
      if (!item["value"].is_string()) return NotText(patch, slot, name);
      Set(*slot.arguments, name, item["value"].get<std::string>());
    }
    return {};
  }

  Error NotText(const KubeadmPatch& patch, const Slot& slot,
                const std::string& name) const {
    return AtPatch(patch, fmt::format("the value of \"{}\" in \"{}\" must be a "
                                      "string (put it in quotes)",
                                      Printable(name), slot.path()));
  }

  const KindConfig& config_;
  const KubeadmApi& api_;
  VmShape shape_;
};

}  // namespace

Result<VmShape> ResolveVmShape(const KindConfig& config,
                               const std::string& lab_name,
                               const KubeadmApi& api) {
  return Resolver(config, api).Resolve(lab_name);
}

Status CheckForVmLab(const KindConfig& config, const KubeadmApi& api) {
  LAB_CHECK_OK(ResolveVmShape(config, "lab", api));
  return {};
}

}  // namespace lab
