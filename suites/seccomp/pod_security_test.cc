// SPDX-License-Identifier: Apache-2.0
// Pod Security admission and seccomp: what a level lets in, and what is run.
#include "suites/seccomp/fixture.h"

namespace lab::suite {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using nlohmann::json;

constexpr unsigned kForbidden = 403;
constexpr const char* kUnconfinedSeen = "seccompProfile";

json WithProfile(json pod, const std::string& type, const char* path = "") {
  auto& profile = pod["spec"]["securityContext"]["seccompProfile"];
  profile["type"] = type;
  if (*path != '\0') profile["localhostProfile"] = path;
  return pod;
}

// S2-21. Baseline forbids one word.
TEST_F(Seccomp, BaselineSeccomp) {
  const json nil = world.Manifest("seccomp/nil.yaml");
  const auto before = world.Submit(WithProfile(nil, "Unconfined"), kTryPods);
  ASSERT_TRUE(before.accepted()) << before.message();
  Evidence(Kind::kControl, "without a level Unconfined is let in");
  ASSERT_TRUE(world.LabelNamespace(kEnforceLevel, "baseline").accepted());

  const auto refused = world.Submit(WithProfile(nil, "Unconfined"), kTryPods);

  EXPECT_EQ(refused.status, kForbidden);
  EXPECT_THAT(refused.message(), HasSubstr("violates PodSecurity"));
  EXPECT_THAT(refused.message(), HasSubstr(kUnconfinedSeen));
  EXPECT_TRUE(world.Submit(nil, kTryPods).accepted());
  EXPECT_TRUE(
      world.Submit(WithProfile(nil, "RuntimeDefault"), kTryPods).accepted());
  EXPECT_TRUE(world.Submit(WithProfile(nil, "Localhost", "x.json"), kTryPods)
                  .accepted());
}

// S2-20. The same level warns instead of refusing.
TEST_F(Seccomp, ModesOfALevel) {
  const json nil = world.Manifest("seccomp/nil.yaml");
  ASSERT_TRUE(world.LabelNamespace(kWarnLevel, "baseline").accepted());

  const auto good = world.Submit(nil, kTryPods);
  const auto warned = world.Submit(WithProfile(nil, "Unconfined"), kTryPods);
  ASSERT_TRUE(world.LabelNamespace(kEnforceLevel, "baseline").accepted());
  const auto refused = world.Submit(WithProfile(nil, "Unconfined"), kTryPods);

  ASSERT_TRUE(good.accepted()) << good.message();
  ASSERT_THAT(good.warnings, IsEmpty());
  Evidence(Kind::kControl, "a pod that keeps to the level: no warning");
  EXPECT_TRUE(warned.accepted()) << warned.message();
  EXPECT_THAT(warned.warnings, Contains(HasSubstr("would violate")));
  EXPECT_EQ(refused.status, kForbidden);
}

// S2-22. Baseline lets in a pod that asks for nothing; whether that is filtered
// is the kubelet's matter.
TEST_F(Seccomp, BaselinePlusSeccompdefault) {
  ASSERT_TRUE(world.LabelNamespace(kEnforceLevel, "baseline").accepted());
  const auto [pod, free] = ClaimNilOnBoth();

  const auto unfiltered = world.Try(free, {kKeyctl});
  const auto filtered = world.Try(pod, {kKeyctl});

  ASSERT_THAT(At(unfiltered, kKeyctl), RefusedWith(kReachesKernel));
  ASSERT_THAT(world.FilteringOf(free), Unfiltered());
  EXPECT_THAT(At(filtered, kKeyctl), RefusedWith(EPERM));
  EXPECT_THAT(world.FilteringOf(pod), FilteredBy(1));
}

}  // namespace
}  // namespace lab::suite
