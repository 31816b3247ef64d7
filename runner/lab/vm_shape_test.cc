// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/vm_shape.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "runner/base/files.h"
#include "runner/base/text.h"
#include "runner/kernel/test_random.h"

namespace lab {
namespace {

using ::testing::AnyOf;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

const Path kFixtures = Path(LAB_SOURCE_DIR) / "fixtures/kind-configs";
constexpr char kPlace[] = "^f[.]yaml:[1-9][0-9]*:";
constexpr char kTop[] = "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n";

const KubeadmApi kV1Beta3 = {"kubeadm.k8s.io/v1beta3", false, "{}"};
const KubeadmApi kV1Beta4 = {"kubeadm.k8s.io/v1beta4", true, "{}"};

Result<VmShape> ResolveText(const std::string& text, const std::string& file,
                            const KubeadmApi& api = kV1Beta4) {
  LAB_TRY(const auto config, ParseKindConfig(text, file));
  return ResolveVmShape(config, "lab", api);
}

Result<VmShape> ResolveFile(const Path& path) {
  LAB_TRY(const auto text, ReadFile(path));
  return ResolveText(text, path.stem());
}

Result<VmShape> ResolveFixture(const std::string& name) {
  return ResolveFile(kFixtures / (name + ".yaml"));
}

TEST(VmShape, DefaultConfigHasTwoWorkers) {
  const auto shape =
      ResolveFile(Path(LAB_SOURCE_DIR) / "kind-configs/default.yaml");
  ASSERT_TRUE(shape) << shape.error().what;
  ASSERT_THAT(shape->workers, SizeIs(2));
  EXPECT_EQ(shape->workers[0].name, "lab-worker");
  EXPECT_EQ(shape->workers[1].name, "lab-worker2");
  EXPECT_THAT(shape->workers[0].kubelet_config, IsEmpty());
}

TEST(VmShape, ArgumentsOfComponentsAreMergedByName) {
  const auto shape = ResolveFixture("valid-everything");
  ASSERT_TRUE(shape) << shape.error().what;
  const Argument gates{"feature-gates",
                       "SomeOldGate=false,UserNamespacesSupport=true"};
  EXPECT_THAT(shape->apiserver_args,
              ElementsAre(gates,
                          Argument{"runtime-config",
                                   "api/alpha=true,policy/v1beta1=false"},
                          Argument{"enable-admission-plugins", "PodSecurity"},
                          Argument{"v", "6"}));
  EXPECT_THAT(shape->controller_manager_args,
              ElementsAre(gates, Argument{"profiling", "false"}));
  EXPECT_THAT(shape->scheduler_args, ElementsAre(gates));
}

// As in kind, where the arguments of a patch come over those it has written.
TEST(VmShape, GatesOfAPatchReplaceTheConfigs) {
  const auto shape = ResolveText(
      std::string(kTop) +
          "featureGates: {A: true}\n"
          "kubeadmConfigPatches: ['{kind: ClusterConfiguration, apiServer: "
          "{extraArgs: {feature-gates: B=false}}}']\n"
          "nodes: [{role: control-plane}, {role: worker}]\n",
      "f");
  ASSERT_TRUE(shape) << shape.error().what;
  EXPECT_THAT(shape->apiserver_args,
              ElementsAre(Argument{"feature-gates", "B=false"}));
  EXPECT_THAT(shape->scheduler_args,
              ElementsAre(Argument{"feature-gates", "A=true"}));
}

TEST(VmShape, PlacesSayWhoReadsAPatch) {
  const auto shape = ResolveFixture("valid-everything");
  ASSERT_TRUE(shape) << shape.error().what;
  std::vector<std::string> places;
  for (const auto& patch : shape->patches) {
    places.push_back(std::to_string(patch.line) + " " + Join(patch.to, ", "));
  }
  EXPECT_THAT(
      places,
      ElementsAre("14 kube-apiserver",
                  "20 kubelet of lab-worker, kubelet of lab-worker2",
                  "26 kubelet of lab-worker, kubelet of lab-worker2",
                  "35 kube-apiserver, kube-controller-manager, kube-scheduler",
                  "47 kubelet of lab-worker, kubelet of lab-worker2",
                  "63 kubelet of lab-worker2", "70 kubelet of lab-worker2"));
}

// An API server that reads CONTAINER_PATH/a.yaml of its node.
std::string WithFile(const std::string& volumes, const std::string& mounts) {
  return std::string(kTop) +
         "nodes:\n- role: control-plane\n  extraMounts: " + mounts +
         "\n- role: worker\n"
         "kubeadmConfigPatches:\n- '{kind: ClusterConfiguration, apiServer: "
         "{extraVolumes: " +
         volumes +
         ", extraArgs: {audit-policy-file: /pod/a.yaml, audit-log-path: "
         "/log/audit.log}}}'\n";
}
constexpr char kVolumes[] =
    "[{name: a, hostPath: /node/policies, mountPath: /pod}, "
    "{name: b, hostPath: /var/log/api, mountPath: /log}]";
constexpr char kMounts[] = "[{hostPath: /my, containerPath: /node}]";

TEST(VmShape, FilesOfTheApiServerAreNamedWhereTheyAre) {
  const auto shape = ResolveText(WithFile(kVolumes, kMounts), "f");
  ASSERT_TRUE(shape) << shape.error().what;
  EXPECT_THAT(
      shape->apiserver_args,
      ElementsAre(
          Argument{"audit-log-path", "control-plane/var/log/api/audit.log"},
          Argument{"audit-policy-file", "/my/policies/a.yaml"}));
  EXPECT_THAT(shape->control_plane_mounts, SizeIs(1));
  EXPECT_THAT(shape->control_plane_directories,
              ElementsAre("control-plane/var/log/api"));
}

TEST(VmShape, FileThatNoVolumeShowsIsRefused) {
  const auto shape = ResolveText(
      WithFile("[{name: a, hostPath: /node, mountPath: /podium}]", "[]"), "f");
  ASSERT_FALSE(shape);
  EXPECT_EQ(shape.error().what,
            "f:8: --audit-policy-file of kube-apiserver names /pod/a.yaml, "
            "which its pod does not see; show it with apiServer.extraVolumes "
            "of a ClusterConfiguration, and bring it to the node with "
            "extraMounts of the control plane");
}

TEST(VmShape, MountThatNoFlagNeedsIsRefused) {
  const auto shape =
      ResolveText(WithFile(kVolumes,
                           "[{hostPath: /my, containerPath: /node},\n"
                           "   {hostPath: /other, containerPath: /nodes}]"),
                  "f");
  ASSERT_FALSE(shape);
  EXPECT_THAT(shape.error().what,
              StartsWith("f:6: extraMounts of the control plane: in the vm "
                         "lab"));
}

TEST(VmShape, PatchOfAWorkerComesAfterThatOfTheCluster) {
  const auto shape = ResolveFixture("valid-everything");
  ASSERT_TRUE(shape) << shape.error().what;
  EXPECT_THAT(shape->workers[0].kubelet_extra_args,
              ElementsAre(Argument{"max-pods", "20"}, Argument{"v", "2"}));
  EXPECT_THAT(shape->workers[1].kubelet_extra_args,
              ElementsAre(Argument{"v", "9"}));
}

TEST(VmShape, KubeletConfigurationReachesEveryWorker) {
  const auto shape = ResolveFixture("valid-everything");
  ASSERT_TRUE(shape) << shape.error().what;
  for (const auto& worker : shape->workers) {
    EXPECT_EQ(worker.kubelet_config,
              nlohmann::json({{"seccompDefault", true},
                              {"evictionHard", {{"memory.available", "1Mi"}}},
                              {"allowedUnsafeSysctls", {"kernel.msg*"}}}));
  }
}

TEST(VmShape, NullInAKubeletConfigurationIsKeptForTheMerge) {
  const auto shape = ResolveText(
      std::string(kTop) +
          "kubeadmConfigPatches: ['{kind: KubeletConfiguration, a: {b: ~}}']\n"
          "nodes: [{role: control-plane}, {role: worker}]\n",
      "f");
  ASSERT_TRUE(shape) << shape.error().what;
  EXPECT_EQ(shape->workers[0].kubelet_config.dump(), R"({"a":{"b":null}})");
}

TEST(VmShape, GatesLabelsAndMountsAreTakenOver) {
  const auto shape = ResolveFixture("valid-everything");
  ASSERT_TRUE(shape) << shape.error().what;
  EXPECT_THAT(shape->feature_gates, SizeIs(2));
  EXPECT_THAT(shape->workers[0].labels, SizeIs(2));
  EXPECT_THAT(shape->workers[0].mounts, SizeIs(2));
  EXPECT_THAT(shape->workers[1].mounts, IsEmpty());
}

TEST(VmShape, LabelsChooseTheMachineAndStayLabels) {
  const auto shape = ResolveFixture("valid-choices");
  ASSERT_TRUE(shape) << shape.error().what;
  const auto& chosen = shape->workers[0];
  EXPECT_EQ(chosen.choice.node_os, "bookworm");
  EXPECT_EQ(chosen.choice.runtime, "runc");
  EXPECT_FALSE(chosen.choice.apparmor);
  EXPECT_THAT(chosen.labels, SizeIs(4));
  EXPECT_EQ(chosen.labels.at("lab.local/node-os"), "bookworm");
  EXPECT_THAT(shape->workers[1].choice.node_os, IsEmpty());
  EXPECT_TRUE(shape->workers[1].choice.apparmor);
  EXPECT_TRUE(shape->workers[2].choice.apparmor);
}

TEST(VmShape, TheShippedConfigsResolve) {
  for (const auto& entry : std::filesystem::directory_iterator(
           Path(LAB_SOURCE_DIR) / "kind-configs")) {
    const auto shape = ResolveFile(entry.path());
    EXPECT_TRUE(shape) << shape.error().what;
  }
}

TEST(VmShape, InitBesideJoinIsForTheKubeletThatIsNotThere) {
  const auto shape = ResolveFixture("valid-every-kubelet");
  ASSERT_TRUE(shape) << shape.error().what;
  EXPECT_THAT(shape->workers[0].kubelet_extra_args,
              ElementsAre(Argument{"seccomp-default", "true"}));
}

TEST(VmShape, CheckAndResolveAgree) {
  const auto config = ParseKindConfig(kTop, "f");
  ASSERT_TRUE(config);
  EXPECT_EQ(CheckForVmLab(*config, kV1Beta4).error().what,
            ResolveVmShape(*config, "x", kV1Beta4).error().what);
}

TEST(VmShape, FixturesAreWhatTheirNamesSay) {
  for (const auto& entry : std::filesystem::directory_iterator(kFixtures)) {
    const std::string name = entry.path().stem();
    EXPECT_THAT(name, AnyOf(StartsWith("valid-"), StartsWith("invalid-")));
    const auto shape = ResolveFile(entry.path());
    EXPECT_EQ(shape.has_value(), name.starts_with("valid-")) << name;
  }
}

struct Mistake {
  const char* file;
  const char* place;
  const char* error;
};

class VmShapeMistake : public ::testing::TestWithParam<Mistake> {};

TEST_P(VmShapeMistake, IsRefusedWithItsPlace) {
  const auto shape = ResolveFixture(GetParam().file);
  ASSERT_FALSE(shape);
  EXPECT_THAT(
      shape.error().what,
      StartsWith(GetParam().file + std::string(":") + GetParam().place + ": "));
  EXPECT_THAT(shape.error().what, HasSubstr(GetParam().error));
  EXPECT_EQ(shape.error().kind, ErrorKind::kUsage);
}

INSTANTIATE_TEST_SUITE_P(
    Files, VmShapeMistake,
    ::testing::Values(
        Mistake{"invalid-networking", "5",
                "field \"networking\" is not supported by the vm lab "
                "(supported: kind, apiVersion, name, nodes, featureGates, "
                "runtimeConfig, kubeadmConfigPatches)"},
        Mistake{"invalid-json-patches", "5", "kubeadmConfigPatchesJSON6902"},
        Mistake{"invalid-containerd-patches", "5", "containerdConfigPatches"},
        Mistake{"invalid-image", "8", "field \"nodes[1].image\" is not"},
        Mistake{"invalid-port-mappings", "8",
                "field \"nodes[1].extraPortMappings\" is not supported by the "
                "vm lab (supported: role, labels, kubeadmConfigPatches, "
                "extraMounts)"},
        Mistake{"invalid-mount-propagation", "11",
                "field \"nodes[1].extraMounts[0].propagation\" is not"},
        Mistake{"invalid-mount-target", "9",
                "containerPath \"b\" must be absolute"},
        Mistake{"invalid-two-control-planes", "8", "exactly one"},
        Mistake{"invalid-no-control-plane", "6", "add \"- role: control-plane"},
        Mistake{"invalid-no-worker", "6", "add \"- role: worker\""},
        Mistake{"invalid-nine-workers", "15", "at most 8 workers"},
        Mistake{"invalid-control-plane-labels", "6", "give them to a worker"},
        Mistake{"invalid-choice-runtime", "9",
                "label lab.local/runtime: unknown value \"youki\"; known: "
                "crun, runc"},
        Mistake{"invalid-choice-apparmor", "9",
                "label lab.local/apparmor: unknown value \"no\"; known: on, "
                "off"},
        Mistake{"invalid-choice-unknown", "9",
                "label \"lab.local/kernel\" chooses nothing; known: "
                "lab.local/node-os, lab.local/runtime, lab.local/apparmor"},
        Mistake{"invalid-patch-version", "7",
                "\"kubeadm.k8s.io/v1beta3\" matches nothing; leave it out, or "
                "write \"kubeadm.k8s.io/v1beta4\""},
        Mistake{"invalid-patch-map", "7",
                "\"apiServer.extraArgs\" of kubeadm.k8s.io/v1beta4 is a list"},
        Mistake{"invalid-patch-argument", "7",
                "the value of \"v\" in \"apiServer.extraArgs\" must be a "
                "string"},
        Mistake{"invalid-patch-section", "7",
                "field \"apiServer.certSANs\" is not supported by the vm lab "
                "(supported: apiServer.extraArgs, apiServer.extraVolumes, "
                "controllerManager.extraArgs, controllerManager.extraVolumes, "
                "scheduler.extraArgs, scheduler.extraVolumes)"},
        Mistake{"invalid-patch-init-only", "7", "matches nothing"},
        Mistake{"invalid-patch-join-on-control-plane", "9", "does not join"},
        Mistake{"invalid-patch-kubelet-on-worker", "10", "move it to the"},
        Mistake{"invalid-patch-proxy", "7", "kube-proxy"}));

// A ClusterConfiguration of this version, its extraArgs in this form.
std::string WithPatch(const std::string& version, const std::string& form) {
  const std::string named =
      version.empty() ? "" : "apiVersion: " + version + ", ";
  return std::string(kTop) +
         "nodes: [{role: control-plane}, {role: worker}]\n"
         "kubeadmConfigPatches:\n- '{kind: ClusterConfiguration, " +
         named + "apiServer: {extraArgs: " + form + "}}'\n";
}
constexpr char kMapping[] = "{v: \"4\"}";
constexpr char kList[] = "[{name: v, value: \"4\"}]";

TEST(VmShape, PatchWithoutVersionMayBeAMapping) {
  for (const auto& [api, form] :
       {std::pair{kV1Beta3, kMapping}, std::pair{kV1Beta4, kMapping},
        std::pair{kV1Beta4, kList}}) {
    const auto shape = ResolveText(WithPatch("", form), "f", api);
    ASSERT_TRUE(shape) << shape.error().what;
    EXPECT_THAT(shape->apiserver_args, ElementsAre(Argument{"v", "4"}));
  }
}

TEST(VmShape, PatchOfTheLabsKubeadmIsInItsForm) {
  for (const auto& [api, form] :
       {std::pair{kV1Beta3, kMapping}, std::pair{kV1Beta4, kList}}) {
    const auto shape = ResolveText(WithPatch(api.name, form), "f", api);
    ASSERT_TRUE(shape) << shape.error().what;
    EXPECT_THAT(shape->apiserver_args, ElementsAre(Argument{"v", "4"}));
  }
}

struct Mismatch {
  KubeadmApi lab;
  std::string patch;
  const char* form;
  const char* error;
};

TEST(VmShape, MismatchOfVersionOrFormIsRefusedWithItsPlace) {
  const Mismatch mismatches[] = {
      {kV1Beta3, kV1Beta3.name, kList,
       "\"apiServer.extraArgs\" of kubeadm.k8s.io/v1beta3 is a mapping, which "
       "a list would replace; write {NAME: VALUE}"},
      {kV1Beta3, "", kList, "is a mapping, which a list would replace"},
      {kV1Beta4, kV1Beta4.name, kMapping,
       "\"apiServer.extraArgs\" of kubeadm.k8s.io/v1beta4 is a list of name "
       "and value; leave apiVersion out to write a mapping"},
      {kV1Beta3, kV1Beta4.name, kList,
       "\"kubeadm.k8s.io/v1beta4\" matches nothing; leave it out, or write "
       "\"kubeadm.k8s.io/v1beta3\""},
      {kV1Beta4, kV1Beta3.name, kMapping,
       "\"kubeadm.k8s.io/v1beta3\" matches nothing; leave it out, or write "
       "\"kubeadm.k8s.io/v1beta4\""}};
  for (const auto& [lab, patch, form, error] : mismatches) {
    const auto shape = ResolveText(WithPatch(patch, form), "f.yaml", lab);
    ASSERT_FALSE(shape) << error;
    EXPECT_EQ(shape.error().kind, ErrorKind::kUsage);
    EXPECT_THAT(shape.error().what, ContainsRegex("^f[.]yaml:[45]: "));
    EXPECT_THAT(shape.error().what, HasSubstr(error));
  }
}

// A whole line less, or a few bytes changed, or the end cut off.
std::string Damaged(Random& random, const std::string& text) {
  if (!random.OneIn(3)) return random.Mutated(text);
  const auto begin = text.find('\n', random.Below(text.size()));
  if (begin == std::string::npos) return text.substr(0, random.Below(100));
  const auto end = std::min(text.find('\n', begin + 1), text.size());
  return text.substr(0, begin) + text.substr(end);
}

TEST(VmShapeProperty, DamagedFileIsReadOrRefusedWithItsPlace) {
  Random random(1);
  const std::vector<std::string> texts = {
      *ReadFile(kFixtures / "valid-everything.yaml"),
      *ReadFile(kFixtures / "valid-every-kubelet.yaml"),
      *ReadFile(kFixtures / "valid-shared-patch.yaml")};
  int good = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string text = Damaged(random, random.Of(texts));
    const auto shape = ResolveText(text, "f.yaml");
    if (shape) {
      ++good;
      ASSERT_THAT(shape->workers, Not(IsEmpty())) << text;
    } else {
      ASSERT_THAT(shape.error().what, ContainsRegex(kPlace)) << text;
    }
  }
  EXPECT_GT(good, 100);
}

TEST(VmShapeProperty, AnyBytesAreReadOrRefused) {
  Random random(2);
  for (int i = 0; i < 20000; ++i) {
    const auto shape = ResolveText(
        random.OneIn(2) ? random.Bytes(60)
                        : random.Text("kind: -|>\n\"'{}[],&*!?#%~a0", 0, 60),
        "f.yaml");
    ASSERT_FALSE(shape);
    ASSERT_THAT(shape.error().what, ContainsRegex(kPlace));
  }
}

}  // namespace
}  // namespace lab
