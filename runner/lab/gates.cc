// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/gates.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "runner/base/text.h"
#include "runner/lab/kubeadm_patch.h"

namespace lab {
namespace {

using nlohmann::json;

const std::vector<std::string> kPrograms = {
    "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet"};

// A setting of the kubelet that it refuses while the gate of the feature is
// off. It looks for the gate of a flag among its flags only (S2-11).
struct GatedSetting {
  const char* field;
  const char* flag;
  const char* gate;
};
constexpr GatedSetting kGated[] = {
    {"seccompDefault", "seccomp-default", "SeccompDefault"}};

class GateCheck {
 public:
  GateCheck(const KindConfig& config, const FeatureGates& known)
      : config_(config), known_(known) {}

  std::vector<Error> Check() {
    for (const auto& [gate, on] : config_.feature_gates) {
      const auto line = config_.gate_lines.find(gate);
      Use(line == config_.gate_lines.end() ? 1 : line->second, "", kPrograms,
          gate, on);
    }
    for (const auto& [gate, on] : config_.feature_gates) {
      if (on) by_config_.insert(gate);
    }
    ForEachPatch([this](const KubeadmPatch& patch) { CheckPatch(patch); });
    ForEachPatch([this](const KubeadmPatch& patch) { CheckSettings(patch); });
    std::stable_sort(
        problems_.begin(), problems_.end(),
        [](const Problem& a, const Problem& b) { return a.line < b.line; });
    std::vector<Error> errors;
    for (const auto& problem : problems_) {
      errors.push_back(UsageError(
          fmt::format("{}:{}: {}", config_.file, problem.line, problem.what)));
    }
    return errors;
  }

 private:
  struct Problem {
    int line = 0;
    std::string what;
  };

  void ForEachPatch(const std::function<void(const KubeadmPatch&)>& visit) {
    for (const auto& patch : config_.patches) visit(patch);
    for (const auto& node : config_.nodes) {
      for (const auto& patch : node.patches) visit(patch);
    }
  }

  // One word of the first program that would end is enough.
  void Use(int line, const std::string& place,
           const std::vector<std::string>& programs, const std::string& gate,
           bool on) {
    for (const auto& program : programs) {
      const auto refusal = known_.Refusal(program, gate, on);
      if (!refusal) continue;
      problems_.push_back({line, place + *refusal});
      return;
    }
  }

  void CheckPatch(const KubeadmPatch& patch) {
    if (patch.kind == "KubeletConfiguration") {
      CheckMapping(patch, "kubelet");
    } else if (patch.kind == "ClusterConfiguration") {
      CheckFlag(patch, "/apiServer/extraArgs", "kube-apiserver");
      CheckFlag(patch, "/controllerManager/extraArgs",
                "kube-controller-manager");
      CheckFlag(patch, "/scheduler/extraArgs", "kube-scheduler");
    } else {  // InitConfiguration, JoinConfiguration
      CheckFlag(patch, "/nodeRegistration/kubeletExtraArgs", "kubelet");
    }
  }

  void CheckMapping(const KubeadmPatch& patch, const std::string& program) {
    const auto gates = patch.body.find("featureGates");
    if (gates == patch.body.end() || !gates->is_object()) return;
    for (const auto& [gate, on] : gates->items()) {
      if (on.is_null()) continue;  // takes it away
      if (!on.is_boolean()) {
        problems_.push_back(
            {patch.line,
             fmt::format("{} patch: feature gate {} must be true or false "
                         "(without quotes)",
                         patch.kind, Printable(gate))});
        continue;
      }
      if (on.get<bool>()) by_config_.insert(gate);
      Use(patch.line, patch.kind + " patch: ", {program}, gate, on.get<bool>());
    }
  }

  // The value of an argument in a mapping or list at `place`.
  static std::optional<std::string> ValueOf(const KubeadmPatch& patch,
                                            const std::string& place,
                                            const std::string& name) {
    const json::json_pointer at(place);
    if (!patch.body.contains(at)) return std::nullopt;
    const json& arguments = patch.body.at(at);
    json value;
    if (arguments.is_object()) value = arguments.value(name, json());
    if (arguments.is_array()) {
      for (const auto& item : arguments) {
        if (item.is_object() && item.value("name", json()) == name) {
          value = item.value("value", json());
        }
      }
    }
    if (!value.is_string()) return std::nullopt;
    return value.get<std::string>();
  }

  void CheckFlag(const KubeadmPatch& patch, const std::string& place,
                 const std::string& program) {
    const auto flag = ValueOf(patch, place, "feature-gates");
    if (!flag) return;
    const auto gates = ParseGatesFlag(*flag);
    const std::string in_patch = patch.kind + " patch: ";
    if (!gates) {
      problems_.push_back({patch.line, in_patch + gates.error().what});
      return;
    }
    for (const auto& [gate, on] : *gates) {
      if (on && program == "kubelet") by_flag_.insert(gate);
      Use(patch.line, in_patch, {program}, gate, on);
    }
  }

  void CheckSettings(const KubeadmPatch& patch) {
    for (const auto& [field, flag, gate] : kGated) {
      const FeatureGate* known = known_.Find(gate);
      if (known == nullptr || known->on_by_default || by_flag_.contains(gate)) {
        continue;
      }
      const bool by_flag =
          ValueOf(patch, "/nodeRegistration/kubeletExtraArgs", flag) == "true";
      const bool by_field = patch.kind == "KubeletConfiguration" &&
                            patch.body.value(field, json()) == true &&
                            !by_config_.contains(gate);
      if (!by_flag && !by_field) continue;
      problems_.push_back(
          {patch.line,
           fmt::format(
               "{} patch: {} needs feature gate {}, which is {} and off "
               "in Kubernetes {}; {}",
               patch.kind, by_flag ? std::string("--") + flag : field, gate,
               known->stage, known_.kubernetes(),
               by_flag ? "set it by --feature-gates, because the "
                         "kubelet looks among its flags only"
                       : "set it beside it, in featureGates")});
    }
  }

  const KindConfig& config_;
  const FeatureGates& known_;
  // Gates that are on in some kubelet.
  std::set<std::string> by_config_, by_flag_;
  std::vector<Problem> problems_;
};

}  // namespace

std::string GatesFlag(const std::map<std::string, bool>& gates) {
  std::vector<std::string> words;
  for (const auto& [gate, on] : gates) {
    words.push_back(fmt::format("{}={}", gate, on));
  }
  return Join(words, ",");
}

Result<std::map<std::string, bool>> ParseGatesFlag(const std::string& flag) {
  std::map<std::string, bool> gates;
  for (const auto& part : Split(flag, ',')) {
    const std::string word(Trim(part));
    if (word.empty()) continue;
    const auto equals = word.find('=');
    const std::string value =
        equals == std::string::npos ? "" : word.substr(equals + 1);
    if (value != "true" && value != "false") {
      return UsageError(
          fmt::format("--feature-gates: \"{}\" is neither NAME=true nor "
                      "NAME=false",
                      Printable(word)));
    }
    std::string gate = word.substr(0, equals);
    if (gate.starts_with("kube:")) gate.erase(0, 5);
    gates[gate] = value == "true";
  }
  return gates;
}

std::vector<Error> CheckGates(const KindConfig& config,
                              const FeatureGates& known) {
  return GateCheck(config, known).Check();
}

}  // namespace lab
