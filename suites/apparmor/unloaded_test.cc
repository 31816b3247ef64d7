// SPDX-License-Identifier: Apache-2.0
// Pods whose profile is not loaded. What is claimed here holds for Kubernetes
// 1.24 and later with containerd: the kubelet no longer checks (kubernetes PR
// 97966), the runtime refuses to create the container.
#include "suites/apparmor/fixture.h"

namespace lab::suite {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
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

// S0-14, S0-32, S0-33 (D-1): what the document shows is of two older eras.
TEST_F(AppArmor, UnloadedProfile) {
  const auto node = world.NodeWith({kDenyWrite});
  EXPECT_FALSE(world.HasProfile(node, kUnloaded));
  const auto pod = world.Apply("hello-apparmor-2.yaml", &node);
  const auto control = Control("hello-apparmor.yaml", node);

  const auto refused = Claim(world.AwaitRefused(pod, 1));

  ASSERT_TRUE(control.Running());
  EXPECT_EQ(refused.phase(), "Pending");
  EXPECT_EQ(refused.WaitingReason(), "CreateContainerError");
  EXPECT_THAT(refused.WaitingMessage(),
              AllOf(HasSubstr("apparmor"), HasSubstr(kUnloaded)));
  const json status = refused.object.at("status");
  EXPECT_FALSE(status.contains("reason")) << status["reason"];
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
  for (const auto& event : world.Events(refused)) {
    if (event.value("reason", "") != "Failed") continue;
    EXPECT_EQ(event.value("type", ""), "Warning");
    EXPECT_EQ(event.at("source").value("component", ""), "kubelet");
    EXPECT_THAT(event.value("message", ""),
                AllOf(StartsWith("Error: "), HasSubstr("apparmor"),
                      HasSubstr(kUnloaded)));
  }
}

// S0-23. Watched over two attempts of the kubelet; the control shows that each
// of these traces does appear when a container starts.
TEST_F(AppArmor, RejectNeverStarts) {
  const auto node = world.NodeWith({kDenyWrite});
  EXPECT_FALSE(world.HasProfile(node, kUnloaded));
  const auto pod = world.Apply("unloaded-field.yaml", &node);
  const auto control = Control("hello-apparmor-field.yaml", node);
  ASSERT_THAT(Reasons(world.Events(control)),
              IsSupersetOf({"Created", "Started"}));
  ASSERT_EQ(world.Log(control), "Hello AppArmor!\n");
  ASSERT_THAT(control.ContainerId(), Not(IsEmpty()));

  const auto refused = Claim(world.AwaitRefused(pod, 2));

  EXPECT_EQ(refused.WaitingReason(), "CreateContainerError");
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
  ASSERT_EQ(held.WaitingReason(), "CreateContainerError");
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
