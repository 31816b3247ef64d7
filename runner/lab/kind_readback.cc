// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/kind_readback.h"

#include <fmt/format.h>

#include <future>
#include <optional>

#include "runner/base/text.h"
#include "runner/cluster/node.h"
#include "runner/cluster/yaml.h"

namespace lab {
namespace {

using nlohmann::json;

constexpr const char* kKubeletConfig = "/var/lib/kubelet/config.yaml";
constexpr const char* kManifests = "/etc/kubernetes/manifests";
// Sections of a ClusterConfiguration, and the static pods they are for.
const std::map<std::string, std::string> kSections = {
    {"apiServer", "kube-apiserver"},
    {"controllerManager", "kube-controller-manager"},
    {"scheduler", "kube-scheduler"}};

// The last value of --NAME among a command's arguments.
std::optional<std::string> FlagOf(const std::vector<std::string>& argv,
                                  const std::string& name) {
  std::optional<std::string> value;
  const std::string flag = "--" + name;
  for (std::size_t i = 0; i < argv.size(); ++i) {
    if (argv[i].starts_with(flag + "=")) {
      value = argv[i].substr(flag.size() + 1);
    } else if (argv[i] == flag) {
      const bool has_value = i + 1 < argv.size() && argv[i + 1][0] != '-';
      value = has_value ? argv[i + 1] : "true";
    }
  }
  return value;
}

// extraArgs in either form: a mapping, or a list of name and value.
std::map<std::string, std::string> Arguments(const json& arguments) {
  std::map<std::string, std::string> all;
  if (arguments.is_object()) {
    for (const auto& [name, value] : arguments.items()) {
      if (value.is_string()) all[name] = value;
    }
  } else if (arguments.is_array()) {
    for (const auto& item : arguments) {
      if (item.is_object())
        all[item.value("name", "")] = item.value("value", "");
    }
  }
  return all;
}

class Comparison {
 public:
  Comparison(const KindConfig& config, const KindNode& node, bool joins,
             const NodeConfiguration& found)
      : config_(config), node_(node), joins_(joins), found_(found) {}

  std::vector<std::string> Run() {
    Gates();
    for (const auto& [key, value] : config_.runtime_config) {
      Component("kube-apiserver", "runtime-config",
                fmt::format("{}={}", key, value));
    }
    for (const auto& patch : config_.patches) Apply(patch);
    for (const auto& patch : node_.patches) Apply(patch);
    for (const auto& [flag, value] : kubelet_flags_) {
      Flag("the kubelet", found_.kubelet_argv, flag, value);
    }
    for (const auto& [component, flags] : component_flags_) {
      const auto it = found_.components.find(component);
      if (it == found_.components.end()) continue;
      for (const auto& [flag, value] : flags) {
        Flag(component, it->second, flag, value);
      }
    }
    return std::move(differences_);
  }

 private:
  void Differ(const std::string& what) { differences_.push_back(what); }

  void Gates() {
    for (const auto& [gate, on] : config_.feature_gates) {
      const auto seen = found_.kubelet_config.value(
          json::json_pointer("/featureGates/" + gate), json());
      if (seen != json(on)) {
        Differ(
            fmt::format("feature gate {} is {} in the kubelet's "
                        "configuration, not {}",
                        gate, seen.dump(), on));
      }
      for (const auto& [section, component] : kSections) {
        Component(component, "feature-gates", fmt::format("{}={}", gate, on));
      }
    }
  }

  // A flag that holds a list, of which `item` must be one.
  void Component(const std::string& component, const std::string& flag,
                 const std::string& item) {
    const auto it = found_.components.find(component);
    if (it == found_.components.end()) return;
    const auto value = FlagOf(it->second, flag);
    for (const auto& one : Split(value.value_or(""), ',')) {
      if (one == item) return;
    }
    Differ(fmt::format("{} has --{}={}, without {}", component, flag,
                       value.value_or(""), item));
  }

  void Flag(const std::string& program, const std::vector<std::string>& argv,
            const std::string& flag, const std::string& value) {
    const auto seen = FlagOf(argv, flag);
    if (seen == value) return;
    Differ(
        fmt::format("{} has {}, not --{}={}", program,
                    seen ? fmt::format("--{}={}", flag, *seen) : "no --" + flag,
                    flag, value));
  }

