// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/node_facts.h"

#include <fmt/format.h>

#include <future>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/cluster/api.h"
#include "runner/kernel/features.h"

namespace lab {
namespace {

using nlohmann::json;

// runc tells what it is linked with; Debian's crun takes the same library.
std::string LibseccompIn(const std::string& runc_version) {
  for (const auto& line : Lines(runc_version)) {
    if (line.starts_with("libseccomp:")) {
      return std::string(Trim(line.substr(line.find(':') + 1)));
    }
  }
  return "";
}

// What a program says of itself; nothing if the node does not have it.
Result<std::string> VersionOf(const NodeShell& node,
                              const std::string& program) {
  LAB_TRY(const auto said, node.Ask({program, "--version"}));
  return said.ended.ok() ? said.out : std::string();
}

void AddFacts(const std::string& node, const NodeFacts& facts, bool first,
              LabFile& lab) {
  for (const auto& [key, value] : facts) {
    lab.facts[fmt::format("{}.{}", node, key)] = value;
    const auto known = lab.facts.find(key);
    if (first) {
      lab.facts[key] = value;
    } else if (known != lab.facts.end() && known->second != value) {
      known->second = "mixed";
    }
  }
}

}  // namespace

Result<NodeFacts> MeasureNode(const LabFile& lab, const std::string& node) {
  const NodeShell shell(lab, node);
  LAB_TRY(const auto said, shell.AskOk({"lab-node", "facts"}));
  const auto facts = json::parse(said, nullptr, false);
  if (!facts.is_object()) {
    return Error{fmt::format("node {}: no facts: {}", node, said)};
  }
  LAB_TRY(const auto crun, VersionOf(shell, "crun"));
  LAB_TRY(const auto runc, VersionOf(shell, "runc"));
  LAB_TRY(const auto parser, VersionOf(shell, "apparmor_parser"));
  const auto first_line = [](const std::string& text) {
    return Lines(text).empty() ? "" : Lines(text).front();
  };
  const Api api(lab.api_socket);
  LAB_TRY(const auto object, api.Get("/api/v1/nodes/" + node));
  const json info = object.at("status").at("nodeInfo");
  const std::string features = facts.value("apparmor-features", "");
  return NodeFacts{{"kernel", facts.value("kernel", "")},
                   {"architecture", facts.value("machine", "")},
                   {"lsm", facts.value("lsm", "")},
                   {"apparmor", facts.value("apparmor-enabled", "")},
                   {"apparmor-features",
                    features.empty() ? "none" : FeaturesDigest(features)},
                   {"apparmor-parser", first_line(parser)},
                   {"crun", first_line(crun)},
                   {"runc", first_line(runc)},
                   {"libseccomp", LibseccompIn(runc)},
                   {"kubelet", info.value("kubeletVersion", "")},
                   {"runtime", info.value("containerRuntimeVersion", "")},
                   {"os", info.value("osImage", "")}};
}

std::string DefaultRuntime(const NodeShell& node) {
  const auto said = node.Ask({"containerd", "config", "dump"});
  for (const auto& line : Lines(said ? said->out : "")) {
    if (line.find("default_runtime_name") == std::string::npos) continue;
    if (line.find("crun") != std::string::npos) return "crun";
  }
  return "runc";
}

bool IsReady(const json& node) {
  for (const auto& condition :
       node.value("/status/conditions"_json_pointer, json::array())) {
    if (condition.value("type", "") == "Ready") {
      return condition.value("status", "") == "True";
    }
  }
  return false;
}

Status MeasureLab(
    LabFile& lab,
    const std::function<Status(std::size_t worker, NodeFacts&)>& complete) {
  const auto workers = lab.Workers();
  std::vector<std::future<Result<NodeFacts>>> all;
  for (const auto& worker : workers) {
    all.push_back(std::async(std::launch::async, [&, name = worker.name] {
      return MeasureNode(lab, name);
    }));
  }
  std::vector<NodeFacts> measured;
  for (std::size_t i = 0; i < all.size(); ++i) {
    LAB_TRY(auto facts, all[i].get());
    if (const auto status = complete(i, facts); !status) {
      return status.error().Within("node " + workers[i].name);
    }
    measured.push_back(std::move(facts));
  }
  for (std::size_t i = 0; i < measured.size(); ++i) {
    AddFacts(workers[i].name, measured[i], i == 0, lab);
  }
  const Api api(lab.api_socket);
  LAB_TRY(const auto version, api.Get("/version"));
  lab.facts["apiserver"] = version.value("gitVersion", "");
  LAB_TRY(const auto client, RunOk({.argv = {lab.kubectl.string(), "version",
                                             "--client", "--output=json"}}));
  const auto told = json::parse(client, nullptr, false);
  lab.facts["kubectl"] =
      told.value("/clientVersion/gitVersion"_json_pointer, "");
  return {};
}

}  // namespace lab
