// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/kind_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/base/files.h"

namespace lab {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

Result<KindConfig> ParseFixture(const std::string& name) {
  const Path path =
      Path(LAB_SOURCE_DIR) / "fixtures/kind-configs" / (name + ".yaml");
  LAB_TRY(const auto text, ReadFile(path));
  return ParseKindConfig(text, name);
}

TEST(KindConfig, ReadsEveryField) {
  const auto config = ParseFixture("valid-everything");
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->name, "everything");
  EXPECT_THAT(config->feature_gates,
              ElementsAre(Pair("SomeOldGate", false),
                          Pair("UserNamespacesSupport", true)));
  EXPECT_THAT(
      config->runtime_config,
      ElementsAre(Pair("api/alpha", "true"), Pair("policy/v1beta1", "false")));
  EXPECT_THAT(config->patches, SizeIs(3));
  EXPECT_THAT(config->nodes, SizeIs(3));
  EXPECT_THAT(config->kind_only, IsEmpty());
}

TEST(KindConfig, ReadsNodes) {
  const auto config = ParseFixture("valid-everything");
  ASSERT_TRUE(config) << config.error().what;
  const KindNode& worker = config->nodes[1];
  EXPECT_EQ(config->nodes[0].role, KindRole::kControlPlane);
  EXPECT_EQ(worker.role, KindRole::kWorker);
  EXPECT_EQ(worker.line, 50);
  EXPECT_THAT(worker.labels,
              ElementsAre(Pair("lab.example/disk", "ssd"), Pair("tier", "a")));
  ASSERT_THAT(worker.extra_mounts, SizeIs(2));
  EXPECT_EQ(worker.extra_mounts[0].host_path, "profiles/apparmor");
  EXPECT_EQ(worker.extra_mounts[0].container_path, "/etc/lab/profiles");
  EXPECT_TRUE(worker.extra_mounts[0].read_only);
  EXPECT_FALSE(worker.extra_mounts[1].read_only);
}

TEST(KindConfig, ReadsPatchesWithTheirLines) {
  const auto config = ParseFixture("valid-everything");
  ASSERT_TRUE(config) << config.error().what;
  const auto& kubelet = config->patches[1];
  EXPECT_EQ(kubelet.kind, "KubeletConfiguration");
  EXPECT_EQ(kubelet.api_version, "kubelet.config.k8s.io/v1beta1");
  EXPECT_EQ(kubelet.line, 20);
  EXPECT_EQ(kubelet.body["seccompDefault"], true);
  EXPECT_EQ(config->patches[0].api_version, "");
  EXPECT_EQ(config->patches[0].body["apiServer"]["extraArgs"]["v"], "4");
}

TEST(KindConfig, NoNodesAreOneControlPlane) {
  const auto config = ParseKindConfig(
      "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n", "f");
  ASSERT_TRUE(config) << config.error().what;
  ASSERT_THAT(config->nodes, SizeIs(1));
  EXPECT_EQ(config->nodes[0].role, KindRole::kControlPlane);
}

TEST(KindConfig, RoleIsControlPlaneUnlessGiven) {
  const auto config = ParseKindConfig(
      "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes: [{}]\n", "f");
  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(config->nodes[0].role, KindRole::kControlPlane);
}

TEST(KindConfig, FieldsOfKindAloneAreReadAndNoted) {
  const auto config = ParseFixture("invalid-port-mappings");
  ASSERT_TRUE(config) << config.error().what;
  ASSERT_THAT(config->kind_only, SizeIs(1));
  EXPECT_EQ(config->kind_only[0].path, "nodes[1].extraPortMappings");
  EXPECT_EQ(config->kind_only[0].line, 8);
}

struct Mistake {
  const char* file;
  const char* error;
};

class KindConfigMistake : public ::testing::TestWithParam<Mistake> {};

TEST_P(KindConfigMistake, IsRefusedWithItsPlace) {
  const auto config = ParseFixture(GetParam().file);
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().what,
            GetParam().file + std::string(":") + GetParam().error);
  EXPECT_EQ(config.error().kind, ErrorKind::kUsage);
}

INSTANTIATE_TEST_SUITE_P(
    Files, KindConfigMistake,
    ::testing::Values(
        Mistake{"invalid-syntax", "7:1: end of sequence flow not found"},
        Mistake{"invalid-two-documents",
                "9:1: one YAML document is expected, found 2"},
        Mistake{"invalid-other-kind",
                "3: no kind config: \"kind: Cluster\" and \"apiVersion: "
                "kind.x-k8s.io/v1alpha4\" are expected"},
        Mistake{"invalid-duplicate-key", "8:1: duplicate key \"nodes\""},
        Mistake{"invalid-circular-alias", "6:5: the document is too deep"},
        Mistake{"invalid-unknown-field",
                "8: unknown field \"nodes[1].lables\" (did you mean "
                "\"labels\"?)"},
        Mistake{"invalid-unknown-top-field",
                "5: unknown field \"featureGate\" (did you mean "
                "\"featureGates\"?)"},
        Mistake{"invalid-unknown-networking-field",
                "6: unknown field \"networking.podSubnets\" (did you mean "
                "\"podSubnet\"?)"},
        Mistake{"invalid-role",
                "6: field \"nodes[0].role\" is \"master\" (supported: "
                "control-plane, worker)"},
        Mistake{"invalid-nodes-type", "6: field \"nodes\" must be a list"},
        Mistake{"invalid-gate-type",
                "7: field \"featureGates[\"B\"]\" must be true or false "
                "(without quotes)"},
        Mistake{"invalid-runtime-config-type",
                "6: field \"runtimeConfig[\"api/alpha\"]\" must be a string "
                "(put it in quotes)"},
        Mistake{"invalid-label-type",
                "9: field \"nodes[1].labels[\"tier\"]\" must be a string (put "
                "it in quotes)"},
        Mistake{"invalid-mount-source",
                "9: field \"nodes[1].extraMounts[0]\" must have hostPath and "
                "containerPath"},
        Mistake{"invalid-patch-type",
                "6: field \"kubeadmConfigPatches[0]\" must be a string of YAML "
                "(write \"- |\" above it)"},
        Mistake{"invalid-patch-empty",
                "6: field \"kubeadmConfigPatches[0]\" must be a kubeadm patch"},
        Mistake{"invalid-patch-kind",
                "9: a patch of kind \"ClusterConfig\" matches nothing (did you "
                "mean \"ClusterConfiguration\"?)"},
        Mistake{"invalid-patch-without-kind",
                "7: the patch in \"kubeadmConfigPatches[0]\" must be a mapping "
                "with a field \"kind\""},
        Mistake{"invalid-patch-syntax", "9:5: end of sequence flow not found"},
        Mistake{"invalid-patch-duplicate-key",
                "9:5: duplicate key \"maxPods\""}));

}  // namespace
}  // namespace lab
