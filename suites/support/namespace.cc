// SPDX-License-Identifier: Apache-2.0
#include "suites/support/namespace.h"

#include <nlohmann/json.hpp>

namespace lab::suite {
namespace {

using nlohmann::json;

// What cases make, and what a cluster puts into every namespace.
constexpr const char* kKinds[] = {"pods", "configmaps", "serviceaccounts",
                                  "secrets", "events"};

}  // namespace

Status RemoveNamespace(const Api& api, const std::string& name) {
  const std::string path = "/api/v1/namespaces/" + name;
  // From here on the API server lets nothing new into it.
  LAB_TRY(json object, api.Json({.method = "DELETE", .path = path}));
  for (const std::string kind : kKinds) {
    LAB_CHECK_OK(api.Delete(path + "/" + kind));
  }
  // Its controller's word that nothing is left. It would look after five
  // seconds (namespaceDeletionGracePeriod, pkg/controller/namespace).
  object["spec"]["finalizers"] = json::array();
  LAB_TRY([[maybe_unused]] const auto gone,
          api.Json({.method = "PUT",
                    .path = path + "/finalize",
                    .body = object.dump()}));
  return {};
}

Status AskToRemoveNamespace(const Api& api, const std::string& name) {
  const std::string path = "/api/v1/namespaces/" + name;
  LAB_CHECK_OK(api.Delete(path + "/pods"));
  return api.Delete(path);
}

}  // namespace lab::suite
