// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/kind_derived_image.h"

#include <gtest/gtest.h>

namespace lab {
namespace {

TEST(AddKubeletFlags, KeepsWhatIsThere) {
  const std::string defaults = "KUBELET_EXTRA_ARGS=--a=b\n";
  EXPECT_EQ(AddKubeletFlags(defaults, {}), defaults);
  EXPECT_EQ(AddKubeletFlags(defaults, {"--fail-cgroupv1=false", "--c"}),
            "KUBELET_EXTRA_ARGS=--a=b --fail-cgroupv1=false --c\n");
  // An image that has been derived from once has them.
  EXPECT_EQ(
      AddKubeletFlags("X=--fail-cgroupv1=false", {"--fail-cgroupv1=false"}),
      "X=--fail-cgroupv1=false\n");
}

TEST(WithoutOomScores, ChangesThatLineOnly) {
  EXPECT_EQ(
      WithoutOomScores("a = 1\n  restrict_oom_score_adj = false\nb = 2\n"),
      "a = 1\n  restrict_oom_score_adj = true\nb = 2\n");
  EXPECT_EQ(WithoutOomScores("a = false\n"), "a = false\n");
}

}  // namespace
}  // namespace lab
