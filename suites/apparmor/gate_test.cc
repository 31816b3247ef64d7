// SPDX-License-Identifier: Apache-2.0
// The feature gate AppArmor: what it did while there was one, and that there is
// none any more. Labs in which it is off: kind-configs/gate-off*.yaml.
#include "runner/base/text.h"
#include "runner/cluster/kubelet.h"
#include "runner/cluster/yaml.h"
#include "runner/process/process.h"
#include "suites/apparmor/fixture.h"

namespace lab::suite {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

using nlohmann::json;

constexpr const char* kGateOff = "--feature-gates=AppArmor=false";
// Every version knows this one, and it changes nothing.
constexpr const char* kOtherGate = "--feature-gates=AllAlpha=false";
// What each program says next, once it takes its gates.
constexpr const char* kNoEtcd = "--etcd-servers must be specified";

std::string ApiServerSays(const World& world, const char* gate) {
  const auto program = world.lab().kubectl.parent_path() / "kube-apiserver";
  Require(std::filesystem::exists(program),
          "no-programs: there is no kube-apiserver of the cluster's version "
          "beside kubectl (" +
              program.string() + ")");
  // Given, so that it makes none of its own.
  const auto ran =
      Must(RunToEnd({.argv = {program.string(), gate, "--tls-cert-file=none",
                              "--tls-private-key-file=none"}}));
  return ran.out + ran.err;
}

// S0-49. Never: it would be a lab that does not come up.
TEST_F(AppArmor, GateRemoved) {
  const auto node = world.NodeWith({});
  const bool off = world.Behaves("api.apparmor-gate");
  const bool locked = world.Behaves("api.apparmor-gate-locked");
  const std::string refusal =
      locked
          ? "cannot set feature gate AppArmor to false, feature is locked to "
            "true"
          : "unrecognized feature gate: AppArmor";

  const auto server = ApiServerSays(world, kGateOff);
  const auto kubelet = world.KubeletSays(node, {kGateOff});

  ASSERT_THAT(ApiServerSays(world, kOtherGate),
              AllOf(HasSubstr(kNoEtcd), Not(HasSubstr("feature gate"))));
  ASSERT_THAT(
      world.KubeletSays(node, {kOtherGate}),
      AllOf(HasSubstr(kNoKubeletConfig), Not(HasSubstr("feature gate"))));
  Evidence(Kind::kControl, "with another gate both programs get further");
  EXPECT_THAT(server, HasSubstr(off ? kNoEtcd : refusal));
  EXPECT_THAT(kubelet, HasSubstr(off ? kNoKubeletConfig : refusal));
  if (!off) {
    EXPECT_THAT(server, Not(HasSubstr(kNoEtcd)));
    EXPECT_THAT(kubelet, Not(HasSubstr(kNoKubeletConfig)));
  }
  Evidence(Kind::kApi, "kube-apiserver: " + LastLines(server, 1));
  Evidence(Kind::kNode, node.node() + ": kubelet: " + LastLines(kubelet, 1));
}

class AppArmorGate : public AppArmor {
 protected:
  // Measured, not asked for: whether the API server keeps an annotation.
  bool ApiServerHasGate() {
    const auto reply =
        world.Submit(world.Manifest("hello-apparmor.yaml"), kTryPods);
    return Must(Kept(reply));
  }

  // What the running kubelet was given. It cannot be asked for its /configz:
  // the API server's proxy does not go to nodes at loopback addresses. Absent
  // is the default, which is on.
  bool KubeletHasGate(const NodeShell& node) {
    const json config = Must(
        ParseYaml(Must(node.AskOk({"cat", kKubeletConfig})), kKubeletConfig));
    const bool on =
        config.value("featureGates", json::object()).value("AppArmor", true);
    Evidence(Kind::kNode, node.node() + ": the kubelet's gate AppArmor is " +
                              (on ? "on" : "off"));
    return on;
  }

