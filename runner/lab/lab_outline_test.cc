// SPDX-License-Identifier: Apache-2.0
// Every config that the project ships, as `runner lab plan` tells it.
#include "runner/lab/lab_outline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/base/files.h"
#include "runner/lab/gates.h"

namespace lab {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Pair;

const Path kHome = LAB_SOURCE_DIR;

struct Outlined {
  LabOutline outline;
  FeatureGates gates;
  std::vector<std::string> problems;
};

Result<Outlined> Outline(const std::string& lab, const std::string& file,
                         const std::string& version) {
  LAB_TRY(const auto table, LoadComponentTable(kHome));
  LAB_TRY(const auto kubernetes, table.FindKubernetes(version));
  LAB_TRY(const auto text, ReadFile(kHome / file));
  LAB_TRY(const auto config, ParseKindConfig(text, file));
  Outlined all;
  LAB_TRY(all.gates, FeatureGates::Load(kHome, kubernetes));
  for (const auto& error : CheckGates(config, all.gates)) {
    all.problems.push_back(error.what);
  }
  if (lab == "kind") {
    LAB_TRY(const auto shape, ResolveKindShape(config, "c", kubernetes.version,
                                               kubernetes.kubeadm_api));
    LAB_TRY(all.outline, OutlineKindLab(config, shape, kubernetes));
  } else {
    LAB_TRY(const auto shape,
            ResolveVmShape(config, "c", kubernetes.kubeadm_api));
    LAB_TRY(all.outline,
            OutlineVmLab(config, shape, kubernetes, kHome / "fixtures/node"));
  }
  return all;
}

// "kube-apiserver --x=y" for each flag of each component.
std::vector<std::string> Flags(const LabOutline& outline) {
  std::vector<std::string> flags;
  const auto add = [&](const std::string& who,
                       const std::vector<Argument>& arguments) {
    for (const auto& one : arguments) {
      flags.push_back(who + " --" + one.name + "=" + one.value);
    }
  };
  for (const auto& one : outline.components) add(one.name, one.flags);
  for (const auto& node : outline.nodes) {
    if (node.kubelet) add(node.name, node.kubelet->flags);
  }
  return flags;
}

struct Shipped {
  const char* config;
  std::vector<std::string> good;  ///< versions it comes up with
  std::vector<std::string> bad;   ///< those with which it is refused
};

class ShippedConfig : public ::testing::TestWithParam<Shipped> {};

TEST_P(ShippedConfig, IsGoodForItsVersionsInBothLabs) {
  const auto& [config, good, bad] = GetParam();
  const std::string file = std::string("kind-configs/") + config + ".yaml";
  for (const char* lab : {"vm", "kind"}) {
    for (const auto& version : good) {
      const auto outlined = Outline(lab, file, version);
      ASSERT_TRUE(outlined) << outlined.error().what;
      EXPECT_THAT(outlined->problems, IsEmpty()) << lab << version;
    }
    for (const auto& version : bad) {
      const auto outlined = Outline(lab, file, version);
      EXPECT_TRUE(!outlined || !outlined->problems.empty()) << lab << version;
    }
  }
}

const std::vector<std::string> kOld = {"1.23", "1.24"};
const std::vector<std::string> kNew = {"1.30", "1.36"};
const std::vector<std::string> kAll = {"1.23", "1.24", "1.30", "1.36"};

INSTANTIATE_TEST_SUITE_P(
    All, ShippedConfig,
    ::testing::Values(
        Shipped{"apparmor-off", kAll, {}}, Shipped{"audit-policy", kAll, {}},
        Shipped{"default", kAll, {}}, Shipped{"feature-gates", kAll, {}},
        Shipped{"gate-off", {"1.23", "1.24", "1.30"}, {"1.36"}},
        Shipped{"gate-off-apiserver", {"1.23", "1.24", "1.30"}, {"1.36"}},
        Shipped{"gate-off-kubelet", {"1.23", "1.24", "1.30"}, {"1.36"}},
        Shipped{"half-apparmor", kAll, {}}, Shipped{"mixed-node-os", kAll, {}},
        Shipped{"one-worker", kAll, {}},
        Shipped{"pod-security-defaults", kAll, {}},
        Shipped{"seccomp-default", kNew, kOld},
        Shipped{"seccomp-default-1.22", {"1.23", "1.24"}, {"1.30", "1.36"}},
        Shipped{"seccomp-default-flag", kNew, kOld},
        Shipped{
            "seccomp-default-one-worker", {"1.36"}, {"1.23", "1.24", "1.30"}},
        Shipped{"seccomp-default-one-worker-1.22",
                {"1.23", "1.24"},
                {"1.30", "1.36"}},
        Shipped{"seccomp-default-one-worker-1.25", kNew, kOld},
        Shipped{"seccomp-profiles", kAll, {}}),
    [](const auto& shipped) {
      std::string name = shipped.param.config;
      for (char& c : name) {
        if (c == '-' || c == '.') c = '_';
      }
      return name;
    });

TEST(LabOutline, EveryShippedConfigIsInTheTableAbove) {
  std::size_t files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(kHome / "kind-configs")) {
    files += entry.path().extension() == ".yaml" ? 1 : 0;
  }
  EXPECT_EQ(files, 18U);
}

