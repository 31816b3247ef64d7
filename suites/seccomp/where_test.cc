// SPDX-License-Identifier: Apache-2.0
// Which process is under which filter: by what the pod asks for, at its level
// and at the container's, and by how the process came into the container.
#include <fmt/format.h>

#include "suites/seccomp/fixture.h"

namespace lab::suite {
namespace {

using ::testing::HasSubstr;

using nlohmann::json;

// S2-2. The containers beside it show that the node can filter.
TEST_F(Seccomp, NilUnconfined) {
  const auto node = NodeWithDefault(false);
  const auto pod = ClaimRuns("three.yaml", node);

  const auto refused = world.Try(AsControl(pod), {kKeyctl}, "default");
  const auto free = world.Try(pod, {kKeyctl, "userns"}, "nil");

  ASSERT_THAT(At(refused, kKeyctl), RefusedWith(EPERM));
  EXPECT_THAT(world.FilteringOf(pod, "nil"), Unfiltered());
  EXPECT_THAT(At(free, kKeyctl), RefusedWith(kReachesKernel));
  EXPECT_THAT(At(free, "userns"), Allowed());
}

// S2-3, S2-16. Where a container that asks for nothing is filtered, the word
// Unconfined has to make the difference.
TEST_F(Seccomp, Unconfined) {
  const auto node = NodeWithDefault(true);
  const auto pod = ClaimRuns("three.yaml", node);

  const auto refused = world.Try(AsControl(pod), {kKeyctl}, "nil");
  const auto free = world.Try(pod, {kKeyctl, "userns"}, "unconfined");

  ASSERT_THAT(At(refused, kKeyctl), RefusedWith(EPERM));
  EXPECT_THAT(world.FilteringOf(pod, "unconfined"), Unfiltered());
  EXPECT_THAT(At(free, kKeyctl), RefusedWith(kReachesKernel));
  EXPECT_THAT(At(free, "userns"), Allowed());
}

// S2-4, S2-15.
TEST_F(Seccomp, RuntimeDefault) {
  const auto node = NodeWithDefault(false);
  const auto pod = ClaimRuns("three.yaml", node);
  const std::vector<std::string> acts = {kKeyctl, "userns", "syscall:getpid",
                                         "create:/tmp/x"};

  const auto free = world.Try(AsControl(pod), acts, "nil");
  const auto filtered = world.Try(pod, acts, "default");

  ASSERT_THAT(At(free, kKeyctl), RefusedWith(kReachesKernel));
  ASSERT_THAT(At(free, "userns"), Allowed());
  EXPECT_THAT(world.FilteringOf(pod, "default"), FilteredBy(1));
  EXPECT_THAT(At(filtered, kKeyctl), RefusedWith(EPERM));
  EXPECT_THAT(At(filtered, "userns"), RefusedWith(EPERM));
  EXPECT_THAT(At(filtered, "syscall:getpid"), Allowed());
  EXPECT_THAT(At(filtered, "create:/tmp/x"), Allowed());
}

// The container's word counts; where it has none, the pod's.
TEST_F(Seccomp, Override) {
  const auto node = AnyNode();
  const auto filtered = Apply("pod-default.yaml", node);
  const auto free = ClaimRuns("pod-unconfined.yaml", node);
  const auto other = Claim(world.AwaitRunning(filtered));

  EXPECT_THAT(world.FilteringOf(other, "inherits"), FilteredBy(1));
  EXPECT_THAT(world.FilteringOf(other, "overrides"), Unfiltered());
  EXPECT_THAT(world.FilteringOf(free, "inherits"), Unfiltered());
  EXPECT_THAT(world.FilteringOf(free, "overrides"), FilteredBy(1));
  EXPECT_THAT(At(world.Try(other, {kKeyctl}, "inherits"), kKeyctl),
              RefusedWith(EPERM));
  EXPECT_THAT(At(world.Try(AsControl(free), {kKeyctl}, "inherits"), kKeyctl),
              RefusedWith(kReachesKernel));
}

// What an init container has seen of itself is in its log.
TEST_F(Seccomp, InitContainers) {
  const auto node = AnyNode();
  const auto pod = ClaimRuns("init-containers.yaml", node);

  const auto inherits = world.Log(pod, "inherits");
  const auto overrides = world.Log(AsControl(pod), "overrides");

  ASSERT_THAT(overrides, HasSubstr(R"("name":"EINVAL")"));
  ASSERT_THAT(overrides, HasSubstr(R"("first_seccomp":"0/0")"));
  Evidence(Kind::kControl, "unconfined init container: " + overrides);
  EXPECT_THAT(inherits, HasSubstr(R"("name":"EPERM")"));
  EXPECT_THAT(inherits, HasSubstr(R"("first_seccomp":"2/1")"));
  Evidence(Kind::kEffect, "init container under the pod's: " + inherits);
  EXPECT_THAT(world.FilteringOf(pod), lab::suite::Unfiltered());
}

// A privileged container is not filtered, whatever it asks for; that the file
// it names is not there keeps nobody from running it.
TEST_F(Seccomp, PrivilegedIgnored) {
  const auto node = AnyNode();
  const auto pod = ClaimRuns("privileged.yaml", node);

  const auto refused = world.Try(AsControl(pod), {kKeyctl}, "control");

  ASSERT_THAT(At(refused, kKeyctl), RefusedWith(EPERM));
  for (const char* container : {"default", "localhost"}) {
    const auto free = world.Try(pod, {kKeyctl}, container);
    EXPECT_THAT(At(free, kKeyctl), RefusedWith(kReachesKernel)) << container;
    EXPECT_THAT(world.FilteringOf(pod, container), Unfiltered()) << container;
  }
}

// Both starts leave what they see of themselves in the pod's volume, the second
// prints it.
TEST_F(Seccomp, RestartKeepsFilter) {
  const auto node = AnyNode();
  const auto placed = Apply("restart.yaml", node);
  const auto control =
      Claim(world.AwaitRunning(Apply("unconfined.yaml", node)));
  const auto pod = Claim(world.AwaitRestarted(placed));

  const auto free = world.Try(AsControl(control), {kKeyctl});
  const auto filtered = world.Try(pod, {kKeyctl, "userns"});

  ASSERT_THAT(At(free, kKeyctl), RefusedWith(kReachesKernel));
  EXPECT_THAT(At(filtered, kKeyctl), RefusedWith(EPERM));
  // The runtime's default would refuse it; the file does not name it.
  EXPECT_THAT(At(filtered, "userns"), Allowed());
  EXPECT_THAT(world.FilteringOf(pod), FilteredBy(1));
  EXPECT_EQ(world.Log(pod), "Seccomp:\t2\nSeccomp:\t2\n");
}

bool Ready(const Pod& pod) {
  for (const char* container : {"filtered", "control"}) {
    if (!pod.ContainerStatus(container).value("ready", false)) return false;
  }
  return true;
}

// A process that comes into the container by another way than its first one
// is under the same filter: an exec, a hook, a probe of the kubelet's.
TEST_F(Seccomp, ExecInherits) {
  const auto node = AnyNode();
  const auto pod = Claim(world.Await(Apply("exec-inherits.yaml", node),
                                     "to be ready", Ready, 60s));

  const auto left = Must(world.Exec(
      pod, "filtered", {"cat", "/tmp/post-start", "/tmp/readiness"}));
  const auto refused = world.Try(pod, {kKeyctl, "exec:/bin/probe"}, "filtered");
  const auto free = world.Try(AsControl(pod), {kKeyctl}, "control");

  ASSERT_THAT(At(free, kKeyctl), RefusedWith(kReachesKernel));
  Evidence(Kind::kFilter, "hook and probe of the kubelet's: " + left.out);
  EXPECT_EQ(left.out, "Seccomp:\t2\nSeccomp:\t2\n") << left.err;
  EXPECT_THAT(At(refused, kKeyctl), RefusedWith(EPERM));
  EXPECT_THAT(At(refused, "exec:/bin/probe"), Allowed());
  EXPECT_THAT(world.FilteringOf(pod, "filtered"), FilteredBy(1));
}

// No API server sees the pod before it runs.
TEST_F(Seccomp, StaticPod) {
  const auto node = AnyNode();
  const auto pod = Claim(world.AwaitRunning(
      world.PlaceStaticPod(node, "seccomp/static-pod.yaml")));

  const auto free = world.Try(AsControl(pod), {kKeyctl}, "unconfined");
  const auto refused = world.Try(pod, {kKeyctl}, "default");

  ASSERT_THAT(At(free, kKeyctl), RefusedWith(kReachesKernel));
  EXPECT_THAT(At(refused, kKeyctl), RefusedWith(EPERM));
  EXPECT_THAT(world.FilteringOf(pod, "default"), FilteredBy(1));
}

// The sandbox belongs to nobody's manifest; the kubelet asks for RuntimeDefault
// (pkg/kubelet/kuberuntime/kuberuntime_sandbox.go).
TEST_F(Seccomp, PauseFiltered) {
  const auto node = AnyNode();
  const auto pod = ClaimRuns("unconfined.yaml", node);

  const auto hello = world.FilteringOf(AsControl(pod));
  const auto states = world.SeccompOfProcesses(node, pod);

  ASSERT_THAT(hello, lab::suite::Unfiltered());
  ASSERT_TRUE(states.contains("pause"));
  ASSERT_TRUE(states.contains("sleep"));
  EXPECT_EQ(states.at("pause"), (SeccompState{2, 1}));
  EXPECT_EQ(states.at("sleep"), (SeccompState{0, 0}));
}

}  // namespace
}  // namespace lab::suite