  void Apply(const KubeadmPatch& patch) {
    if (patch.kind == "KubeletConfiguration") {
      Fields(patch.body, found_.kubelet_config, "");
    } else if (patch.kind == "ClusterConfiguration") {
      for (const auto& [section, component] : kSections) {
        const auto pointer = json::json_pointer("/" + section + "/extraArgs");
        for (const auto& [name, value] :
             Arguments(patch.body.value(pointer, json()))) {
          component_flags_[component][name] = value;
        }
      }
    } else if (patch.kind ==
               (joins_ ? "JoinConfiguration" : "InitConfiguration")) {
      for (const auto& [name, value] : Arguments(patch.body.value(
               "/nodeRegistration/kubeletExtraArgs"_json_pointer, json()))) {
        kubelet_flags_[name] = value;
      }
    }
  }

  // Every field that a merge patch sets (RFC 7386; null removes one).
  void Fields(const json& patch, const json& seen, const std::string& path) {
    for (const auto& [key, value] : patch.items()) {
      if (path.empty() && (key == "apiVersion" || key == "kind")) continue;
      const std::string full = path.empty() ? key : path + "." + key;
      const json other =
          seen.is_object() && seen.contains(key) ? seen.at(key) : json();
      if (value.is_object()) {
        Fields(value, other, full);
      } else if (value != other) {
        Differ(fmt::format("the kubelet's configuration has {}: {}, not {}",
                           full, other.dump(), value.dump()));
      }
    }
  }

  const KindConfig& config_;
  const KindNode& node_;
  const bool joins_;
  const NodeConfiguration& found_;
  std::map<std::string, std::string> kubelet_flags_;
  std::map<std::string, std::map<std::string, std::string>> component_flags_;
  std::vector<std::string> differences_;
};

Result<NodeConfiguration> Read(const LabFile& lab, const std::string& node,
                               bool control_plane) {
  const NodeShell shell(lab, node);
  NodeConfiguration found;
  LAB_TRY(const auto config, shell.AskOk({"cat", kKubeletConfig}));
  LAB_TRY(found.kubelet_config, ParseYaml(config, kKubeletConfig));
  LAB_TRY(const auto argv,
          shell.AskOk({"sh", "-c",
                       "xargs -0 -n1 -a /proc/$(pidof kubelet)/cmdline echo"}));
  found.kubelet_argv = Lines(argv);
  if (!control_plane) return found;
  for (const auto& [section, component] : kSections) {
    const std::string file = fmt::format("{}/{}.yaml", kManifests, component);
    LAB_TRY(const auto text, shell.AskOk({"cat", file}));
    LAB_TRY(const auto pod, ParseYaml(text, file));
    for (const auto& word :
         pod.value("/spec/containers/0/command"_json_pointer, json::array())) {
      if (word.is_string()) found.components[component].push_back(word);
    }
  }
  return found;
}

}  // namespace

std::vector<std::string> Differences(const KindConfig& config,
                                     const KindNode& node, bool joins,
                                     const NodeConfiguration& found) {
  return Comparison(config, node, joins, found).Run();
}

Status CheckReadBack(const LabFile& lab, const KindConfig& config) {
  std::vector<std::future<Result<NodeConfiguration>>> reading;
  for (std::size_t i = 0; i < config.nodes.size(); ++i) {
    const bool control_plane = config.nodes[i].role == KindRole::kControlPlane;
    reading.push_back(std::async(
        std::launch::async, [&lab, name = lab.nodes.at(i).name, control_plane] {
          return Read(lab, name, control_plane);
        }));
  }
  std::vector<std::string> differences;
  bool first = true;
  for (std::size_t i = 0; i < reading.size(); ++i) {
    LAB_TRY(const auto found, reading[i].get());
    const bool control_plane = config.nodes[i].role == KindRole::kControlPlane;
    const bool joins = !control_plane || !first;
    if (control_plane) first = false;
    for (const auto& one : Differences(config, config.nodes[i], joins, found)) {
      differences.push_back(lab.nodes[i].name + ": " + one);
    }
  }
  if (differences.empty()) return {};
  return Error{fmt::format(
      "the cluster is not as {} asks; kind and kubeadm drop without a word "
      "what "
      "matches nothing (/kind/kubeadm.conf on a node is what kubeadm was "
      "given):\n  {}",
      config.file, Join(differences, "\n  "))};
}

}  // namespace lab
