// SPDX-License-Identifier: Apache-2.0
#include "runner/kernel/features.h"

#include <gtest/gtest.h>

namespace lab {
namespace {

TEST(Features, SummaryIsSortedAndHoldsEachLineOnce) {
  EXPECT_EQ(FeaturesSummary("policy/versions/v8=yes\n"
                            "\n"
                            "file/mask=create read write \n"
                            "a directory without a value\n"
                            "policy/versions/v8=yes"),
            "file/mask=create read write\n"
            "policy/versions/v8=yes\n");
}

TEST(Features, DigestDoesNotDependOnTheOrder) {
  EXPECT_EQ(FeaturesDigest("a=1\nb=2\n"), FeaturesDigest("b=2\na=1"));
  EXPECT_EQ(FeaturesDigest("a=1\nb=2\n").size(), 12u);
}

TEST(Features, DigestTellsKernelsApart) {
  EXPECT_NE(FeaturesDigest("a=1\n"), FeaturesDigest("a=2\n"));
  EXPECT_NE(FeaturesDigest("a=1\n"), FeaturesDigest(""));
}

TEST(Features, DigestIsThatOfTheSummary) {
  // printf 'a=1\n' | sha256sum
  EXPECT_EQ(FeaturesDigest("a=1"), "fe3209d6d4f5");
}

}  // namespace
}  // namespace lab
