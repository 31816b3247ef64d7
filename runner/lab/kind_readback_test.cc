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

const KubeadmApi kV1Beta4 = {"kubeadm.k8s.io/v1beta4", true, "{}"};

KindShape Shape(const std::string& more) {
  const auto config = ParseKindConfig(
      "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n" + more, "c.yaml");
  EXPECT_TRUE(config) << config.error().what;
  auto shape = ResolveKindShape(*config, "c", "1.36.3", kV1Beta4);
  EXPECT_TRUE(shape) << shape.error().what;
  return *shape;
}

// What kind asks of every kubelet (its template of KubeletConfiguration).
json KubeletConfig() {
  return {{"cgroupDriver", "systemd"},
          {"cgroupRoot", "/kubelet"},
          {"failSwapOn", false},
          {"imageGCHighThresholdPercent", 100},
          {"evictionHard",
           {{"nodefs.available", "0%"},
            {"nodefs.inodesFree", "0%"},
            {"imagefs.available", "0%"}}}};
}

// A node on which everything that Full() asks for has arrived.
NodeConfiguration Arrived() {
  NodeConfiguration found = {
      KubeletConfig(),
      {"/usr/bin/kubelet", "--config=/var/lib/kubelet/config.yaml", "--v", "4",
       "--seccomp-default=true", "--node-labels=a=b,node=other"},
      {{"kube-apiserver",
        {"kube-apiserver", "--feature-gates=A=false,UserNamespacesSupport=true",
         "--runtime-config=api/alpha=true", "--audit-log-maxage=3"}},
       {"kube-controller-manager",
        {"x", "--feature-gates=UserNamespacesSupport=true",
         "--enable-hostpath-provisioner=true"}},
       {"kube-scheduler",
        {"x", "--feature-gates=UserNamespacesSupport=true"}}}};
  found.kubelet_config.update(
      {{"featureGates", {{"UserNamespacesSupport", true}}},
       {"seccompDefault", true},
       {"shutdownGracePeriod", "3s"}});
  return found;
}

KindShape Full() {
  return Shape(R"(
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
  labels: {a: b}
  kubeadmConfigPatches:
  - |
    kind: JoinConfiguration
    nodeRegistration:
      kubeletExtraArgs: {seccomp-default: "true"}
)");
}

TEST(ReadBack, FindsNoDifferenceWhereEverythingArrived) {
  const auto shape = Full();
  EXPECT_THAT(Differences(shape, shape.nodes[0], Arrived()), IsEmpty());
  EXPECT_THAT(Differences(shape, shape.nodes[1], Arrived()), IsEmpty());
}

TEST(ReadBack, NamesWhatAKubeletLacks) {
  const auto shape = Full();
  NodeConfiguration bare{KubeletConfig(), {"kubelet"}, {}};
  bare.kubelet_config["seccompDefault"] = false;
  EXPECT_THAT(
      Differences(shape, shape.nodes[1], bare),
      UnorderedElementsAre(
          "the kubelet's configuration has featureGates.UserNamespacesSupport: "
          "null, not true",
          "the kubelet's configuration has seccompDefault: false, not true",
          "the kubelet has no --node-labels, not --node-labels=a=b",
          "the kubelet has no --seccomp-default, not --seccomp-default=true"));
}

TEST(ReadBack, NamesWhatAComponentLacks) {
  const auto shape = Full();
  auto found = Arrived();
  found.components["kube-apiserver"] = {
      "kube-apiserver", "--feature-gates=A=false", "--audit-log-maxage=30"};
  EXPECT_THAT(
      Differences(shape, shape.nodes[0], found),
      UnorderedElementsAre("kube-apiserver has --feature-gates=A=false, not "
                           "--feature-gates=UserNamespacesSupport=true",
                           "kube-apiserver has no --runtime-config, not "
                           "--runtime-config=api/alpha=true",
                           "kube-apiserver has --audit-log-maxage=30, not "
                           "--audit-log-maxage=3"));
}

// kubeadm takes a join patch on the first control plane for nothing, so
// nothing is expected of it there.
TEST(ReadBack, HoldsANodeToTheDocumentsItReads) {
  const auto shape = Full();
  auto found = Arrived();
  found.kubelet_argv = {"kubelet"};
  EXPECT_THAT(Differences(shape, shape.nodes[0], found),
              ElementsAre("the kubelet has no --v, not --v=4"));
}

TEST(ReadBack, LooksIntoNestedFields) {
  const auto shape = Shape(R"(
kubeadmConfigPatches:
- |
  kind: KubeletConfiguration
  evictionHard: {memory.available: 1Gi}
  gone: null
)");
  NodeConfiguration found{KubeletConfig(), {}, {}};
  found.kubelet_config["evictionHard"]["memory.available"] = "0";
  EXPECT_THAT(Differences(shape, shape.nodes[0], found),
              ElementsAre("the kubelet's configuration has "
                          "evictionHard.memory.available: \"0\", not \"1Gi\""));
}

// kind's own wishes count, too.
TEST(ReadBack, HoldsANodeToKindsTemplate) {
  const auto shape = Shape("nodes: [{}]\n");
  NodeConfiguration found{KubeletConfig(), {}, {}};
  found.kubelet_config.erase("cgroupRoot");
  EXPECT_THAT(Differences(shape, shape.nodes[0], found),
              ElementsAre("the kubelet's configuration has cgroupRoot: null, "
                          "not \"/kubelet\""));
}

}  // namespace
}  // namespace lab
