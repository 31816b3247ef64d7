// SPDX-License-Identifier: Apache-2.0
// SeccompDefault: what a kubelet does with containers that ask for nothing, how
// it is told to, and where it shows.
#include "runner/base/text.h"
#include "runner/cluster/kubelet.h"
#include "suites/seccomp/fixture.h"

namespace lab::suite {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using nlohmann::json;

const auto kProfileOfPod = "/securityContext/seccompProfile"_json_pointer;

// S2-6. On the node where it is off the same pod goes without.
TEST_F(Seccomp, SeccompdefaultOn) {
  const auto [pod, control] = ClaimNilOnBoth();

  const auto free = world.Try(control, {kKeyctl, "userns"});
  const auto filtered = world.Try(pod, {kKeyctl, "userns"});

  ASSERT_THAT(At(free, kKeyctl), RefusedWith(kReachesKernel));
  ASSERT_THAT(world.FilteringOf(control), Unfiltered());
  EXPECT_THAT(world.FilteringOf(pod), FilteredBy(1));
  EXPECT_THAT(At(filtered, kKeyctl), RefusedWith(EPERM));
  EXPECT_THAT(At(filtered, "userns"), RefusedWith(EPERM));
}

// S2-18. The filter is there, and the pod does not say so.
TEST_F(Seccomp, SpecNotMutated) {
  const auto node = NodeWithDefault(true);
  const auto asks = Apply("nil-twin.yaml", node);
  const auto pod = ClaimRuns("nil.yaml", node);
  const auto twin = Claim(world.AwaitRunning(asks));

  const auto& spec = pod.object.at("spec");
  const auto& container = spec.at("containers").at(0);
  ASSERT_EQ(twin.object.at("spec")
                .at("containers")
                .at(0)
                .at("/securityContext/seccompProfile/type"_json_pointer),
            "RuntimeDefault");
  Evidence(Kind::kControl, "the spec of a pod that asks keeps what it asks");
  EXPECT_FALSE(spec.contains(kProfileOfPod)) << spec;
  EXPECT_FALSE(container.contains(kProfileOfPod)) << container;
  Evidence(Kind::kApi, "no seccompProfile in the spec as it is stored");
  EXPECT_THAT(world.FilteringOf(pod), FilteredBy(1));
}

// S2-17. The runtime is asked for the same and gives the same: the OCI specs
// that it made of both are equal in this.
TEST_F(Seccomp, NilEqualsDefault) {
  const auto node = NodeWithDefault(true);
  const auto asks = Apply("nil-twin.yaml", node);
  const auto free = ClaimRuns("unconfined.yaml", node);
  const auto pod = ClaimRuns("nil.yaml", node);
  const auto twin = Claim(world.AwaitRunning(asks));

  const auto of_nil = world.RuntimeSpec(pod);
  const auto of_twin = world.RuntimeSpec(twin);
  const auto of_free = world.RuntimeSpec(AsControl(free));

  const auto filter = "/linux/seccomp"_json_pointer;
  ASSERT_FALSE(of_free.contains(filter));
  ASSERT_TRUE(of_twin.contains(filter));
  EXPECT_TRUE(of_nil.contains(filter));
  EXPECT_EQ(of_nil.value(filter, json()), of_twin.value(filter, json()));
  EXPECT_THAT(world.FilteringOf(pod), FilteredBy(1));
  EXPECT_THAT(world.FilteringOf(twin), FilteredBy(1));
}

// S2-19. What the API does not show, the runtime does.
TEST_F(Seccomp, CriLevel) {
  const auto [pod, control] = ClaimNilOnBoth();

  const auto without = world.RuntimeSpec(control);
  const auto spec = world.RuntimeSpec(pod);

  const auto action = "/linux/seccomp/defaultAction"_json_pointer;
  ASSERT_FALSE(without.contains(action));
  ASSERT_TRUE(spec.contains(action)) << spec.at("linux").dump().substr(0, 200);
  EXPECT_EQ(spec.at(action), "SCMP_ACT_ERRNO");
  EXPECT_THAT(world.FilteringOf(pod), FilteredBy(1));
}

constexpr const char* kGateWanted =
    "the SeccompDefault feature gate must be enabled in order to use the "
    "--seccomp-default flag";
constexpr const char* kNoSuchGate = "unrecognized feature gate: SeccompDefault";
constexpr const char* kGate = "--feature-gates=SeccompDefault=true";

// S2-11. The gate was needed as long as it was alpha.
TEST_F(Seccomp, FlagRequiresGate) {
  const auto node = AnyNode();
  const bool required = world.Behaves("kubelet.seccomp-flag-needs-gate", &node);
  const auto plain = world.KubeletSays(node, {});
  const auto flag = world.KubeletSays(node, {"--seccomp-default"});

  ASSERT_THAT(plain, HasSubstr(kNoKubeletConfig));
  Evidence(Kind::kControl, "without the flag: " + LastLines(plain, 1));
  EXPECT_THAT(flag, HasSubstr(required ? kGateWanted : kNoKubeletConfig));
  if (!required) {
    EXPECT_THAT(flag, Not(HasSubstr(kGateWanted)));
  }
  Evidence(Kind::kNode, "with the flag: " + LastLines(flag, 1));
  if (!required) return;
  const auto both = world.KubeletSays(node, {"--seccomp-default", kGate});
  EXPECT_THAT(both, HasSubstr(kNoKubeletConfig));
  Evidence(Kind::kNode, "with flag and gate: " + LastLines(both, 1));
}

// S2-12, S2-13, D-8. kind puts its featureGates into the kubelet's file, and
// they count; but flags are checked before there is a file.
TEST_F(Seccomp, KindFeaturegates) {
  const auto node = AnyNode();
  const bool required = world.Behaves("kubelet.seccomp-flag-needs-gate", &node);
  const bool known = world.Behaves("kubelet.seccomp-default-gate", &node);
  const json gate = {{"featureGates", {{"SeccompDefault", true}}}};
  const json other = {{"featureGates", {{"AllAlpha", false}}}};
  const json both = {{"featureGates", {{"SeccompDefault", true}}},
                     {"seccompDefault", true}};

  const auto plain = world.KubeletReads(node, other, {});
  const auto gated = world.KubeletReads(node, gate, {});
  const auto flagged = world.KubeletReads(node, gate, {"--seccomp-default"});
  const auto by_file = world.KubeletReads(node, both, {});

  ASSERT_THAT(plain, HasSubstr(kConfigRead));
  Evidence(Kind::kControl, "another gate in the file: " + LastLines(plain, 1));
  const std::string read = known ? kConfigRead : kNoSuchGate;
  EXPECT_THAT(gated, HasSubstr(read));
  EXPECT_THAT(flagged, HasSubstr(required ? kGateWanted : read));
  EXPECT_THAT(by_file, HasSubstr(read));
  Evidence(Kind::kNode, "gate in the file: " + LastLines(gated, 1));
  Evidence(Kind::kNode, "and the flag: " + LastLines(flagged, 1));
  Evidence(Kind::kNode, "and the field: " + LastLines(by_file, 1));
}

// S2-10, S2-23, S2-24: alpha in 1.22, GA in 1.27, and no gate from 1.29 on.
TEST_F(Seccomp, SeccompdefaultStages) {
  const auto node = AnyNode();
  const bool known = world.Behaves("kubelet.seccomp-default-gate", &node);

  const auto other =
      world.KubeletSays(node, {"--feature-gates=AllAlpha=false"});
  const auto gate = world.KubeletSays(node, {kGate});

  ASSERT_THAT(other, HasSubstr(kNoKubeletConfig));
  Evidence(Kind::kControl, "with another gate: " + LastLines(other, 1));
  EXPECT_THAT(gate, HasSubstr(known ? kNoKubeletConfig : kNoSuchGate));
  if (!known) {
    EXPECT_THAT(gate, Not(HasSubstr(kNoKubeletConfig)));
  }
  Evidence(Kind::kNode, "with the gate: " + LastLines(gate, 1));
}

// S3-25. The directory is "seccomp" below --root-dir; the flag that named
// another is gone.
TEST_F(Seccomp, ProfileRoot) {
  const auto node = AnyNode();
  world.PlaceSeccomp(node, "lab/deep/no-keyctl.json",
                     world.SeccompText("lab-no-keyctl.json"));
  const bool flag = world.Behaves("kubelet.seccomp-profile-root", &node);

  const auto control = Claim(world.AwaitRunning(Apply("nil-twin.yaml", node)));
  const auto pod = ClaimRuns("subdirectory.yaml", node);
  const auto refused = world.Try(pod, {kKeyctl, "userns"});
  const auto by_default = world.Try(AsControl(control), {"userns"});
  const auto said =
      world.KubeletSays(node, {"--seccomp-profile-root=/lab/seccomp"});

  // The runtime's default refuses it; the file does not name it.
  ASSERT_THAT(At(by_default, "userns"), RefusedWith(EPERM));
  EXPECT_THAT(At(refused, kKeyctl), RefusedWith(EPERM));
  EXPECT_THAT(At(refused, "userns"), Allowed());
  EXPECT_THAT(world.FilteringOf(pod), FilteredBy(1));
  EXPECT_THAT(said, HasSubstr(flag ? kNoKubeletConfig
                                   : "unknown flag: --seccomp-profile-root"));
  Evidence(Kind::kNode, "kubelet: " + LastLines(said, 1));
}

}  // namespace
}  // namespace lab::suite
