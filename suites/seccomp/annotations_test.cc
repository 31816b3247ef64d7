// SPDX-License-Identifier: Apache-2.0
// The annotations that came before the fields: what becomes of them, by era.
#include "suites/seccomp/fixture.h"

namespace lab::suite {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using nlohmann::json;

const auto kPodProfile = "/spec/securityContext/seccompProfile"_json_pointer;

// S3-28. Where they count, the API server writes the field for them.
TEST_F(Seccomp, AnnotationValues) {
  const bool counts = world.Behaves("api.seccomp-annotations-become-fields");
  const auto node = NodeWithDefault(false);
  const auto control = Claim(world.AwaitRunning(Apply("nil-twin.yaml", node)));
  const auto by_pod = Apply("annotation-pod.yaml", node);
  const auto by_container = ClaimRuns("annotation-localhost.yaml", node);
  const auto pod = Claim(world.AwaitRunning(by_pod));

  const auto refused = world.Try(AsControl(control), {kKeyctl, "userns"});
  const auto as_pod = world.Try(pod, {kKeyctl, "userns"});
  const auto as_container = world.Try(by_container, {kKeyctl, "userns"});

  ASSERT_THAT(At(refused, kKeyctl), RefusedWith(EPERM));
  EXPECT_EQ(pod.object.value(kPodProfile, json::object()).value("type", ""),
            counts ? "RuntimeDefault" : "");
  EXPECT_THAT(At(as_pod, kKeyctl),
              RefusedWith(counts ? EPERM : kReachesKernel));
  EXPECT_THAT(At(as_pod, "userns"), RefusedWith(counts ? EPERM : 0));
  EXPECT_THAT(At(as_container, kKeyctl),
              RefusedWith(counts ? EPERM : kReachesKernel));
  EXPECT_THAT(At(as_container, "userns"), Allowed());
  if (counts) {
    EXPECT_THAT(world.FilteringOf(pod), FilteredBy(1));
    EXPECT_THAT(world.FilteringOf(by_container), FilteredBy(1));
  } else {
    EXPECT_THAT(world.FilteringOf(pod), Unfiltered());
    EXPECT_THAT(world.FilteringOf(by_container), Unfiltered());
  }
}

// What the API server says to them: nothing as long as they count.
TEST_F(Seccomp, AnnotationWarning) {
  const bool counts = world.Behaves("api.seccomp-annotations-become-fields");
  const auto without =
      world.Submit(world.Manifest("seccomp/nil-twin.yaml"), kTryPods);
  const auto with =
      world.Submit(world.Manifest("seccomp/annotation-pod.yaml"), kTryPods);

  ASSERT_TRUE(without.accepted()) << without.message();
  ASSERT_THAT(without.warnings, IsEmpty());
  Evidence(Kind::kControl, "the field is taken without a warning");
  EXPECT_TRUE(with.accepted()) << with.message();
  if (counts) {
    // It warns of annotations that it does not turn into a field, as those of a
    // Deployment's template.
    EXPECT_THAT(with.warnings, IsEmpty());
    EXPECT_TRUE(with.object.contains(kPodProfile)) << with.object.at("spec");
  } else {
    EXPECT_THAT(with.warnings, Contains(HasSubstr("non-functional in v1.27+")));
    EXPECT_FALSE(with.object.contains(kPodProfile)) << with.object.at("spec");
  }
}

// S3-27 (D-17). A key with two strokes is no key; without the second one it is
// one that nobody reads.
TEST_F(Seccomp, WrongAnnotationKeys) {
  const auto node = NodeWithDefault(false);
  const auto control = Claim(world.AwaitRunning(Apply("nil-twin.yaml", node)));
  const auto printed =
      world.Submit(world.Manifest("seccomp/annotation-document.yaml"));
  const auto pod = ClaimRuns("annotation-document-short.yaml", node);

  const auto refused = world.Try(AsControl(control), {kKeyctl});
  const auto tried = world.Try(pod, {kKeyctl});

  ASSERT_THAT(At(refused, kKeyctl), RefusedWith(EPERM));
  EXPECT_EQ(printed.status, 422u);
  EXPECT_THAT(printed.message(),
              HasSubstr("must consist of alphanumeric characters"));
  EXPECT_THAT(At(tried, kKeyctl), RefusedWith(kReachesKernel));
  EXPECT_THAT(world.FilteringOf(pod), Unfiltered());
}

TEST_F(Seccomp, AnnotationMismatch) {
  json agrees = world.Manifest("seccomp/annotation-mismatch.yaml");
  agrees["spec"]["securityContext"]["seccompProfile"]["type"] =
      "RuntimeDefault";
  const auto good = world.Submit(agrees, kTryPods);
  const auto refused = world.Submit(
      world.Manifest("seccomp/annotation-mismatch.yaml"), kTryPods);

  ASSERT_TRUE(good.accepted()) << good.message();
  Evidence(Kind::kControl, "both saying the same is taken");
  EXPECT_EQ(refused.status, 422u);
  EXPECT_THAT(refused.message(),
              AllOf(HasSubstr("spec.securityContext.seccompProfile.type"),
                    HasSubstr("seccomp type in annotation and field must "
                              "match")));
}

}  // namespace
}  // namespace lab::suite