TEST(LabOutline, FeatureGatesReachEveryComponentOfBothLabs) {
  for (const char* lab : {"vm", "kind"}) {
    const auto outlined =
        Outline(lab, "kind-configs/feature-gates.yaml", "1.36");
    ASSERT_TRUE(outlined) << outlined.error().what;
    const auto gates = ElementsAre(Pair("HPAScaleToZero", true),
                                   Pair("StorageVersionHash", false));
    for (const auto& one : outlined->outline.components) {
      EXPECT_THAT(one.gates, gates) << lab << one.name;
    }
    for (const auto& node : outlined->outline.nodes) {
      if (node.kubelet) {
        EXPECT_THAT(node.kubelet->gates, gates);
      }
    }
    // One is off by default and one on: the config changes both.
    EXPECT_FALSE(outlined->gates.Find("HPAScaleToZero")->on_by_default);
    EXPECT_TRUE(outlined->gates.Find("StorageVersionHash")->on_by_default);
  }
}

TEST(LabOutline, AdmissionConfigurationReachesTheApiServer) {
  const std::string file = "kind-configs/pod-security-defaults.yaml";
  const auto kind = Outline("kind", file, "1.36");
  ASSERT_TRUE(kind) << kind.error().what;
  EXPECT_THAT(Flags(kind->outline),
              Contains("kube-apiserver --admission-control-config-file="
                       "/etc/config/pod-security-defaults.yaml"));
  EXPECT_EQ(kind->outline.nodes[0].mounts[0].container_path, "/etc/config");
  const auto vm = Outline("vm", file, "1.36");
  ASSERT_TRUE(vm) << vm.error().what;
  EXPECT_THAT(Flags(vm->outline),
              Contains(EndsWith("/fixtures/admission/"
                                "pod-security-defaults.yaml")));
}

TEST(LabOutline, AuditLogOfTheVmLabLiesInItsDirectory) {
  const auto vm = Outline("vm", "kind-configs/audit-policy.yaml", "1.23");
  ASSERT_TRUE(vm) << vm.error().what;
  EXPECT_THAT(
      Flags(vm->outline),
      AllOf(Contains(EndsWith("/fixtures/audit/policy.yaml")),
            Contains("kube-apiserver --audit-log-path=control-plane/var/log/"
                     "kubernetes/audit.log")));
}

TEST(LabOutline, SeccompDefaultIsAFlagOrAField) {
  for (const char* lab : {"vm", "kind"}) {
    const auto flag =
        Outline(lab, "kind-configs/seccomp-default-flag.yaml", "1.36");
    ASSERT_TRUE(flag) << flag.error().what;
    EXPECT_THAT(Flags(flag->outline),
                Contains("c-worker --seccomp-default=true"));
    EXPECT_FALSE(flag->outline.nodes[1].kubelet->configuration.contains(
        "seccompDefault"));
    const auto field =
        Outline(lab, "kind-configs/seccomp-default.yaml", "1.36");
    ASSERT_TRUE(field) << field.error().what;
    EXPECT_EQ(field->outline.nodes[1].kubelet->configuration["seccompDefault"],
              true);
  }
}

