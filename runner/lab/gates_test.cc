// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/gates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Optional;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::StartsWith;

const Path kHome = LAB_SOURCE_DIR;
constexpr char kTop[] = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n";

FeatureGates Known(const std::string& version) {
  const auto table = LoadComponentTable(kHome);
  EXPECT_TRUE(table) << table.error().what;
  const auto kubernetes = table->FindKubernetes(version);
  EXPECT_TRUE(kubernetes) << kubernetes.error().what;
  auto gates = FeatureGates::Load(kHome, *kubernetes);
  EXPECT_TRUE(gates) << gates.error().what;
  return gates ? *gates : FeatureGates();
}

std::vector<std::string> Problems(const std::string& text,
                                  const std::string& version) {
  const auto config = ParseKindConfig(kTop + text, "f");
  EXPECT_TRUE(config) << config.error().what;
  std::vector<std::string> problems;
  if (!config) return problems;
  for (const auto& error : CheckGates(*config, Known(version))) {
    EXPECT_EQ(error.kind, ErrorKind::kUsage);
    problems.push_back(error.what);
  }
  return problems;
}

TEST(FeatureGates, EveryVersionOfTheTableHasThem) {
  const auto table = LoadComponentTable(kHome);
  ASSERT_TRUE(table) << table.error().what;
  for (const auto& kubernetes : table->kubernetes) {
    const auto gates = FeatureGates::Load(kHome, kubernetes);
    ASSERT_TRUE(gates) << gates.error().what;
    EXPECT_GT(gates->all().size(), 100U) << kubernetes.version;
    EXPECT_NE(gates->Find("AllAlpha"), nullptr);
  }
}

struct Asked {
  const char* version;
  const char* gate;
  bool on;
  const char* why;  ///< in the refusal; nullptr: it starts
};

TEST(FeatureGates, RefusalSaysWhy) {
  const Asked all[] = {
      {"1.23", "SeccompDefault", true, nullptr},
      {"1.24", "SeccompDefault", true, nullptr},
      {"1.30", "SeccompDefault", true, "it went in 1.29"},
      {"1.36", "SeccompDefault", false, "it went in 1.29"},
      {"1.30", "AppArmor", false, nullptr},
      {"1.36", "AppArmor", false, "it went in 1.33"},
      {"1.23", "UserNamespacesSupport", true, "it came in 1.28"},
      {"1.30", "UserNamespacesSupport", true, nullptr},
      {"1.36", "UserNamespacesSupport", true, nullptr},
      {"1.36", "UserNamespacesSupport", false, "locked to true"},
      {"1.36", "SeccompDefolt", true, "no version since 1.22 has it"}};
  for (const auto& [version, gate, on, why] : all) {
    const auto refusal = Known(version).Refusal("kubelet", gate, on);
    if (why == nullptr) {
      EXPECT_EQ(refusal, std::nullopt) << version << gate;
    } else {
      EXPECT_THAT(refusal, Optional(AllOf(HasSubstr(gate), HasSubstr(version),
                                          HasSubstr(why))));
    }
  }
}

// In 1.36 the scheduler lacks one that the other programs have.
TEST(FeatureGates, ProgramsMayDiffer) {
  const auto known = Known("1.36");
  const std::string gate = "ControllerManagerReleaseLeaderElectionLockOnExit";
  EXPECT_EQ(known.Refusal("kube-controller-manager", gate, true), std::nullopt);
  EXPECT_THAT(known.Refusal("kube-scheduler", gate, true),
              Optional(HasSubstr("other programs of this version know it")));
}

TEST(Gates, FlagIsWrittenAndRead) {
  EXPECT_EQ(GatesFlag({{"B", false}, {"A", true}}), "A=true,B=false");
  EXPECT_EQ(GatesFlag({}), "");
  const auto read = ParseGatesFlag("kube:B=false, A=true,");
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_THAT(*read, ElementsAre(Pair("A", true), Pair("B", false)));
  for (const char* bad : {"A", "A=", "A=on", "=,A"}) {
    EXPECT_FALSE(ParseGatesFlag(bad)) << bad;
  }
}

