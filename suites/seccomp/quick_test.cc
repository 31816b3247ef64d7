// SPDX-License-Identifier: Apache-2.0
// A look at a cluster in two seconds: one pod of one container for each way to
// ask for a filter. What the container sees of itself is in its log, so that
// nothing has to be started in it; the other cases look closer.
#include "suites/seccomp/fixture.h"

namespace lab::suite {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::Pair;

using States = std::map<std::string, SeccompState>;

const SeccompState kFiltered = {2, 1};
const SeccompState kFree = {0, 0};

class Quick : public Seccomp {
 protected:
  // The states of the pod's processes beside the sandbox's. That one is
  // filtered whatever the pod asks for: the control of pods that are not.
  States Processes(const NodeShell& node, const Pod& pod) {
    auto states = world.SeccompOfProcesses(node, pod);
    const auto pause = states.extract("pause");
    const auto state = pause.empty() ? SeccompState() : pause.mapped();
    Evidence(Kind::kControl, "its sandbox: " + state.ToString());
    EXPECT_EQ(state, kFiltered);
    return states;
  }

  // Inside and from the node.
  void ExpectFree(const Pod& placed, const NodeShell& node) {
    const auto pod = Claim(world.AwaitRunning(placed));
    const auto started = world.Started(pod, {kKeyctl});
    EXPECT_EQ(started.first, kFree);
    EXPECT_THAT(At(started.outcomes, kKeyctl), RefusedWith(kReachesKernel));
    const auto states = Processes(node, pod);
    EXPECT_THAT(states, Contains(Key("sh")));
    EXPECT_THAT(states, Each(Pair(testing::_, kFree)));
  }

  void ExpectFiltered(const Pod& placed, const NodeShell& node) {
    // The control: the node's own processes are free.
    ASSERT_EQ(world.SeccompOfNode(node), kFree);
    const auto pod = Claim(world.AwaitRunning(placed));
    const auto started = world.Started(pod, {kKeyctl});
    EXPECT_EQ(started.first, kFiltered);
    EXPECT_THAT(At(started.outcomes, kKeyctl), RefusedWith(EPERM));
    const auto states = Processes(node, pod);
    EXPECT_THAT(states, Contains(Key("sh")));
    EXPECT_THAT(states, Each(Pair(testing::_, kFiltered)));
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

TEST_F(Quick, PrivilegedState) {
  const auto node = AnyNode();
  ExpectFree(Apply("quick/privileged.yaml", node), node);
}

// A filter that is not to be had is not left out: the container is.
TEST_F(Quick, MissingFileState) {
  const auto node = AnyNode();
  const auto held = ClaimRefused(Apply("quick/missing.yaml", node));
  EXPECT_EQ(held.WaitingReason(), "CreateContainerError");
  EXPECT_THAT(held.WaitingMessage(),
              testing::HasSubstr("cannot load seccomp profile"));
  EXPECT_THAT(Processes(node, held), IsEmpty());
}

}  // namespace
}  // namespace lab::suite
