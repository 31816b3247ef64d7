// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/kind_readback.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

KindConfig Config(const std::string& more) {
  auto config = ParseKindConfig(
      "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n" + more, "c.yaml");
  EXPECT_TRUE(config) << config.error().what;
  return *config;
}

// A node on which everything that Full() asks for has arrived.
NodeConfiguration Arrived() {
  return {
      {{"featureGates", {{"UserNamespacesSupport", true}}},
       {"seccompDefault", true},
       {"shutdownGracePeriod", "3s"}},
      {"/usr/bin/kubelet", "--config=/var/lib/kubelet/config.yaml", "--v", "4",
       "--seccomp-default=true"},
      {{"kube-apiserver",
        {"kube-apiserver", "--feature-gates=A=false,UserNamespacesSupport=true",
         "--runtime-config=api/alpha=true", "--audit-log-maxage=3"}},
       {"kube-controller-manager",
        {"x", "--feature-gates=UserNamespacesSupport=true"}},
       {"kube-scheduler",
        {"x", "--feature-gates=UserNamespacesSupport=true"}}}};
}

KindConfig Full() {
  return Config(R"(
featureGates: {UserNamespacesSupport: true}
runtimeConfig: {api/alpha: "true"}
kubeadmConfigPatches:
- |
  kind: KubeletConfiguration
  seccompDefault: true
- |
  kind: ClusterConfiguration
  apiServer: {extraArgs: {audit-log-maxage: "3"}}
nodes:
- role: control-plane
  kubeadmConfigPatches:
  - |
    kind: InitConfiguration
    nodeRegistration:
      kubeletExtraArgs: [{name: v, value: "4"}]
- role: worker
  kubeadmConfigPatches:
  - |
    kind: JoinConfiguration
    nodeRegistration:
      kubeletExtraArgs: {seccomp-default: "true"}
)");
}

TEST(ReadBack, FindsNoDifferenceWhereEverythingArrived) {
  const auto config = Full();
  EXPECT_THAT(Differences(config, config.nodes[0], false, Arrived()),
              IsEmpty());
  EXPECT_THAT(Differences(config, config.nodes[1], true, Arrived()), IsEmpty());
}

TEST(ReadBack, NamesWhatAKubeletLacks) {
  const auto config = Full();
  NodeConfiguration bare{{{"seccompDefault", false}}, {"kubelet"}, {}};
  EXPECT_THAT(
      Differences(config, config.nodes[1], true, bare),
      UnorderedElementsAre(
          "feature gate UserNamespacesSupport is null in the kubelet's "
          "configuration, not true",
          "the kubelet's configuration has seccompDefault: false, not true",
          "the kubelet has no --seccomp-default, not --seccomp-default=true"));
}

TEST(ReadBack, NamesWhatAComponentLacks) {
  const auto config = Full();
  auto found = Arrived();
  found.components["kube-apiserver"] = {"kube-apiserver",
                                        "--audit-log-maxage=30"};
  EXPECT_THAT(
      Differences(config, config.nodes[0], false, found),
      UnorderedElementsAre(
          "kube-apiserver has --feature-gates=, without "
          "UserNamespacesSupport=true",
          "kube-apiserver has --runtime-config=, without api/alpha=true",
          "kube-apiserver has --audit-log-maxage=30, not "
          "--audit-log-maxage=3"));
}

// kubeadm takes a join patch on the first control plane for nothing, so
// nothing is expected of it there.
TEST(ReadBack, HoldsANodeToTheDocumentsItReads) {
  const auto config = Full();
  auto found = Arrived();
  found.kubelet_argv = {"kubelet"};
  EXPECT_THAT(Differences(config, config.nodes[0], false, found),
              ElementsAre("the kubelet has no --v, not --v=4"));
}

TEST(ReadBack, LooksIntoNestedFields) {
  const auto config = Config(R"(
kubeadmConfigPatches:
- |
  kind: KubeletConfiguration
  evictionHard: {memory.available: 1Gi}
  gone: null
)");
  EXPECT_THAT(
      Differences(config, config.nodes[0], false,
                  {{{"evictionHard", {{"memory.available", "0"}}}}, {}, {}}),
      ElementsAre("the kubelet's configuration has "
                  "evictionHard.memory.available: \"0\", not \"1Gi\""));
}

}  // namespace
}  // namespace lab
