// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/kind_shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/base/files.h"

namespace lab {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr char kTop[] = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n";
const KubeadmApi kV1Beta3 = {"kubeadm.k8s.io/v1beta3", false, "{}"};
const KubeadmApi kV1Beta4 = {"kubeadm.k8s.io/v1beta4", true, "{}"};

Result<KindShape> Resolve(const std::string& text,
                          const KubeadmApi& api = kV1Beta4) {
  LAB_TRY(const auto config, ParseKindConfig(text, "f"));
  return ResolveKindShape(config, "c",
                          api.argument_lists ? "1.36.3" : "1.23.17", api);
}

Result<KindShape> ResolvePatch(const std::string& patch,
                               const KubeadmApi& api = kV1Beta4) {
  return Resolve(std::string(kTop) + "kubeadmConfigPatches: ['" + patch +
                     "']\nnodes: [{}, {role: worker}]\n",
                 api);
}

TEST(KindShape, EveryFieldGoesWhereKindPutsIt) {
  const auto text = ReadFile(Path(LAB_SOURCE_DIR) /
                             "fixtures/kind-configs/valid-everything.yaml");
  ASSERT_TRUE(text);
  const auto shape = Resolve(*text);
  ASSERT_TRUE(shape) << shape.error().what;
  ASSERT_THAT(shape->nodes, SizeIs(3));
  EXPECT_EQ(shape->nodes[0].name, "c-control-plane");
  EXPECT_EQ(shape->nodes[2].name, "c-worker2");
  EXPECT_THAT(
      shape->apiserver_args,
      ElementsAre(
          Argument{"runtime-config", "api/alpha=true,policy/v1beta1=false"},
          Argument{"feature-gates",
                   "SomeOldGate=false,UserNamespacesSupport=true"},
          Argument{"enable-admission-plugins", "PodSecurity"},
          Argument{"v", "6"}));
  EXPECT_THAT(
      shape->nodes[1].kubelet_args,
      ElementsAre(Argument{"node-labels", "lab.example/disk=ssd,tier=a"},
                  Argument{"max-pods", "20"}, Argument{"v", "2"}));
  EXPECT_THAT(shape->nodes[2].kubelet_args,
              ElementsAre(Argument{"node-labels", ""}, Argument{"v", "9"}));
  EXPECT_EQ(shape->kubelet_config["seccompDefault"], true);
  EXPECT_EQ(shape->kubelet_config["evictionHard"],
            (json{{"memory.available", "1Mi"}}));
  EXPECT_EQ(shape->kubelet_config["featureGates"],
            shape->kube_proxy_config["featureGates"]);
}

TEST(KindShape, PatchesOfFlagsReplaceTheConfigsGates) {
  const auto shape =
      Resolve(std::string(kTop) +
              "featureGates: {A: true}\n"
              "kubeadmConfigPatches: ['{kind: ClusterConfiguration, apiServer: "
              "{extraArgs: {feature-gates: B=false}}}']\n");
  ASSERT_TRUE(shape) << shape.error().what;
  EXPECT_THAT(shape->apiserver_args,
              Contains(Argument{"feature-gates", "B=false"}));
  EXPECT_THAT(shape->scheduler_args,
              ElementsAre(Argument{"feature-gates", "A=true"}));
}

TEST(KindShape, OtherFieldsAreMergedAndNamesOfTheCertificateAdded) {
  const auto shape = ResolvePatch(
      "{kind: ClusterConfiguration, apiServer: {certSANs: [a]}}', "
      "'{kind: ClusterConfiguration, networking: {dnsDomain: d}, apiServer: "
      "{certSANs: [a, b]}}");
  ASSERT_TRUE(shape) << shape.error().what;
  EXPECT_EQ(shape->cluster.dump(),
            R"({"apiServer":{"certSANs":["a","b"]},"networking":)"
            R"({"dnsDomain":"d"}})");
}

TEST(KindShape, PlacesSayWhoReadsAPatch) {
  const auto shape = ResolvePatch(
      "{kind: ClusterConfiguration, apiServer: {}, scheduler: {}}");
  ASSERT_TRUE(shape) << shape.error().what;
  ASSERT_THAT(shape->patches, SizeIs(1));
  EXPECT_THAT(shape->patches[0].to,
              ElementsAre("kube-apiserver", "kube-scheduler"));
}

TEST(KindShape, CgroupDriverIsOfTheVersion) {
  EXPECT_EQ(Resolve(kTop)->kubelet_config["cgroupDriver"], "systemd");
  EXPECT_EQ(Resolve(kTop, kV1Beta3)->kubelet_config["cgroupDriver"],
            "cgroupfs");
}

constexpr char kMapping[] =
    "{kind: InitConfiguration, nodeRegistration: {kubeletExtraArgs: {v: "
    "\"4\"}}}";
constexpr char kList[] =
    "{kind: InitConfiguration, nodeRegistration: {kubeletExtraArgs: [{name: v, "
    "value: \"4\"}]}}";

TEST(KindShape, MappingWithoutVersionFitsEveryKubeadm) {
  for (const auto& api : {kV1Beta3, kV1Beta4}) {
    const auto shape = ResolvePatch(kMapping, api);
    ASSERT_TRUE(shape) << shape.error().what;
    EXPECT_THAT(shape->nodes[0].kubelet_args, Contains(Argument{"v", "4"}));
    EXPECT_THAT(shape->nodes[1].kubelet_args, SizeIs(1));
  }
}

TEST(KindShape, ListWouldReplaceTheMappingOfAnOldKubeadm) {
  EXPECT_TRUE(ResolvePatch(kList, kV1Beta4));
  const auto shape = ResolvePatch(kList, kV1Beta3);
  ASSERT_FALSE(shape);
  EXPECT_THAT(shape.error().what,
              HasSubstr("is a mapping, which a list would replace"));
}

struct Mistake {
  const char* rest;
  const char* error;
};

TEST(KindShape, PatchThatMatchesNothingIsRefusedWithItsPlace) {
  const Mistake mistakes[] = {
      {"nodes: [{role: worker}]\n", "f:3: a kind cluster has at least one"},
      {"kubeadmConfigPatches: ['{kind: JoinConfiguration}']\n",
       "f:3: JoinConfiguration patch: matches nothing, because no node joins"},
      {"nodes:\n- kubeadmConfigPatches: ['{kind: JoinConfiguration}']\n",
       "f:4: JoinConfiguration patch: matches nothing on the first control"},
      {"nodes:\n- {}\n- role: worker\n  kubeadmConfigPatches: "
       "['{kind: ClusterConfiguration}']\n",
       "f:6: ClusterConfiguration patch: matches nothing on c-worker"},
      {"nodes:\n- {}\n- kubeadmConfigPatches: ['{kind: InitConfiguration}']\n",
       "f:5: InitConfiguration patch: matches nothing on c-control-plane2"},
      {"kubeadmConfigPatches: ['{kind: ClusterConfiguration, apiVersion: "
       "kubeadm.k8s.io/v1beta3}']\n",
       "f:3: ClusterConfiguration patch: apiVersion \"kubeadm.k8s.io/v1beta3\" "
       "matches nothing"},
      {"kubeadmConfigPatches: ['{kind: KubeProxyConfiguration, apiVersion: "
       "v1}']\n",
       "f:3: KubeProxyConfiguration patch: apiVersion \"v1\" matches nothing"},
      {"kubeadmConfigPatches: ['{kind: ClusterConfiguration, apiVersion: "
       "kubeadm.k8s.io/v1beta4, scheduler: {extraArgs: {v: \"1\"}}}']\n",
       "f:3: ClusterConfiguration patch: \"scheduler.extraArgs\" of "
       "kubeadm.k8s.io/v1beta4 is a list"},
      {"kubeadmConfigPatches: ['{kind: ClusterConfiguration, apiServer: "
       "{extraArgs: {audit-policy-file: /etc/a/b}}}']\n",
       "f:3: --audit-policy-file of kube-apiserver names /etc/a/b, which its "
       "pod does not see"}};
  for (const auto& [rest, error] : mistakes) {
    const auto shape = Resolve(std::string(kTop) + rest);
    ASSERT_FALSE(shape) << error;
    EXPECT_THAT(shape.error().what, StartsWith(error));
    EXPECT_EQ(shape.error().kind, ErrorKind::kUsage);
  }
}

TEST(KindShape, InitBesideJoinIsForEveryKubeletEvenOfOneNode) {
  EXPECT_TRUE(Resolve(std::string(kTop) +
                      "kubeadmConfigPatches: ['{kind: InitConfiguration}', "
                      "'{kind: JoinConfiguration}']\n"));
}

}  // namespace
}  // namespace lab
