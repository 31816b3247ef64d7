// SPDX-License-Identifier: Apache-2.0
// Capabilities and filters: both have to agree, and the runtime's default
// filter looks at the container's capabilities.
#include "suites/seccomp/fixture.h"

namespace lab::suite {
namespace {

// S2-1. sethostname(2) needs CAP_SYS_ADMIN in the container's UTS namespace.
TEST_F(Seccomp, CapAndSeccomp) {
  const auto node = AnyNode();
  const auto pod = ClaimRuns("cap-and-seccomp.yaml", node);
  const std::vector<std::string> acts = {"hostname", "capability:sys_admin"};

  const auto both = world.Try(AsControl(pod), acts, "both");
  const auto no_capability = world.Try(pod, acts, "no-capability");
  const auto filtered = world.Try(pod, acts, "filtered");
  const auto neither = world.Try(pod, acts, "neither");

  ASSERT_THAT(At(both, "hostname"), Allowed());
  ASSERT_THAT(At(filtered, "capability:sys_admin"), Allowed());
  EXPECT_THAT(At(no_capability, "hostname"), RefusedWith(EPERM));
  EXPECT_THAT(At(filtered, "hostname"), RefusedWith(EPERM));
  EXPECT_THAT(At(neither, "hostname"), RefusedWith(EPERM));
  EXPECT_THAT(world.FilteringOf(pod, "no-capability"), Unfiltered());
  EXPECT_THAT(world.FilteringOf(pod, "filtered"), FilteredBy(1));
}

// S2-5. settimeofday(NULL, NULL) asks for no capability, so what refuses it is
// the filter; perf_event_open(NULL) fails later than at the filter.
TEST_F(Seccomp, DefaultFollowsCaps) {
  const auto node = AnyNode();
  const auto pod = ClaimRuns("follows-caps.yaml", node);
  const std::vector<std::string> acts = {"syscall:settimeofday", kKeyctl,
                                         "syscall:perf_event_open"};

  const auto plain = world.Try(AsControl(pod), acts, "plain");
  const auto time = world.Try(pod, acts, "time");
  const auto admin = world.Try(pod, acts, "admin");

  ASSERT_THAT(At(plain, "syscall:settimeofday"), RefusedWith(EPERM));
  ASSERT_THAT(At(plain, "syscall:perf_event_open"), RefusedWith(EPERM));
  EXPECT_THAT(At(time, "syscall:settimeofday"), Allowed());
  EXPECT_THAT(At(time, "syscall:perf_event_open"), RefusedWith(EPERM));
  EXPECT_THAT(At(admin, "syscall:perf_event_open"), RefusedWith(EFAULT));
  EXPECT_THAT(At(admin, "syscall:settimeofday"), RefusedWith(EPERM));
  for (const auto* outcomes : {&plain, &time, &admin}) {
    EXPECT_THAT(At(*outcomes, kKeyctl), RefusedWith(EPERM));
  }
  for (const char* container : {"time", "admin"}) {
    EXPECT_THAT(world.FilteringOf(pod, container), FilteredBy(1));
  }
}

// no_new_privs is what an unprivileged process needs to install a filter
// (seccomp(2)); a runtime is privileged and needs it not.
TEST_F(Seccomp, NoNewPrivsAndFilters) {
  const auto node = AnyNode();
  const auto pod = ClaimRuns("no-new-privs.yaml", node);

  const bool without = world.NoNewPrivs(AsControl(pod), "without");
  const auto refused = world.Try(pod, {kKeyctl}, "without");
  const auto free = world.Try(AsControl(pod), {kKeyctl}, "unfiltered");

  ASSERT_FALSE(without);
  ASSERT_THAT(At(free, kKeyctl), RefusedWith(kReachesKernel));
  EXPECT_TRUE(world.NoNewPrivs(pod, "with"));
  EXPECT_TRUE(world.NoNewPrivs(pod, "unfiltered"));
  EXPECT_THAT(At(refused, kKeyctl), RefusedWith(EPERM));
  EXPECT_THAT(world.FilteringOf(pod, "with"), FilteredBy(1));
  EXPECT_THAT(world.FilteringOf(pod, "without"), FilteredBy(1));
  EXPECT_THAT(world.FilteringOf(pod, "unfiltered"), Unfiltered());
}

}  // namespace
}  // namespace lab::suite
