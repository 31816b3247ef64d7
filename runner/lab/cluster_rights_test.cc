// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/cluster_rights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runner/cluster/fake_server.h"
#include "runner/cluster/yaml.h"

namespace lab {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAreArray;

std::vector<std::string> Told(const std::vector<Right>& rights) {
  std::vector<std::string> told;
  for (const auto& right : rights) told.push_back(right.ToString());
  return told;
}

// An API server that allows what `allows` says of the attributes asked for.
FakeServer::Answer Answering(std::function<bool(const json&)> allows) {
  return [allows](FakeServer::Socket& socket, const auto& request) {
    const json asked = json::parse(request.body());
    const bool allowed = allows(asked["spec"]["resourceAttributes"]);
    FakeServer::Send(
        socket, HttpAnswer("201 Created",
                           json{{"status", {{"allowed", allowed}}}}.dump()));
  };
}

// What a person is given to grant is what the lab asks for.
TEST(ClusterRights, TheExampleGrantsExactlyThose) {
  const Path file =
      Path(LAB_SOURCE_DIR) / "examples" / "kubeconfig-lab" / "role.yaml";
  const auto role = ParseYaml(ReadFile(file).value(), file.string());
  ASSERT_TRUE(role) << role.error().what;
  std::vector<std::string> granted;
  for (const auto& rule : role->at("rules")) {
    for (const auto& verb : rule.at("verbs")) {
      granted.push_back(
          Right{verb, rule.at("resources").at(0), rule.at("apiGroups").at(0)}
              .ToString());
    }
  }
  EXPECT_THAT(granted, UnorderedElementsAreArray(Told(NeededRights())));
}

TEST(ClusterRights, NamesEachThatIsMissingInOrder) {
  FakeServer server(Answering([](const json& asked) {
    return asked["resource"] == "nodes" ||
           (asked["resource"] == "pods" && !asked.contains("subresource"));
  }));
  const auto missing =
      MissingRights(Api(server.path()), {{"create", "daemonsets", "apps"},
                                         {"get", "nodes", ""},
                                         {"create", "pods/exec", ""},
                                         {"create", "pods", ""}});
  ASSERT_TRUE(missing) << missing.error().what;
  EXPECT_THAT(Told(*missing),
              ElementsAre("create daemonsets.apps", "create pods/exec"));
}

TEST(ClusterRights, AnApiServerThatDoesNotAnswerTheQuestionIsAnError) {
  FakeServer server([](FakeServer::Socket& socket, const auto&) {
    FakeServer::Send(socket, HttpAnswer("401 Unauthorized",
                                        R"({"message":"Unauthorized"})"));
  });
  const auto missing =
      MissingRights(Api(server.path()), {{"get", "nodes", ""}});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().what, HasSubstr("HTTP 401: Unauthorized"));
}

}  // namespace
}  // namespace lab
