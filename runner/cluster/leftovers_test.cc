// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/leftovers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

json Namespace(const std::string& name, const std::string& phase) {
  return {{"metadata", {{"name", name}}}, {"status", {{"phase", phase}}}};
}

json Pod(const std::string& name_space, const std::string& uid) {
  return {{"metadata", {{"namespace", name_space}, {"uid", uid}}}};
}

TEST(PodsThatStay, AreThoseWhoseNamespaceIsNotGoing) {
  const json namespaces = {{"items",
                            {Namespace("kube-system", "Active"),
                             Namespace("nil-1a2b", "Terminating")}}};
  const json pods = {{"items",
                      {Pod("kube-system", "proxy"), Pod("nil-1a2b", "going"),
                       Pod("nil-3c4d", "orphan")}}};
  EXPECT_THAT(PodsThatStay(namespaces, pods), ElementsAre("proxy"));
}

// Where one appears, its cgroup has the name of what the kubelet read.
TEST(PodsThatStay, AStaticPodIsKnownByItsHash) {
  const json namespaces = {{"items", {Namespace("kube-system", "Active")}}};
  json etcd = Pod("kube-system", "of-the-mirror");
  etcd["metadata"]["annotations"]["kubernetes.io/config.hash"] = "5f1e";
  EXPECT_THAT(PodsThatStay(namespaces, {{"items", {etcd}}}),
              ElementsAre("5f1e"));
}

}  // namespace
}  // namespace lab
