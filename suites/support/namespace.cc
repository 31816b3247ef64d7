// SPDX-License-Identifier: Apache-2.0
#include "suites/support/namespace.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

namespace lab::suite {
namespace {

using nlohmann::json;

// What cases make, and what a cluster puts into every namespace.
constexpr std::string_view kKinds[] = {"pods", "configmaps", "serviceaccounts",
                                       "secrets", "events"};

}  // namespace

bool IsRemovedWithNamespace(const std::string& path, const std::string& group) {
  const auto kind = path.substr(0, path.find_first_of("/?"));
  return group.empty() && std::find(std::begin(kKinds), std::end(kKinds),
                                    kind) != std::end(kKinds);
}

Result<PodsByNode> RemoveNamespace(const Api& api, const std::string& name) {
  const std::string path = "/api/v1/namespaces/" + name;
  // From here on the API server lets nothing new into it.
  LAB_TRY(json object, api.Json({.method = "DELETE", .path = path}));
  LAB_TRY(const auto pods, api.Get(path + "/pods"));
  for (const auto kind : kKinds) {
    LAB_CHECK_OK(api.Delete(fmt::format("{}/{}", path, kind)));
  }
  // Its controller's word that nothing is left. It would look after five
  // seconds (namespaceDeletionGracePeriod, pkg/controller/namespace).
  object["spec"]["finalizers"] = json::array();
  LAB_TRY([[maybe_unused]] const auto gone,
          api.Json({.method = "PUT",
                    .path = path + "/finalize",
                    .body = object.dump()}));
  PodsByNode by_node;
  for (const auto& pod : pods.at("items")) {
    const auto node = pod.at("spec").value("nodeName", "");
    if (!node.empty()) by_node[node].push_back(pod.at("metadata").at("uid"));
  }
  return by_node;
}

Status AskToRemoveNamespace(const Api& api, const std::string& name) {
  const std::string path = "/api/v1/namespaces/" + name;
  LAB_CHECK_OK(api.Delete(path + "/pods"));
  return api.Delete(path);
}

}  // namespace lab::suite