TEST(LabOutline, ProfilesLieBelowTheKubeletsDirectory) {
  const auto vm = Outline("vm", "kind-configs/seccomp-profiles.yaml", "1.36");
  ASSERT_TRUE(vm) << vm.error().what;
  const KindMount& mount = vm->outline.nodes[1].mounts.at(0);
  EXPECT_EQ(mount.container_path, "/var/lib/kubelet/seccomp/profiles");
  EXPECT_TRUE(std::filesystem::exists(kHome / mount.host_path / "chmod.json"));
}

// The second document's config (S2-12): right in its time.
TEST(Documents, SeccompDefaultWorksWithItsVersionAndNotSince129) {
  const std::string file = "fixtures/documents/seccomp-default.yaml";
  const auto then = Outline("kind", file, "1.23");
  ASSERT_TRUE(then) << then.error().what;
  EXPECT_THAT(then->problems, IsEmpty());
  EXPECT_EQ(then->outline.nodes[0].system, "kindest/node:v1.22.0");
  EXPECT_THAT(Flags(then->outline),
              AllOf(Contains("c-control-plane --seccomp-default=true"),
                    Contains("c-control-plane --feature-gates=SeccompDefault="
                             "true")));
  EXPECT_THAT(then->outline.patches[0].to,
              ElementsAre("kubelet of c-control-plane"));
  for (const char* version : {"1.30", "1.36"}) {
    const auto now = Outline("kind", file, version);
    ASSERT_TRUE(now) << now.error().what;
    EXPECT_THAT(now->problems,
                ElementsAre(AllOf(HasSubstr("seccomp-default.yaml:11: Init"),
                                  HasSubstr("it went in 1.29"))));
  }
}

// The fourth document's (S4-79): a mapping, which kind converts for v1beta4.
TEST(Documents, AdmissionConfigWorksWithEveryVersion) {
  for (const auto& version : kAll) {
    const auto outlined =
        Outline("kind", "fixtures/documents/cluster-config.yaml", version);
    ASSERT_TRUE(outlined) << outlined.error().what;
    EXPECT_THAT(outlined->problems, IsEmpty());
    EXPECT_THAT(Flags(outlined->outline),
                Contains("kube-apiserver --admission-control-config-file="
                         "/etc/config/cluster-level-pss.yaml"));
    EXPECT_THAT(outlined->outline.kind_only,
                ElementsAre("nodes[0].extraMounts[0].selinuxRelabel",
                            "nodes[0].extraMounts[0].propagation"));
  }
}

TEST(Documents, TheVmLabSaysWhatItCannotDo) {
  const auto vm =
      Outline("vm", "fixtures/documents/cluster-config.yaml", "1.36");
  ASSERT_FALSE(vm);
  EXPECT_THAT(vm.error().what, HasSubstr("is not supported by the vm lab"));
}

TEST(LabOutline, JsonAndTableTellTheSame) {
  const auto outlined =
      Outline("vm", "kind-configs/gate-off-kubelet.yaml", "1.30");
  ASSERT_TRUE(outlined) << outlined.error().what;
  const json plan = ToJson(outlined->outline, outlined->gates);
  EXPECT_EQ(plan["kubernetes"], "1.30.4");
  EXPECT_EQ(plan["nodes"][1]["kubelet"]["featureGates"]["AppArmor"],
            (json{{"value", false},
                  {"stage", "BETA"},
                  {"default", true},
                  {"locked", false}}));
  EXPECT_EQ(plan["patches"][0].dump(),
            R"({"kind":"KubeletConfiguration","line":8,)"
            R"("to":["kubelet of c-worker"]})");
  const auto rows = ToRows(outlined->outline, outlined->gates);
  EXPECT_THAT(rows,
              Contains(ElementsAre("gate", "kubelet of c-worker",
                                   "AppArmor=false (BETA, on by default)")));
  EXPECT_THAT(rows, Contains(ElementsAre(
                        "patch", "line 8",
                        "KubeletConfiguration -> kubelet of c-worker")));
}

}  // namespace
}  // namespace lab
