// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/cluster_cleaning.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/cluster/fake_server.h"
#include "runner/cluster/marks.h"

namespace lab {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kLab = "run-1";

// A cluster of one node whose namespaces end as soon as they are told to, and
// which notes in one file what is done to it and on its node.
class FakeCluster {
 public:
  FakeCluster()
      : directory_(TempDir::In("/tmp", "cleaning-").value()),
        server_([this](FakeServer::Socket& socket, const auto& request) {
          FakeServer::Send(
              socket, Answer(std::string(request.method_string()),
                             std::string(request.target()), request.body()));
        }) {
    const Path program = directory_.path() / "login";
    EXPECT_TRUE(WriteFile(
        program, fmt::format("printf 'node %s\\n' \"${{1%%;*}}\" >>{}\n"
                             "printf '\\004lab-end' >&2\n{}",
                             Log().string(), "exit $(cat $0.status)\n")));
    NodeAnswers("0");
    lab_.name = kLab;
    lab_.directory = directory_.path();
    lab_.api_socket = server_.path();
    lab_.nodes = {{.name = "n",
                   .role = "worker",
                   .address = {},
                   .console = {},
                   .labels = {},
                   .login = {{"sh", program.string()}, {}}}};
    lab_.facts["n.apparmor"] = "Y";
  }

  void NodeAnswers(const std::string& status) {
    EXPECT_TRUE(WriteFile(directory_.path() / "login.status", status));
  }
  const LabFile& lab() const { return lab_; }
  std::vector<std::string> Done() const {
    return Lines(ReadFile(Log()).value_or(""));
  }

  /// Name -> whether it is ending already.
  std::map<std::string, bool> namespaces;
  json node = {{"metadata", {{"name", "n"}}}};

 private:
  Path Log() const { return directory_.path() / "log"; }

  std::string Answer(const std::string& method, const std::string& target,
                     const std::string& body) {
    const std::string name = target.substr(target.rfind('/') + 1);
    if (method != "GET") {
      EXPECT_TRUE(WriteFile(Log(), ReadFile(Log()).value_or("") + method + " " +
                                       name + " " +
                                       (method == "PATCH" ? body : "") + "\n"));
      if (method == "DELETE") namespaces.erase(name);
      return HttpAnswer("200 OK", "{}");
    }
    if (target == "/version") return HttpAnswer("200 OK", "{}");
    if (target == "/api/v1/nodes") {
      return HttpAnswer("200 OK", json{{"items", {node}}}.dump());
    }
    if (target.find("watch=1") != std::string::npos) return Ended();
    EXPECT_EQ(target,
              "/api/v1/namespaces?labelSelector=confinement-lab%2Flab%3Drun-1");
    json items = json::array();
    for (const auto& [space, ending] : namespaces) {
      json meta = {{"name", space}};
      if (ending) meta["deletionTimestamp"] = "2020-01-01T00:00:00Z";
      items.push_back({{"metadata", meta}});
    }
    listed_ = namespaces;
    return HttpAnswer("200 OK", json{{"metadata", {{"resourceVersion", "7"}}},
                                     {"items", items}}
                                    .dump());
  }

  // Of those that were in the last list.
  std::string Ended() const {
    std::string events;
    for (const auto& [space, ending] : listed_) {
      if (namespaces.contains(space)) continue;
      events += json{{"type", "DELETED"},
                     {"object", {{"metadata", {{"name", space}}}}}}
                    .dump() +
                "\n";
    }
    return HttpAnswer("200 OK", events);
  }

  TempDir directory_;
  LabFile lab_;
  std::map<std::string, bool> listed_;
  FakeServer server_;
};

TEST(ClusterCleaning, TheWayOntoTheNodesGoesLast) {
  FakeCluster cluster;
  cluster.namespaces = {{"case-a", false}, {"case-b", true}, {kLab, false}};

  const auto removed = RemoveFromCluster(cluster.lab());

  ASSERT_TRUE(removed) << removed.error().what;
  EXPECT_THAT(*removed, ElementsAre("namespace case-a", "namespace case-b",
                                    "namespace run-1"));
  const auto done = cluster.Done();
  EXPECT_EQ(done.front(),
            "node rm -f -- /etc/kubernetes/manifests/case-a.json");
  EXPECT_EQ(done.at(1), "DELETE case-a ");
  EXPECT_THAT(done, Contains("node rm -rf /var/lib/confinement-lab/run-1"));
  EXPECT_EQ(done.back(), "DELETE run-1 ");
}

TEST(ClusterCleaning, LabelsOfItsCasesAloneAreTakenOffNodes) {
  FakeCluster cluster;
  cluster.node["metadata"]["annotations"] = {
      {"confinement-lab/case-a", "run-1 example/label"},
      {"confinement-lab/case-b", "run-10 other/label"},
      {"other/annotation", "run-1 foreign/label"}};

  const auto removed = RemoveFromCluster(cluster.lab());

  ASSERT_TRUE(removed) << removed.error().what;
  EXPECT_THAT(*removed, ElementsAre("label example/label of node n"));
  EXPECT_THAT(
      cluster.Done(),
      Contains("PATCH n " +
               json{{"metadata",
                     {{"labels", {{"example/label", nullptr}}},
                      {"annotations", {{"confinement-lab/case-a", nullptr}}}}}}
                   .dump()));
}

// Else nobody could come back to what is there.
TEST(ClusterCleaning, ANodeThatCannotBeCleanedKeepsItsAgent) {
  FakeCluster cluster;
  cluster.namespaces = {{"case-a", false}, {kLab, false}};
  cluster.NodeAnswers("1");

  const auto removed = RemoveFromCluster(cluster.lab());

  ASSERT_FALSE(removed);
  EXPECT_THAT(removed.error().what,
              AllOf(HasSubstr("node n: "), HasSubstr("`runner lab gc`")));
  EXPECT_THAT(cluster.Done(), Contains("DELETE case-a "));
  EXPECT_THAT(cluster.Done(), Not(Contains("DELETE run-1 ")));
}

TEST(ClusterCleaning, ALabThatGotNowhereHasNothingToClean) {
  LabFile lab;
  lab.name = kLab;
  const auto removed = RemoveFromCluster(lab);
  ASSERT_TRUE(removed);
  EXPECT_THAT(*removed, IsEmpty());
}

}  // namespace
}  // namespace lab
