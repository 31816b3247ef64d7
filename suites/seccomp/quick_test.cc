// SPDX-License-Identifier: Apache-2.0
// A quick look at a cluster: one small pod for each way to ask for a filter.
// What a container sees of itself is in its log, so that nothing has to be
// started in it; the other cases look closer.
#include "suites/seccomp/fixture.h"

namespace lab::suite {
namespace {

const SeccompState kFiltered = {2, 1};
const SeccompState kFree = {0, 0};
constexpr const char* kContainer = "hello";

class Quick : public Seccomp {
 protected:
  // Inside, from the node, and by what becomes of a call.
  void ExpectState(const Pod& placed, const SeccompState& state, int keyctl) {
    const auto pod = Claim(world.AwaitRunning(placed));
    const auto started = world.Started(pod, {kKeyctl}, kContainer);
    EXPECT_EQ(started.first, state);
    EXPECT_THAT(At(started.outcomes, kKeyctl), RefusedWith(keyctl));
    EXPECT_EQ(world.SeccompFromNode(pod, kContainer), state);
  }

  // The control of a pod that is free: its sandbox is not.
  void ExpectFree(const Pod& placed, const NodeShell& node) {
    ExpectState(placed, kFree, kReachesKernel);
    ASSERT_EQ(Sandbox(node, placed), kFiltered);
  }

  // The control of one that is filtered: the node's own processes are free.
  void ExpectFiltered(const Pod& placed, const NodeShell& node) {
    ASSERT_EQ(world.SeccompOfNode(node), kFree);
    ExpectState(placed, kFiltered, EPERM);
  }

  SeccompState Sandbox(const NodeShell& node, const Pod& pod) {
    const auto states = world.SeccompOfProcesses(node, pod);
    const auto pause = states.find("pause");
    if (pause == states.end()) return {};
    Evidence(Kind::kControl, "its sandbox: " + pause->second.ToString());
    return pause->second;
  }
};

// S2-2, and S2-6 where SeccompDefault is on.
TEST_F(Quick, NilState) {
  const auto node = AnyNode();
  const auto pod = Apply("quick/nil.yaml", node);
  if (DefaultsOn(node)) {
    ExpectFiltered(pod, node);
  } else {
    ExpectFree(pod, node);
  }
}

// S2-4.
TEST_F(Quick, DefaultState) {
  const auto node = AnyNode();
  ExpectFiltered(Apply("quick/default.yaml", node), node);
}

// S2-3.
TEST_F(Quick, UnconfinedState) {
  const auto node = AnyNode();
  ExpectFree(Apply("quick/unconfined.yaml", node), node);
}

// The container beside it asks for the same, and gets it.
TEST_F(Quick, PrivilegedState) {
  const auto node = AnyNode();
  const auto pod = Apply("quick/privileged.yaml", node);
  ExpectState(pod, kFree, kReachesKernel);
  const auto control = world.Started(AsControl(pod), {kKeyctl}, "control");
  ASSERT_EQ(control.first, kFiltered);
  ASSERT_THAT(At(control.outcomes, kKeyctl), RefusedWith(EPERM));
}

// A filter that is not to be had is not left out: the container is.
TEST_F(Quick, MissingFileState) {
  const auto node = AnyNode();
  const auto held = ClaimRefused(Apply("quick/missing.yaml", node));
  EXPECT_EQ(held.WaitingReason(), "CreateContainerError");
  EXPECT_THAT(held.WaitingMessage(),
              testing::HasSubstr("cannot load seccomp profile"));
  ASSERT_EQ(Sandbox(node, held), kFiltered);
  EXPECT_EQ(world.ProcessesOf(node, held), std::vector<std::string>{"pause"});
}

}  // namespace
}  // namespace lab::suite
