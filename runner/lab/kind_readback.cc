// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/kind_readback.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "runner/base/text.h"
#include "runner/cluster/kubelet.h"
#include "runner/cluster/marks.h"
#include "runner/cluster/node.h"
#include "runner/cluster/yaml.h"

namespace lab {
namespace {

using nlohmann::json;

const std::pair<const char*, std::vector<Argument> KindShape::*> kComponents[] =
    {{"kube-apiserver", &KindShape::apiserver_args},
     {"kube-controller-manager", &KindShape::controller_manager_args},
     {"kube-scheduler", &KindShape::scheduler_args}};

// Flags that hold a list, to which kubeadm may add.
bool IsList(const std::string& flag) {
  return flag == "feature-gates" || flag == "runtime-config" ||
         flag == "node-labels";
}

bool HoldsAll(const std::string& seen, const std::string& wanted) {
  if (wanted.empty()) return true;
  const auto items = Split(seen, ',');
  const auto all = Split(wanted, ',');
  return std::all_of(all.begin(), all.end(), [&](const std::string& one) {
    return std::find(items.begin(), items.end(), one) != items.end();
  });
}

class Comparison {
 public:
  std::vector<std::string> differences;

  void Flags(const std::string& program, const std::vector<std::string>& argv,
             const std::vector<Argument>& wanted) {
    for (const auto& [flag, value] : wanted) {
      // A flag that says nothing may be missing.
      const auto seen = FlagOf(argv, flag);
      const std::string now = seen.value_or("");
      if (now == value || (IsList(flag) && HoldsAll(now, value))) continue;
      differences.push_back(fmt::format(
          "{} has {}, not --{}={}", program,
          seen ? fmt::format("--{}={}", flag, *seen) : "no --" + flag, flag,
          value));
    }
  }

  void Fields(const json& wanted, const json& seen, const std::string& path) {
    for (const auto& [key, value] : wanted.items()) {
      const std::string full = path.empty() ? key : path + "." + key;
      const json other =
          seen.is_object() && seen.contains(key) ? seen.at(key) : json();
      if (value.is_object()) {
        Fields(value, other, full);
      } else if (value != other) {
        differences.push_back(
            fmt::format("the kubelet's configuration has {}: {}, not {}", full,
                        other.dump(), value.dump()));
      }
    }
  }
};

Result<NodeConfiguration> Read(const LabFile& lab, const KindShapeNode& node) {
  const NodeShell shell(lab, node.name);
  NodeConfiguration found;
  LAB_TRY(const auto config, shell.AskOk({"cat", kKubeletConfig}));
  LAB_TRY(found.kubelet_config, ParseYaml(config, kKubeletConfig));
  LAB_TRY(found.kubelet_argv, KubeletArguments(shell));
  if (node.role != KindRole::kControlPlane) return found;
  for (const auto& [component, arguments] : kComponents) {
    const std::string file = fmt::format("{}/{}.yaml", kStaticPods, component);
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

std::vector<std::string> Differences(const KindShape& shape,
                                     const KindShapeNode& node,
                                     const NodeConfiguration& found) {
  Comparison comparison;
  comparison.Fields(shape.kubelet_config, found.kubelet_config, "");
  comparison.Flags("the kubelet", found.kubelet_argv, node.kubelet_args);
  for (const auto& [component, arguments] : kComponents) {
    const auto it = found.components.find(component);
    if (it == found.components.end()) continue;
    comparison.Flags(component, it->second, shape.*arguments);
  }
  return std::move(comparison.differences);
}

Status CheckReadBack(const LabFile& lab, const KindShape& shape,
                     const std::string& file) {
  std::vector<std::future<Result<NodeConfiguration>>> reading;
  for (const auto& node : shape.nodes) {
    reading.push_back(std::async(std::launch::async,
                                 [&lab, &node] { return Read(lab, node); }));
  }
  std::vector<std::string> differences;
  for (std::size_t i = 0; i < reading.size(); ++i) {
    const KindShapeNode& node = shape.nodes[i];
    LAB_TRY(const auto found, reading[i].get());
    for (const auto& one : Differences(shape, node, found)) {
      differences.push_back(node.name + ": " + one);
    }
  }
  if (differences.empty()) return {};
  return Error{fmt::format(
      "the cluster is not as {} asks; kubeadm drops without a word what it "
      "does "
      "not know (/kind/kubeadm.conf on a node is what it was given):\n  {}",
      file, Join(differences, "\n  "))};
}

}  // namespace lab
