// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/lab_outline.h"

#include <fmt/format.h>

#include <algorithm>

#include "runner/base/text.h"
#include "runner/lab/gates.h"
#include "runner/lab/node_config.h"

namespace lab {
namespace {

using nlohmann::json;
using Gates = std::map<std::string, bool>;
using Rows = std::vector<std::vector<std::string>>;

Result<Gates> GatesOfFlags(const std::vector<Argument>& flags) {
  const Argument* flag = FindArgument(flags, "feature-gates");
  if (flag == nullptr) return Gates();
  return ParseGatesFlag(flag->value);
}

// A flag counts more than the configuration.
Result<OutlinedKubelet> Kubelet(json configuration,
                                std::vector<Argument> flags) {
  OutlinedKubelet kubelet;
  const auto gates = configuration.find("featureGates");
  if (gates != configuration.end() && gates->is_object()) {
    for (const auto& [gate, on] : gates->items()) {
      if (on.is_boolean()) kubelet.gates[gate] = on.get<bool>();
    }
  }
  LAB_TRY(const auto by_flag, GatesOfFlags(flags));
  for (const auto& [gate, on] : by_flag) kubelet.gates[gate] = on;
  kubelet.flags = std::move(flags);
  kubelet.configuration = std::move(configuration);
  return kubelet;
}

Result<std::vector<OutlinedComponent>> ControlPlane(
    const std::vector<Argument>& apiserver,
    const std::vector<Argument>& controller_manager,
    const std::vector<Argument>& scheduler) {
  std::vector<OutlinedComponent> components;
  for (const auto& [name, flags] :
       {std::pair{"kube-apiserver", &apiserver},
        std::pair{"kube-controller-manager", &controller_manager},
        std::pair{"kube-scheduler", &scheduler}}) {
    LAB_TRY(auto gates, GatesOfFlags(*flags));
    components.push_back({name, std::move(gates), *flags});
  }
  return components;
}

LabOutline Beginning(const KindConfig& config, const std::string& lab,
                     const KubernetesVersion& kubernetes) {
  LabOutline outline;
  outline.config = config.file;
  outline.lab = lab;
  outline.kubernetes = kubernetes.version;
  outline.kubeadm_api = kubernetes.kubeadm_api.name;
  outline.runtime_config = config.runtime_config;
  return outline;
}

// "--a=b" lines as flags; a kubelet's flags all have values here.
std::vector<Argument> ParseFlags(const std::string& lines) {
  std::vector<Argument> flags;
  for (const auto& line : Lines(lines)) {
    const auto equals = line.find('=');
    flags.push_back({line.substr(2, equals - 2), line.substr(equals + 1)});
  }
  return flags;
}

json GatesJson(const Gates& gates, const FeatureGates& known) {
  json all = json::object();
  for (const auto& [name, on] : gates) {
    json gate = {{"value", on}};
    if (const FeatureGate* one = known.Find(name)) {
      gate["stage"] = one->stage;
      gate["default"] = one->on_by_default;
      gate["locked"] = one->locked;
    }
    all[name] = gate;
  }
  return all;
}

// Repeated names are rare, but kubelets take them.
json FlagsJson(const std::vector<Argument>& flags) {
  json all = json::array();
  for (const auto& flag : flags) {
    all.push_back(fmt::format("--{}={}", flag.name, flag.value));
  }
  return all;
}

json MountsJson(const std::vector<KindMount>& mounts) {
  json all = json::array();
  for (const auto& mount : mounts) {
    all.push_back({{"hostPath", mount.host_path},
                   {"containerPath", mount.container_path},
                   {"readOnly", mount.read_only}});
  }
  return all;
}

std::string GateText(const std::string& name, bool on,
                     const FeatureGates& known) {
  const FeatureGate* gate = known.Find(name);
  if (gate == nullptr) return fmt::format("{}={} (unknown)", name, on);
  return fmt::format("{}={} ({}, {} by default)", name, on, gate->stage,
                     gate->on_by_default ? "on" : "off");
}

void AddGates(Rows& rows, const std::string& subject, const Gates& gates,
              const FeatureGates& known) {
  for (const auto& [name, on] : gates) {
    rows.push_back({"gate", subject, GateText(name, on, known)});
  }
}

void AddFlags(Rows& rows, const std::string& subject,
              const std::vector<Argument>& flags) {
  for (const auto& flag : flags) {
    // kind writes some that say nothing; gates have lines of their own.
    if (flag.value.empty() || flag.name == "feature-gates") continue;
    rows.push_back(
        {"flag", subject, fmt::format("--{}={}", flag.name, flag.value)});
  }
}

void AddNode(Rows& rows, const OutlinedNode& node, const FeatureGates& known) {
  std::string what = node.role;
  if (!node.system.empty()) what += ", " + node.system;
  rows.push_back({"node", node.name, what});
  for (const auto& [key, value] : node.labels) {
    rows.push_back({"label", node.name, key + "=" + value});
  }
  for (const auto& mount : node.mounts) {
    rows.push_back(
        {"mount", node.name,
         fmt::format("{} at {}{}", mount.host_path, mount.container_path,
                     mount.read_only ? ", read-only" : "")});
  }
  if (!node.kubelet) return;
  const std::string kubelet = "kubelet of " + node.name;
  AddGates(rows, kubelet, node.kubelet->gates, known);
  AddFlags(rows, kubelet, node.kubelet->flags);
}

// Kubelets that are configured alike are told once.
void AddKubeletConfigurations(Rows& rows, const LabOutline& outline) {
  std::vector<std::pair<json, std::string>> known;
  for (const auto& node : outline.nodes) {
    if (!node.kubelet) continue;
    const json& one = node.kubelet->configuration;
    const auto same =
        std::find_if(known.begin(), known.end(),
                     [&](const auto& entry) { return entry.first == one; });
    if (same == known.end()) {
      known.emplace_back(one, node.name);
    } else {
      same->second += ", " + node.name;
    }
  }
  for (const auto& [configuration, names] : known) {
    for (const auto& [field, value] : configuration.items()) {
      if (field == "apiVersion" || field == "kind") continue;
      rows.push_back({"kubelet", known.size() == 1 ? "all" : names,
                      field + ": " + value.dump()});
    }
  }
}

}  // namespace

Result<LabOutline> OutlineVmLab(const KindConfig& config, const VmShape& shape,
                                const KubernetesVersion& kubernetes,
                                const Path& fixtures) {
  LabOutline outline = Beginning(config, "vm", kubernetes);
  LAB_TRY(outline.components,
          ControlPlane(shape.apiserver_args, shape.controller_manager_args,
                       shape.scheduler_args));
  outline.nodes.push_back({.name = "control-plane",
                           .role = "processes of this machine, no node",
                           .system = "",
                           .labels = {},
                           .mounts = shape.control_plane_mounts,
                           .kubelet = std::nullopt});
  for (const auto& worker : shape.workers) {
    NodeConfigRequest request;
    request.node = worker;
    request.kubernetes = kubernetes.version;
    request.fixtures = fixtures;
    request.feature_gates = shape.feature_gates;
    LAB_TRY(const auto text, KubeletConfig(request));
    LAB_TRY(const auto flags, KubeletArgs(request));
    LAB_TRY(auto kubelet, Kubelet(json::parse(text), ParseFlags(flags)));
    std::string system =
        fmt::format("{}, {}", worker.choice.node_os, worker.choice.runtime);
    if (!worker.choice.apparmor) system += ", without AppArmor";
    outline.nodes.push_back({worker.name, "worker", std::move(system),
                             worker.labels, worker.mounts, std::move(kubelet)});
  }
  outline.patches = shape.patches;
  return outline;
}

Result<LabOutline> OutlineKindLab(const KindConfig& config,
                                  const KindShape& shape,
                                  const KubernetesVersion& kubernetes) {
  LabOutline outline = Beginning(config, "kind", kubernetes);
  LAB_TRY(outline.components,
          ControlPlane(shape.apiserver_args, shape.controller_manager_args,
                       shape.scheduler_args));
  for (const auto& node : shape.nodes) {
    LAB_TRY(auto kubelet, Kubelet(shape.kubelet_config, node.kubelet_args));
    outline.nodes.push_back(
        {node.name, node.role == KindRole::kWorker ? "worker" : "control-plane",
         node.image, node.labels, node.mounts, std::move(kubelet)});
  }
  outline.patches = shape.patches;
  for (const auto& field : config.kind_only) {
    if (!field.path.ends_with(".image"))
      outline.kind_only.push_back(field.path);
  }
  return outline;
}

json ToJson(const LabOutline& outline, const FeatureGates& known) {
  json components = json::array(), nodes = json::array(),
       patches = json::array();
  for (const auto& one : outline.components) {
    components.push_back({{"name", one.name},
                          {"featureGates", GatesJson(one.gates, known)},
                          {"flags", FlagsJson(one.flags)}});
  }
  for (const auto& node : outline.nodes) {
    json j = {{"name", node.name},
              {"role", node.role},
              {"system", node.system},
              {"labels", node.labels},
              {"mounts", MountsJson(node.mounts)}};
    if (node.kubelet) {
      j["kubelet"] = {{"featureGates", GatesJson(node.kubelet->gates, known)},
                      {"flags", FlagsJson(node.kubelet->flags)},
                      {"configuration", node.kubelet->configuration}};
    }
    nodes.push_back(std::move(j));
  }
  for (const auto& patch : outline.patches) {
    patches.push_back(
        {{"kind", patch.kind}, {"line", patch.line}, {"to", patch.to}});
  }
  return {{"config", outline.config},
          {"lab", outline.lab},
          {"kubernetes", outline.kubernetes},
          {"kubeadmApi", outline.kubeadm_api},
          {"runtimeConfig", outline.runtime_config},
          {"components", components},
          {"nodes", nodes},
          {"patches", patches},
          {"kindOnly", outline.kind_only}};
}

Rows ToRows(const LabOutline& outline, const FeatureGates& known) {
  Rows rows = {{"config", "", outline.config},
               {"lab", outline.lab,
                fmt::format("Kubernetes {}, {}", outline.kubernetes,
                            outline.kubeadm_api)}};
  for (const auto& node : outline.nodes) AddNode(rows, node, known);
  for (const auto& [key, value] : outline.runtime_config) {
    rows.push_back({"runtimeConfig", "kube-apiserver", key + "=" + value});
  }
  for (const auto& one : outline.components) {
    AddGates(rows, one.name, one.gates, known);
    AddFlags(rows, one.name, one.flags);
  }
  for (const auto& patch : outline.patches) {
    rows.push_back({"patch", fmt::format("line {}", patch.line),
                    fmt::format("{} -> {}", patch.kind,
                                patch.to.empty() ? "nobody, here"
                                                 : Join(patch.to, ", "))});
  }
  for (const auto& field : outline.kind_only) {
    rows.push_back({"kind only", field, "as kind does it"});
  }
  AddKubeletConfigurations(rows, outline);
  return rows;
}

}  // namespace lab
