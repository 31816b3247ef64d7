// SPDX-License-Identifier: Apache-2.0
// Pods that ask for a profile on a node whose kernel has AppArmor off. The
// kubelet decides before the runtime is asked.
#include <algorithm>

#include "suites/apparmor/fixture.h"

namespace lab::suite {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;

using nlohmann::json;

constexpr const char* kNotEnabled =
    "Cannot enforce AppArmor: AppArmor is not enabled on the host";

class AppArmorOff : public AppArmor {
 protected:
  NodeShell NodeWithoutAppArmor() {
    const auto nodes = world.WorkersWithoutAppArmor();
    Require(!nodes.empty(),
            "apparmor-on: every node has AppArmor; run with --config "
            "kind-configs/apparmor-off.yaml");
    const auto modules =
        Must(nodes.front().AskOk({"cat", "/sys/kernel/security/lsm"}));
    Evidence(Kind::kNode,
             nodes.front().node() + ": security modules " + modules);
    EXPECT_THAT("," + modules + ",", Not(HasSubstr(",apparmor,")));
    return nodes.front();
  }

  Pod AwaitDecision(const Pod& pod) {
    return Claim(world.Await(pod, "to be rejected", [](const Pod& p) {
      return p.Running() || Field(p, "reason") == "AppArmor";
    }));
  }

  static std::string Field(const Pod& pod, const std::string& name) {
    return pod.object.at("status").value(name, "");
  }

  // What this kubelet's version is documented to say of such a pod.
  void ExpectRejected(const Pod& pod, const NodeShell& node) {
    EXPECT_EQ(Field(pod, "reason"), "AppArmor");
    if (world.Behaves("kubelet.rejects-without-apparmor-for-good", &node)) {
      EXPECT_EQ(pod.phase(), "Failed");
      EXPECT_EQ(Field(pod, "message"),
                std::string("Pod was rejected: ") + kNotEnabled);
    } else {
      EXPECT_EQ(pod.phase(), "Pending");
      EXPECT_THAT(Field(pod, "message"), HasSubstr(kNotEnabled));
      EXPECT_EQ(pod.WaitingReason(), "Blocked");
    }
    EXPECT_THAT(pod.ContainerId(), IsEmpty());
    ExpectEvents(pod, node);
  }

  // Nothing else happened to the pod. The event's message has no prefix; a
  // kubelet that holds a pod back for as long as it takes writes none.
  void ExpectEvents(const Pod& pod, const NodeShell& node) {
    const bool tells =
        world.Behaves("kubelet.rejects-without-apparmor-for-good", &node);
    std::vector<std::string> reasons;
    for (const auto& event : world.Events(pod)) {
      reasons.push_back(event.value("reason", ""));
      if (reasons.back() != "AppArmor") continue;
      EXPECT_EQ(event.value("type", ""), "Warning");
      EXPECT_EQ(event.value("message", ""), kNotEnabled);
      EXPECT_EQ(event.at("source").value("component", ""), "kubelet");
    }
    EXPECT_EQ(std::count(reasons.begin(), reasons.end(), "AppArmor"),
              tells ? 1 : 0);
    EXPECT_THAT(reasons, Not(Contains("Created")));
    EXPECT_THAT(reasons, Not(Contains("Started")));
  }
};

// S0-10, S0-16. The controls ask for no profile, or for none at all; they come
// after the rejection, so that it is seen to last while other pods start.
TEST_F(AppArmorOff, HostDisabled) {
  const auto node = NodeWithoutAppArmor();
  const auto pod = world.Apply("hello-apparmor.yaml", &node);

  const auto rejected = AwaitDecision(pod);

  ExpectRejected(rejected, node);
  const auto silent = Control("hello-control.yaml", node);
  const auto unconfined = Control("unconfined.yaml", node);
  // busybox's shell becomes the last command of its script.
  ASSERT_THAT(world.ProcessesOf(node, silent), Contains("sleep"));
  ASSERT_THAT(world.ProcessesOf(node, unconfined), Contains("sleep"));
  EXPECT_THAT(world.ProcessesOf(node, rejected), IsEmpty());
  EXPECT_THAT(world.Log(rejected), IsEmpty());
  // The profile cannot be loaded later: the kernel has no place for it.
  const auto interface =
      Must(node.Ask({"cat", "/sys/kernel/security/apparmor/profiles"}));
  EXPECT_THAT(interface.err, HasSubstr("No such file"));
  const auto later = AwaitDecision(rejected);
  EXPECT_EQ(later.phase(), rejected.phase());
  EXPECT_EQ(Field(later, "reason"), "AppArmor");
}

// S0-62. Asking for the default by name needs a host that has it; asking for
// nothing does not.
TEST_F(AppArmorOff, RuntimeDefaultNeedsHost) {
  const auto node = NodeWithoutAppArmor();
  std::vector<Pod> asking = {world.Apply("runtime-default.yaml", &node)};
  if (world.Behaves("api.apparmor-fields")) {
    asking.push_back(world.Apply("runtime-default-field.yaml", &node));
  }

  for (const auto& pod : asking) ExpectRejected(AwaitDecision(pod), node);

  const auto silent = Control("hello-control.yaml", node);
  std::vector<std::string> reasons;
  for (const auto& event : world.Events(silent)) {
    reasons.push_back(event.value("reason", ""));
  }
  ASSERT_THAT(reasons, IsSupersetOf({"Created", "Started"}));
  ASSERT_THAT(reasons, Not(Contains("AppArmor")));
  ASSERT_THAT(world.ProcessesOf(node, silent), Contains("sleep"));
  for (const auto& pod : asking) {
    EXPECT_THAT(world.ProcessesOf(node, pod), IsEmpty());
  }
}

}  // namespace
}  // namespace lab::suite
