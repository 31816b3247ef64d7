// SPDX-License-Identifier: Apache-2.0
// What a filter does with a call: refuse it with this errno or that, log it,
// end the process; and what two filters do together.
#include <set>

#include "suites/seccomp/fixture.h"

namespace lab::suite {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::Field;
using ::testing::Ne;

constexpr std::uint32_t kX86_64 = 0xc000003e;  // AUDIT_ARCH_X86_64
constexpr int kKeyctlNumber = 250;             // of x86_64
// linux/seccomp.h
constexpr std::uint32_t kRetErrno = 0x00050000;
constexpr std::uint32_t kRetLog = 0x7ffc0000;
constexpr std::uint32_t kRetKillProcess = 0x80000000;
constexpr int kSurvivedNot = 1000;  // see World::Try

// A refusal that looks like a kernel without the call, one that looks like a
// missing right, and one that ends the process and leaves a record.
TEST_F(Seccomp, ErrnoAndKill) {
  const auto node = AnyNode();
  const auto pod = ClaimRuns("errno.yaml", node);
  const auto since = world.LogEnd(node);

  const auto free = world.Try(AsControl(pod), {kKeyctl}, "free");
  const auto enosys = world.Try(pod, {kKeyctl}, "enosys");
  const auto eperm = world.Try(pod, {kKeyctl}, "eperm");
  const auto killed = world.Try(pod, {kKeyctl, "syscall:getpid"}, "kill");

  ASSERT_THAT(At(free, kKeyctl), RefusedWith(kReachesKernel));
  EXPECT_THAT(At(enosys, kKeyctl), RefusedWith(ENOSYS));
  EXPECT_THAT(At(eperm, kKeyctl), RefusedWith(EPERM));
  EXPECT_EQ(At(killed, kKeyctl), kSurvivedNot + SIGSYS);
  EXPECT_THAT(At(killed, "syscall:getpid"), Allowed());
  EXPECT_THAT(world.FilteringOf(pod, "kill"), FilteredBy(1));
  const auto record = Claim(world.AwaitSeccompRecord(
      node, since, "the killed call", [](const SeccompRecord& r) {
        return r.comm == "probe" && r.syscall == kKeyctlNumber && r.signal != 0;
      }));
  EXPECT_EQ(record.signal, SIGSYS);
  EXPECT_EQ(record.arch, kX86_64);
  EXPECT_EQ(record.code, kRetKillProcess);
}

// A runtime that keeps compiled filters has to tell them apart by all that is
// in them. crun up to 1.28 leaves the errno out (its PR 2220): whichever filter
// was compiled first is given to both.
TEST_F(Seccomp, FiltersToldApart) {
  const auto node = AnyNode();
  const auto control =
      Claim(world.AwaitRunning(Apply("unconfined.yaml", node)));
  const auto pod = ClaimRuns("told-apart.yaml", node);

  const auto free = world.Try(AsControl(control), {kKeyctl});
  const auto enosys = world.Try(pod, {kKeyctl}, "enosys");
  const auto eopnotsupp = world.Try(pod, {kKeyctl}, "eopnotsupp");

  ASSERT_THAT(At(free, kKeyctl), RefusedWith(kReachesKernel));
  EXPECT_THAT(world.FilteringOf(pod, "enosys"), FilteredBy(1));
  EXPECT_THAT(world.FilteringOf(pod, "eopnotsupp"), FilteredBy(1));
  EXPECT_THAT(At(enosys, kKeyctl), RefusedWith(ENOSYS));
  EXPECT_THAT(At(eopnotsupp, kKeyctl), RefusedWith(EOPNOTSUPP));
}

// Two filters: the kernel takes the stricter answer, and of two alike that of
// the filter put on last (seccomp_run_filters(), kernel/seccomp.c).
TEST_F(Seccomp, FiltersStacked) {
  const auto node = AnyNode();
  const auto pod = ClaimRuns("stacked.yaml", node);
  const std::vector<std::string> acts = {kKeyctl, "stacked:keyctl",
                                         "stacked:getpid"};

  const auto free = world.Try(AsControl(pod), acts, "free");
  const auto filtered = world.Try(pod, acts, "filtered");

  ASSERT_THAT(At(free, kKeyctl), RefusedWith(kReachesKernel));
  ASSERT_THAT(At(free, "stacked:getpid"), RefusedWith(EUSERS));
  EXPECT_THAT(At(filtered, kKeyctl), RefusedWith(EPERM));
  EXPECT_THAT(At(filtered, "stacked:keyctl"), RefusedWith(EUSERS));
  EXPECT_THAT(At(filtered, "stacked:getpid"), RefusedWith(EUSERS));
  EXPECT_THAT(world.FilteringOf(pod, "filtered"), FilteredBy(1));
}

// A user namespace is what the default filter keeps from a container; inside a
// new one a process has all capabilities.
TEST_F(Seccomp, UsernsFiltered) {
  const auto node = AnyNode();
  const auto pod = ClaimRuns("stacked.yaml", node);

  const auto free = world.Try(AsControl(pod), {"userns"}, "free");
  const auto filtered = world.Try(pod, {"userns"}, "filtered");

  ASSERT_THAT(At(free, "userns"), Allowed());
  EXPECT_THAT(At(filtered, "userns"), RefusedWith(EPERM));
  EXPECT_THAT(world.FilteringOf(pod, "filtered"), FilteredBy(1));
}

// Logs every call and refuses none.
TEST_F(Seccomp, TutorialLog) {
  const auto node = AnyNode();
  const auto pod = ClaimRuns("tutorial-log.yaml", node);
  const auto control = Claim(world.AwaitRunning(Apply("nil-twin.yaml", node)));
  const auto since = world.LogEnd(node);

  const auto logged = world.Try(pod, {kKeyctl, "create:/tmp/x"});
  const auto silent = world.Try(AsControl(control), {kKeyctl});

  EXPECT_THAT(At(logged, kKeyctl), RefusedWith(kReachesKernel));
  EXPECT_THAT(At(logged, "create:/tmp/x"), Allowed());
  EXPECT_THAT(world.FilteringOf(pod), FilteredBy(1));
  const auto record = Claim(world.AwaitSeccompRecord(
      node, since, "the logged call", [](const SeccompRecord& r) {
        return r.comm == "probe" && r.syscall == kKeyctlNumber && r.signal == 0;
      }));
  EXPECT_EQ(record.code, kRetLog);
  // The other was refused, which leaves no record.
  ASSERT_THAT(At(silent, kKeyctl), RefusedWith(EPERM));
  std::set<std::int64_t> callers;
  for (const auto& one : world.SeccompLogSince(node, since)) {
    if (one.syscall == kKeyctlNumber && one.code == kRetLog) {
      callers.insert(one.pid);
    }
  }
  EXPECT_EQ(callers.size(), 1u);
}

// Refuses every call, also those that the runtime needs to start the container.
TEST_F(Seccomp, TutorialViolation) {
  const auto node = AnyNode();
  const auto control = Claim(world.AwaitRunning(Apply("nil-twin.yaml", node)));
  const auto pod = Apply("tutorial-violation.yaml", node);

  const auto refused =
      Claim(world.Await(pod, "not to come to run", [](const Pod& p) {
        const auto status = p.ContainerStatus();
        return status.value("restartCount", 0) > 0 ||
               p.WaitingReason() == "CrashLoopBackOff" ||
               p.WaitingReason() == "RunContainerError" ||
               status.contains("/lastState/terminated"_json_pointer) ||
               status.contains("/state/terminated"_json_pointer);
      }));

  ASSERT_TRUE(control.Running());
  Evidence(Kind::kControl, "the same pod with RuntimeDefault runs");
  EXPECT_FALSE(refused.Running());
  EXPECT_THAT(world.ProcessesOf(node, refused),
              testing::Not(Contains("sleep")));
}

// Allows what the container needs, by name, and refuses the rest.
TEST_F(Seccomp, TutorialFineGrained) {
  const auto node = AnyNode();
  const auto pod = ClaimRuns("tutorial-fine-grained.yaml", node);
  const auto control = Claim(world.AwaitRunning(Apply("nil.yaml", node)));
  const std::vector<std::string> acts = {"create:/tmp/x", "mkdir:/tmp/y"};
  const auto since = world.LogEnd(node);

  const auto free = world.Try(AsControl(control), acts);
  const auto refused = world.Try(pod, acts);

  ASSERT_THAT(At(free, "mkdir:/tmp/y"), Allowed());
  EXPECT_THAT(At(refused, "create:/tmp/x"), Allowed());
  EXPECT_THAT(At(refused, "mkdir:/tmp/y"), RefusedWith(EPERM));
  EXPECT_THAT(world.FilteringOf(pod), FilteredBy(1));
  // The log is the node's: other cases may have calls logged and killed.
  EXPECT_THAT(world.SeccompLogSince(node, since),
              Each(Field(&SeccompRecord::code, Ne(kRetErrno))));
}

}  // namespace
}  // namespace lab::suite
