// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/leftovers.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/base/wait.h"

namespace lab {
namespace {

using nlohmann::json;

// Not those that are going.
Result<std::set<std::string>> Namespaces(const Api& api) {
  LAB_TRY(const auto list, api.Get("/api/v1/namespaces"));
  std::set<std::string> names;
  for (const auto& one : list.at("items")) {
    if (one.at("/status/phase"_json_pointer) != "Active") continue;
    names.insert(one.at("metadata").at("name").get<std::string>());
  }
  return names;
}

}  // namespace

Result<std::set<std::string>> PodsOutside(
    const std::set<std::string>& namespaces, const std::string& list) {
  const json told = json::parse(list, nullptr, false);
  if (!told.is_object()) return Error{"crictl pods: no JSON: " + list};
  std::set<std::string> pods;
  for (const auto& pod : told.value("items", json::array())) {
    const auto& meta = pod.at("metadata");
    const std::string in = meta.at("namespace");
    if (namespaces.contains(in)) continue;
    pods.insert(in + "/" + meta.at("name").get<std::string>());
  }
  return pods;
}

Status AwaitLeftovers(const NodeShell& node, const Api& api) {
  LAB_TRY(const auto namespaces, Namespaces(api));
  std::set<std::string> left;
  Status asked;
  const auto waited = WaitUntil(
      "all pods to end on node " + node.node(), Deadline::In(60s), 50ms, [&] {
        const auto list = node.AskOk({"crictl", "--timeout=30s", "pods",
                                      "--state", "ready", "--output", "json"});
        auto pods = list ? PodsOutside(namespaces, *list) : list.error();
        if (!pods) {
          asked = pods.error();
          return true;
        }
        left = std::move(*pods);
        return left.empty();
      });
  LAB_CHECK_OK(asked);
  if (waited) return {};
  return waited.error().Within("still there: " +
                               Join({left.begin(), left.end()}, ", "));
}

}  // namespace lab