TEST(Gates, EachPlaceOfAConfigIsLookedAt) {
  EXPECT_THAT(
      Problems("featureGates:\n  AllAlpha: false\n  Nope: true\n", "1.36"),
      ElementsAre(StartsWith("f:5: feature gate Nope is unknown to "
                             "kube-apiserver of Kubernetes 1.36.3")));
  const auto patch = [](const std::string& body) {
    return Problems("kubeadmConfigPatches: ['{" + body + "}']\n", "1.36");
  };
  EXPECT_THAT(patch("kind: KubeletConfiguration, featureGates: {Nope: true}"),
              ElementsAre(StartsWith("f:3: KubeletConfiguration patch: feature "
                                     "gate Nope is unknown to kubelet")));
  EXPECT_THAT(patch("kind: KubeletConfiguration, featureGates: {Nope: ~}"),
              IsEmpty());
  EXPECT_THAT(
      patch("kind: KubeletConfiguration, featureGates: {AllBeta: \"true\"}"),
      ElementsAre(HasSubstr("AllBeta must be true or false")));
  EXPECT_THAT(patch("kind: ClusterConfiguration, scheduler: {extraArgs: "
                    "{feature-gates: \"Nope=true\"}}"),
              ElementsAre(HasSubstr("unknown to kube-scheduler")));
  EXPECT_THAT(patch("kind: ClusterConfiguration, apiServer: {extraArgs: "
                    "[{name: feature-gates, value: Nope=true}]}"),
              ElementsAre(HasSubstr("unknown to kube-apiserver")));
  EXPECT_THAT(patch("kind: InitConfiguration, nodeRegistration: "
                    "{kubeletExtraArgs: {feature-gates: AllBeta}}"),
              ElementsAre(HasSubstr("neither NAME=true nor NAME=false")));
}

TEST(Gates, PatchOfANodeIsLookedAt) {
  EXPECT_THAT(Problems("nodes:\n- role: control-plane\n- role: worker\n"
                       "  kubeadmConfigPatches:\n  - |\n"
                       "    kind: JoinConfiguration\n    nodeRegistration:\n"
                       "      kubeletExtraArgs:\n"
                       "        feature-gates: SeccompDefault=true\n",
                       "1.30"),
              ElementsAre(AllOf(StartsWith("f:8: JoinConfiguration patch: "),
                                HasSubstr("it went in 1.29"))));
}

// S2-11: 1.22 to 1.24 want the gate, and of a flag among the flags.
TEST(Gates, SeccompDefaultNeedsItsGateWhileThatIsOff) {
  const auto join = [](const std::string& arguments) {
    return "kubeadmConfigPatches: ['{kind: JoinConfiguration, "
           "nodeRegistration: {kubeletExtraArgs: {" +
           arguments + "}}}']\n";
  };
  const std::string flag = join("seccomp-default: \"true\"");
  const std::string gate = "featureGates: {SeccompDefault: true}\n";
  EXPECT_THAT(Problems(flag, "1.23"),
              ElementsAre(HasSubstr("--seccomp-default needs feature gate "
                                    "SeccompDefault, which is ALPHA and off in "
                                    "Kubernetes 1.23.17")));
  EXPECT_THAT(Problems(gate + flag, "1.24"), SizeIs(1));
  EXPECT_THAT(Problems(flag, "1.30"), IsEmpty());
  EXPECT_THAT(Problems(join("seccomp-default: \"true\", feature-gates: "
                            "SeccompDefault=true"),
                       "1.23"),
              IsEmpty());
  const std::string field =
      "kubeadmConfigPatches: ['{kind: KubeletConfiguration, seccompDefault: "
      "true}']\n";
  EXPECT_THAT(Problems(field, "1.23"), ElementsAre(HasSubstr("seccompDefault "
                                                             "needs")));
  EXPECT_THAT(Problems(gate + field, "1.23"), IsEmpty());
}

TEST(Gates, ProblemsAreInTheOrderOfTheFile) {
  EXPECT_THAT(Problems("kubeadmConfigPatches: ['{kind: KubeletConfiguration, "
                       "featureGates: {Nope: true}}']\n"
                       "featureGates: {Nada: true}\n",
                       "1.36"),
              ElementsAre(HasSubstr("Nope"), HasSubstr("Nada")));
}

}  // namespace
}  // namespace lab
