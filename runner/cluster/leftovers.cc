// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/leftovers.h"

#include <fmt/format.h>

#include "runner/base/text.h"
#include "runner/base/wait.h"

namespace lab {
namespace {

using nlohmann::json;

// How long a node looks before the API is asked again: somebody else may use
// the lab meanwhile, and their pods are to stay.
constexpr const char* kLookMilliseconds = "1000";

// What the node tells of the pods that are none of those that stay.
Result<std::string> Look(const NodeShell& node, const Api& api) {
  LAB_TRY(const auto namespaces, api.Get("/api/v1/namespaces"));
  LAB_TRY(const auto pods, api.Get("/api/v1/pods"));
  std::vector<std::string> argv = {"lab-node", "others", kLookMilliseconds};
  for (const auto& uid : PodsThatStay(namespaces, pods)) argv.push_back(uid);
  return node.AskOk(argv);
}

}  // namespace

std::set<std::string> PodsThatStay(const json& namespaces, const json& pods) {
  std::set<std::string> active;
  for (const auto& one : namespaces.at("items")) {
    if (one.at("/status/phase"_json_pointer) != "Active") continue;
    active.insert(one.at("metadata").at("name").get<std::string>());
  }
  std::set<std::string> stay;
  for (const auto& pod : pods.at("items")) {
    const auto& meta = pod.at("metadata");
    if (!active.contains(meta.at("namespace").get<std::string>())) continue;
    const auto annotations = meta.value("annotations", json::object());
    stay.insert(annotations.value("kubernetes.io/config.hash",
                                  meta.at("uid").get<std::string>()));
  }
  return stay;
}

Status AwaitLeftovers(const NodeShell& node, const Api& api) {
  std::string left;
  Status asked;
  const auto waited = WaitUntil("all pods to end on node " + node.node(),
                                Deadline::In(60s), 10ms, [&] {
                                  auto told = Look(node, api);
                                  if (!told) asked = told.error();
                                  left = told.value_or("");
                                  return Trim(left).empty();
                                });
  LAB_CHECK_OK(asked);
  if (waited) return {};
  return waited.error().Within("processes of pods are still there: " +
                               Join(Lines(Trim(left)), ", "));
}

}  // namespace lab
