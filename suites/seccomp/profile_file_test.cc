// SPDX-License-Identifier: Apache-2.0
// Files that are there and not as they should be.
#include "suites/seccomp/fixture.h"

namespace lab::suite {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class ProfileFile : public Seccomp {
 protected:
  // What was said of the pod of FILE; beside it one whose file is in order
  // runs.
  std::string ClaimRefusal(const std::string& file) {
    const auto node = AnyNode();
    const auto control =
        Must(world.AwaitRunning(Apply("localhost-chmod.yaml", node)));
    Evidence(Kind::kControl, "a file in order: " + control.ToString());
    const auto pod = ClaimRefused(Apply(file, node));
    EXPECT_FALSE(pod.Running());
    EXPECT_THAT(world.ProcessesOf(node, pod), Not(Contains("sleep")));
    return Refusal(pod);
  }
};

// containerd reads the file, so its decoder refuses it.
TEST_F(ProfileFile, LocalhostInvalidJson) {
  EXPECT_THAT(ClaimRefusal("broken-json.yaml"),
              HasSubstr("unexpected end of JSON"));
}

// containerd takes what it does not know; the OCI runtime refuses it.
TEST_F(ProfileFile, UnknownAction) {
  EXPECT_THAT(
      ClaimRefusal("unknown-action.yaml"),
      AllOf(HasSubstr("OCI runtime create failed"), HasSubstr("SCMP_ACT_LAB")));
}

TEST_F(ProfileFile, UnknownArchitecture) {
  EXPECT_THAT(ClaimRefusal("unknown-architecture.yaml"),
              AllOf(HasSubstr("OCI runtime create failed"),
                    ContainsRegex("unknown architecture `LAB`|"
                                  "SCMP_ARCH_LAB is not a valid arch")));
}

// A call that the runtime's libseccomp does not know is left out; the rest of
// the rule holds.
TEST_F(ProfileFile, UnknownSyscall) {
  const auto node = AnyNode();
  const auto control =
      Claim(world.AwaitRunning(Apply("unconfined.yaml", node)));
  const auto pod = ClaimRuns("unknown-syscall.yaml", node);

  const auto free = world.Try(AsControl(control), {kKeyctl});
  const auto refused = world.Try(pod, {kKeyctl, "userns"});

  ASSERT_THAT(At(free, kKeyctl), RefusedWith(kReachesKernel));
  EXPECT_THAT(At(refused, kKeyctl), RefusedWith(EPERM));
  EXPECT_THAT(At(refused, "userns"), Allowed());
  EXPECT_THAT(world.FilteringOf(pod), FilteredBy(1));
}

}  // namespace
}  // namespace lab::suite