  void NeedsGates(bool api_server, bool kubelet) {
    Require(world.Behaves("api.apparmor-gate"),
            "no-gate: this version has no gate AppArmor that can be off");
    const bool server = ApiServerHasGate();
    const bool node = KubeletHasGate(world.NodeWith({}));
    const auto word = [](bool on) { return on ? "on" : "off"; };
    Require(server == api_server && node == kubelet,
            std::string("gate-on: the case needs a lab with the gate ") +
                word(api_server) + " in the API server and " + word(kubelet) +
                " in the kubelets; here they are " + word(server) + " and " +
                word(node));
  }

 private:
  static Result<bool> Kept(const Reply& reply) {
    if (!reply.accepted()) return Error{reply.message()};
    return reply.object.at("metadata")
        .value("annotations", json::object())
        .contains(kProfileKey + std::string("hello"));
  }
};

// S0-46, S0-47 (D-4). The document says that such a pod is refused; it is
// taken, and loses its profile on the way.
TEST_F(AppArmorGate, GateOff) {
  NeedsGates(false, false);
  const auto node = world.NodeWith({kDenyWrite});
  const auto pod = ClaimRuns("hello-apparmor.yaml", node);

  const auto tried = world.Try(pod, {"create:/tmp/x"});

  EXPECT_FALSE(pod.object.at("metadata").contains("annotations"))
      << pod.object.at("metadata");
  EXPECT_TRUE(FieldOf(pod.object.at("spec")).is_null());
  EXPECT_THAT(At(tried, "create:/tmp/x"), Allowed());
  EXPECT_THAT(world.ConfinementOf(pod),
              ConfinedBy(kContainerdDefault, kEnforce));
  EXPECT_TRUE(world.HasProfile(node, kDenyWrite, Kind::kControl));
}

// S3-13. With the gate off in the kubelet only, the pod keeps its profile and
// is held back.
TEST_F(AppArmorGate, GateSplit) {
  NeedsGates(true, false);
  const auto node = world.NodeWith({kDenyWrite});
  const auto control = Control("hello-control.yaml", node);
  const auto pod = world.Apply("hello-apparmor.yaml", &node);

  const auto held = Claim(world.Await(pod, "to be held back", [](const Pod& p) {
    return p.object.at("status").value("reason", "") == "AppArmor";
  }));

  ASSERT_TRUE(control.Running());
  EXPECT_EQ(held.phase(), "Pending");
  EXPECT_EQ(held.object.at("status").value("message", ""),
            "Cannot enforce AppArmor: AppArmor disabled by feature-gate");
  EXPECT_EQ(held.ContainerId(), "");
}

// The other split: the API server drops the profile, and nobody asks for it.
TEST_F(AppArmorGate, GateSplitApiServer) {
  NeedsGates(false, true);
  const auto node = world.NodeWith({kDenyWrite});
  const auto pod = ClaimRuns("hello-apparmor.yaml", node);
  Pod control = ClaimRuns("hello-control.yaml", node);
  control.control = true;

  EXPECT_FALSE(pod.object.at("metadata").contains("annotations"));
  EXPECT_THAT(world.ConfinementOf(pod),
              ConfinedBy(kContainerdDefault, kEnforce));
  EXPECT_THAT(world.ConfinementOf(control),
              ConfinedBy(kContainerdDefault, kEnforce));
}

// S0-48. The gate is about profiles that pods ask for, not about the runtime's.
TEST_F(AppArmorGate, GateOffRuntimeDefault) {
  NeedsGates(false, false);
  const auto node = world.NodeWith({});
  const auto control = Control("privileged-nil.yaml", node);
  const auto pod = ClaimRuns("hello-control.yaml", node);

  EXPECT_THAT(world.ConfinementOf(pod),
              ConfinedBy(kContainerdDefault, kEnforce));
  EXPECT_THAT(world.ConfinementOf(control), Unconfined());
}

}  // namespace
}  // namespace lab::suite
