// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/cluster_rights.h"

#include <fmt/format.h>

#include <future>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"

namespace lab {
namespace {

using nlohmann::json;

constexpr const char* kReviews =
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

constexpr struct {
  const char* verbs;
  const char* resource;
  const char* group;
} kNeeded[] = {
    {"create delete list patch watch", "namespaces", ""},
    {"get list patch", "nodes", ""},
    {"create delete deletecollection get list patch watch", "pods", ""},
    // kubectl and the suites get a WebSocket, which newer API
    // servers hold to both.
    {"create get", "pods/exec", ""},
    {"get", "pods/log", ""},
    {"patch", "pods/ephemeralcontainers", ""},
    {"list watch", "events", ""},
    {"watch", "serviceaccounts", ""},
    {"create patch", "configmaps", ""},
    {"create delete watch", "daemonsets", "apps"},
    {"create", "deployments", "apps"}};

Result<bool> Has(const Api& api, const Right& right) {
  const auto slash = right.resource.find('/');
  json asked = {{"verb", right.verb},
                {"group", right.group},
                {"resource", right.resource.substr(0, slash)}};
  if (slash != std::string::npos) {
    asked["subresource"] = right.resource.substr(slash + 1);
  }
  LAB_TRY(const auto answer,
          api.Post(kReviews, {{"apiVersion", "authorization.k8s.io/v1"},
                              {"kind", "SelfSubjectAccessReview"},
                              {"spec", {{"resourceAttributes", asked}}}}));
  return answer.value("/status/allowed"_json_pointer, false);
}

}  // namespace

std::string Right::ToString() const {
  return fmt::format("{} {}{}{}", verb, resource, group.empty() ? "" : ".",
                     group);
}

std::vector<Right> NeededRights() {
  std::vector<Right> rights;
  for (const auto& [verbs, resource, group] : kNeeded) {
    for (const auto& verb : Split(verbs, ' ')) {
      rights.push_back({verb, resource, group});
    }
  }
  return rights;
}

// A question each, all at once. One SelfSubjectRulesReview would answer most,
// but not with every authorizer ("incomplete"), so that this would be needed
// beside it; and at once it takes no longer.
Result<std::vector<Right>> MissingRights(const Api& api,
                                         const std::vector<Right>& rights) {
  std::vector<std::future<Result<bool>>> answers;
  for (const auto& right : rights) {
    answers.push_back(std::async(std::launch::async,
                                 [&api, &right] { return Has(api, right); }));
  }
  std::vector<Right> missing;
  for (std::size_t i = 0; i < rights.size(); ++i) {
    LAB_TRY(const bool has, answers[i].get());
    if (!has) missing.push_back(rights[i]);
  }
  return missing;
}

}  // namespace lab
