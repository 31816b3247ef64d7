// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/vm_shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "runner/base/text.h"
#include "runner/lab/gates.h"
#include "runner/lab/pod_files.h"

namespace lab {
namespace {

using nlohmann::json;

constexpr std::size_t kMostWorkers = 8;

// A place in a kubeadm document that this lab honours, and who is started with
// what stands there.
struct Slot {
  std::string section;
  std::string field;
  std::vector<Argument>* arguments = nullptr;
  std::vector<PodVolume>* volumes = nullptr;
  std::string component;

  std::string path() const { return section + "." + field; }
};

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
    AddClusterFields();
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
    LAB_CHECK_OK(PlaceFiles());
    return std::move(shape_);
  }

 private:
  Error At(int line, const std::string& message) const {
    return UsageError(fmt::format("{}:{}: {}", config_.file, line, message));
  }
  Error AtPatch(const KubeadmPatch& patch, const std::string& message) const {
    return lab::AtPatch(config_, patch, message);
  }
  Status CheckVersion(const KubeadmPatch& patch,
                      const std::string& version) const {
    return CheckPatchVersion(config_, patch, version);
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
      if (!node.labels.empty()) {
        return At(node.line,
                  "labels of the control plane have no effect in the vm lab, "
                  "whose control plane is no node; give them to a worker");
      }
      LAB_CHECK_OK(CheckMounts(node));
      shape_.control_plane_mounts = node.extra_mounts;
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

  Status CheckMounts(const KindNode& node) const {
    for (const auto& mount : node.extra_mounts) {
      if (mount.container_path.starts_with('/')) continue;
      return At(mount.line, fmt::format("containerPath \"{}\" must be absolute",
                                        Printable(mount.container_path)));
    }
    return {};
  }

  Status AddWorker(const KindNode& node, const std::string& lab_name) {
    const std::size_t number = shape_.workers.size() + 1;
    if (number > kMostWorkers) {
      return At(node.line,
                fmt::format("the vm lab has at most {} workers", kMostWorkers));
    }
    LAB_CHECK_OK(CheckMounts(node));
    VmNode worker;
    worker.name = lab_name + "-worker";
    if (number > 1) worker.name += std::to_string(number);
    worker.labels = node.labels;
    LAB_TRY(worker.choice, ReadNodeChoice(config_, node));
    worker.mounts = node.extra_mounts;
    shape_.workers.push_back(std::move(worker));
    return {};
  }

  void AddClusterFields() {
    shape_.feature_gates = config_.feature_gates;
    const std::string gates = GatesFlag(config_.feature_gates);
    for (auto* arguments :
         {&shape_.apiserver_args, &shape_.controller_manager_args,
          &shape_.scheduler_args}) {
      if (!gates.empty()) SetArgument(*arguments, "feature-gates", gates);
    }
    std::vector<std::string> runtime;
    for (const auto& [key, value] : config_.runtime_config) {
      runtime.push_back(fmt::format("{}={}", key, value));
    }
    if (!runtime.empty()) {
      SetArgument(shape_.apiserver_args, "runtime-config", Join(runtime, ","));
    }
  }

  Status ApplyToCluster(const KubeadmPatch& patch) {
    if (patch.kind == "KubeletConfiguration") return ApplyToKubelets(patch);
    if (patch.kind == "KubeProxyConfiguration") {
      return AtPatch(patch,
                     "matches nothing in the vm lab, which does not run "
                     "kube-proxy from kubeadm's configuration");
    }
    LAB_CHECK_OK(CheckVersion(patch, api_.name));
    if (patch.kind == "ClusterConfiguration") return ApplyToServers(patch);
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
    Place(patch);
    std::vector<Argument> unused;
    return ApplyKubeletArguments(patch, unused);
  }

  Status ApplyToServers(const KubeadmPatch& patch) {
    std::vector<Slot> slots;
    for (auto& server : servers_) {
      slots.push_back({server.section, "extraArgs", server.arguments, nullptr,
                       server.component});
      slots.push_back({server.section, "extraVolumes", nullptr, &server.volumes,
                       server.component});
    }
    Place(patch);
    return ApplySlots(patch, slots);
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
    Place(patch, "kubelet of " + worker.name);
    return ApplyKubeletArguments(patch, worker.kubelet_extra_args);
  }

  Status ApplyToKubelets(const KubeadmPatch& patch) {
    LAB_CHECK_OK(CheckVersion(patch, kKubeletConfigVersion));
    json body = patch.body;
    body.erase("apiVersion");
    body.erase("kind");
    for (auto& worker : shape_.workers) {
      Combine(worker.kubelet_config, body);
      Place(patch, "kubelet of " + worker.name);
    }
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

  Status ApplyKubeletArguments(const KubeadmPatch& patch,
                               std::vector<Argument>& arguments) {
    return ApplySlots(patch, {{"nodeRegistration", "kubeletExtraArgs",
                               &arguments, nullptr, ""}});
  }

  // Everything but the slots is refused.
  Status ApplySlots(const KubeadmPatch& patch, const std::vector<Slot>& slots) {
    for (const auto& [section, content] : patch.body.items()) {
      if (section == "apiVersion" || section == "kind") continue;
      const std::string& name = section;
      if (std::none_of(slots.begin(), slots.end(),
                       [&](const Slot& one) { return one.section == name; })) {
        return Unsupported(patch, section, slots);
      }
      if (!content.is_object()) {
        return AtPatch(patch, fmt::format("\"{}\" must be a mapping", section));
      }
      for (const auto& [field, value] : content.items()) {
        const std::string path = section + "." + field;
        const auto slot =
            std::find_if(slots.begin(), slots.end(),
                         [&](const Slot& one) { return one.path() == path; });
        if (slot == slots.end()) return Unsupported(patch, path, slots);
        LAB_CHECK_OK(ApplySlot(patch, *slot, value));
        if (!slot->component.empty()) Place(patch, slot->component);
      }
    }
    return {};
  }

  Status ApplySlot(const KubeadmPatch& patch, const Slot& slot,
                   const json& value) const {
    if (slot.arguments != nullptr) {
      return ApplyArguments(config_, patch, api_, slot.path(), value,
                            *slot.arguments);
    }
    // A list replaces a list, as RFC 7386 has it.
    LAB_TRY(*slot.volumes, ReadPodVolumes(config_, patch, slot.path(), value));
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

  // Notes that the patch has reached somebody.
  void Place(const KubeadmPatch& patch, const std::string& who = "") {
    if (shape_.patches.empty() || shape_.patches.back().line != patch.line) {
      shape_.patches.push_back({patch.kind, patch.line, {}});
    }
    auto& to = shape_.patches.back().to;
    if (!who.empty() && std::find(to.begin(), to.end(), who) == to.end()) {
      to.push_back(who);
    }
  }

  // In kind a component reads files of its node; here it is a process of this
  // machine, which is told where they are.
  Status PlaceFiles() {
    std::vector<bool> used(shape_.control_plane_mounts.size(), false);
    for (auto& server : servers_) {
      if (const auto* unseen = UnseenFile(*server.arguments, server.volumes)) {
        return NoVolumeFor(*unseen, server.section, server.component);
      }
      for (auto& argument : *server.arguments) {
        for (const auto& volume : server.volumes) {
          const auto rest = Below(argument.value, volume.mount_path);
          if (!rest) continue;
          argument.value = OnThisMachine(volume, *rest, used);
          break;
        }
      }
    }
    const auto idle = std::find(used.begin(), used.end(), false);
    if (idle == used.end()) return {};
    const auto& mount = shape_.control_plane_mounts[static_cast<std::size_t>(
        idle - used.begin())];
    return At(mount.line,
              "extraMounts of the control plane: in the vm lab, whose control "
              "plane is no node, only a flag that names a file below it gives "
              "it an effect, through extraVolumes of a ClusterConfiguration");
  }

  Error NoVolumeFor(const Argument& argument, const std::string& section,
                    const std::string& component) const {
    const auto patch =
        std::find_if(shape_.patches.rbegin(), shape_.patches.rend(),
                     [&](const PatchPlace& one) {
                       return std::find(one.to.begin(), one.to.end(),
                                        component) != one.to.end();
                     });
    return At(patch == shape_.patches.rend() ? 1 : patch->line,
              DescribeUnseenFile(argument, section, component));
  }

  std::string OnThisMachine(const PodVolume& volume, const std::string& rest,
                            std::vector<bool>& used) {
    const std::string on_node = volume.host_path + rest;
    for (std::size_t i = 0; i < used.size(); ++i) {
      const KindMount& mount = shape_.control_plane_mounts[i];
      if (const auto below = Below(on_node, mount.container_path)) {
        used[i] = true;
        return std::filesystem::absolute(mount.host_path).string() + *below;
      }
    }
    // The node's own, which is there to be written.
    Path directory = "control-plane" + volume.host_path;
    if (volume.is_file) directory = directory.parent_path();
    shape_.control_plane_directories.push_back(directory.string());
    return "control-plane" + on_node;
  }

  // A component of the control plane, and where the documents configure it.
  struct Server {
    std::string component;
    std::string section;
    std::vector<Argument>* arguments;
    std::vector<PodVolume> volumes{};
  };

  const KindConfig& config_;
  const KubeadmApi& api_;
  VmShape shape_;
  std::vector<Server> servers_ = {
      {"kube-apiserver", "apiServer", &shape_.apiserver_args},
      {"kube-controller-manager", "controllerManager",
       &shape_.controller_manager_args},
      {"kube-scheduler", "scheduler", &shape_.scheduler_args}};
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
