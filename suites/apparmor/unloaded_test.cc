// SPDX-License-Identifier: Apache-2.0
// Pods whose profile is not loaded. Up to Kubernetes 1.23 the kubelet checks,
// and holds the pod back; since 1.24 it does not (kubernetes PR 97966), and the
// runtime refuses to create the container.
#include "suites/apparmor/fixture.h"

namespace lab::suite {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;

using nlohmann::json;

std::vector<std::string> Reasons(const std::vector<json>& events) {
  std::vector<std::string> reasons;
  for (const auto& event : events) reasons.push_back(event.value("reason", ""));
  return reasons;
}

std::string ConditionOf(const Pod& pod, const std::string& type) {
  for (const auto& condition : pod.object.at("status").at("conditions")) {
    if (condition.value("type", "") == type) {
      return condition.value("status", "");
    }
  }
  return "absent";
}

// For what the container waits, by whoever refused it.
std::string RefusedReason(bool kubelet_checks) {
  return kubelet_checks ? "Blocked" : "CreateContainerError";
}

std::string NotLoaded(const std::string& profile) {
  return "Cannot enforce AppArmor: profile \"" + profile + "\" is not loaded";
}

// S0-14, S0-32, S0-33 (D-1): what the document shows is of two older eras.
TEST_F(AppArmor, UnloadedProfile) {
  const auto node = world.NodeWith({kDenyWrite});
  EXPECT_FALSE(world.HasProfile(node, kUnloaded));
  const auto pod = world.Apply("hello-apparmor-2.yaml", &node);
  const auto control = Control("hello-apparmor.yaml", node);

  const auto refused = Claim(world.AwaitRefused(pod, 1));

  ASSERT_TRUE(control.Running());
  EXPECT_EQ(refused.phase(), "Pending");
  const bool checks = world.Behaves("kubelet.checks-profile", &node);
  EXPECT_EQ(refused.WaitingReason(), RefusedReason(checks));
  const json status = refused.object.at("status");
  if (checks) {
    EXPECT_EQ(status.value("reason", ""), "AppArmor");
    EXPECT_EQ(status.value("message", ""), NotLoaded(kUnloaded));
  } else {
    EXPECT_THAT(refused.WaitingMessage(),
                AllOf(HasSubstr("apparmor"), HasSubstr(kUnloaded)));
    EXPECT_FALSE(status.contains("reason")) << status["reason"];
  }
  EXPECT_EQ(status.value("qosClass", ""), "BestEffort");
  EXPECT_EQ(ConditionOf(refused, "PodScheduled"), "True");
  EXPECT_EQ(ConditionOf(refused, "Ready"), "False");
  EXPECT_EQ(refused.ContainerStatus().value("restartCount", -1), 0);
  EXPECT_THAT(refused.ContainerId(), IsEmpty());
  EXPECT_FALSE(world.HasProfile(node, kUnloaded));
}

// S0-34.
TEST_F(AppArmor, UnloadedEvent) {
  const auto node = world.NodeWith({kDenyWrite});
  EXPECT_FALSE(world.HasProfile(node, kUnloaded));
  const auto pod = world.Apply("hello-apparmor-2.yaml", &node);
  const auto control = Control("hello-apparmor.yaml", node);

  const auto refused = Claim(world.AwaitRefused(pod, 2));

  ASSERT_THAT(
      Reasons(world.Events(control)),
      AllOf(IsSupersetOf({"Created", "Started"}), Not(Contains("Failed"))));
  const bool checks = world.Behaves("kubelet.checks-profile", &node);
  const auto events = world.Events(refused);
  if (world.Behaves("kubelet.holds-back-silently", &node)) {
    EXPECT_THAT(Reasons(events), ElementsAre("Scheduled"));
    return;
  }
  const std::string reason = checks ? "AppArmor" : "Failed";
  EXPECT_THAT(Reasons(events), Contains(reason));
  for (const auto& event : events) {
    if (event.value("reason", "") != reason) continue;
    EXPECT_EQ(event.value("type", ""), "Warning");
    EXPECT_EQ(event.at("source").value("component", ""), "kubelet");
    const std::string message = event.value("message", "");
    if (checks) {
      EXPECT_EQ(message, NotLoaded(kUnloaded));
      continue;
    }
    EXPECT_THAT(message, AllOf(StartsWith("Error: "), HasSubstr("apparmor"),
                               HasSubstr(kUnloaded)));
  }
}

// S0-23. Watched over two attempts of the kubelet; the control shows that each
// of these traces does appear when a container starts.
TEST_F(AppArmor, RejectNeverStarts) {
  const auto node = world.NodeWith({kDenyWrite});
  EXPECT_FALSE(world.HasProfile(node, kUnloaded));
  const auto pod = world.Apply("hello-apparmor-2.yaml", &node);
  const auto control = Control("hello-apparmor.yaml", node);
  ASSERT_THAT(Reasons(world.Events(control)),
              IsSupersetOf({"Created", "Started"}));
  ASSERT_EQ(world.Log(control), "Hello AppArmor!\n");
  ASSERT_THAT(control.ContainerId(), Not(IsEmpty()));

  const auto refused = Claim(world.AwaitRefused(pod, 2));

  EXPECT_EQ(refused.WaitingReason(),
            RefusedReason(world.Behaves("kubelet.checks-profile", &node)));
  EXPECT_EQ(refused.ContainerStatus().value("restartCount", -1), 0);
  EXPECT_THAT(refused.ContainerId(), IsEmpty());
  EXPECT_THAT(world.Log(refused), IsEmpty());
  EXPECT_THAT(Reasons(world.Events(refused)),
              AllOf(Not(Contains("Created")), Not(Contains("Started"))));
  // busybox's shell becomes the last command of its script.
  EXPECT_THAT(world.ProcessesOf(node, refused), Not(Contains("sleep")));
  EXPECT_THAT(world.ProcessesOf(node, control), Contains("sleep"));
}

// Implied by S0-14 and kubernetes PR 35342: the pod is not lost.
TEST_F(AppArmor, LateLoadRecovers) {
  const auto node = world.NodeWith({});
  ASSERT_FALSE(world.HasProfile(node, "lab-late"));
  auto pod = world.Apply("late-load.yaml", &node);
  pod.control = true;  // the pod itself, before the load
  auto held = Claim(world.AwaitRefused(pod, 1));
  ASSERT_EQ(held.WaitingReason(),
            RefusedReason(world.Behaves("kubelet.checks-profile", &node)));
  held.control = false;

  world.LoadProfile(node, "lab-late");
  const auto released = Claim(world.AwaitRunning(held, 100s));

  EXPECT_EQ(released.uid(), held.uid());
  EXPECT_EQ(released.ContainerStatus().value("restartCount", -1), 0);
  const auto tried = world.Try(released, {"create:/tmp/x"});
  EXPECT_THAT(At(tried, "create:/tmp/x"), RefusedWith(EACCES));
  EXPECT_THAT(world.ConfinementOf(released), ConfinedBy("lab-late", kEnforce));
}

}  // namespace
}  // namespace lab::suite
