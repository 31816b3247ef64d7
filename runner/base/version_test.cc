// SPDX-License-Identifier: Apache-2.0
#include "runner/base/version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using ::testing::HasSubstr;

TEST(Version, IsFoundInWhatComponentsReport) {
  const std::pair<const char*, const char*> cases[] = {
      {"v1.23.17", "1.23.17"},       {"containerd://2.4.2", "2.4.2"},
      {"crun version 1.21", "1.21"}, {"6.12.43+deb13-amd64", "6.12.43"},
      {"v1.36.3-rc.1", "1.36.3"},    {"release 7 of 1.30", "1.30"},
  };
  for (const auto& [text, number] : cases) {
    const auto version = Version::In(text);
    ASSERT_TRUE(version) << text;
    EXPECT_EQ(version->ToString(), number) << text;
  }
}

TEST(Version, IsMissingWhereThereIsNone) {
  for (const auto* text :
       {"", "v", "one.two", "36", "1.99999999999999999999"}) {
    EXPECT_FALSE(Version::In(text)) << text;
  }
}

TEST(VersionRange, ComparesAsManyNumbersAsTheTermHas) {
  struct {
    const char* range;
    const char* version;
    bool inside;
  } const cases[] = {
      {">=1.24", "1.24.0", true},      {">=1.24", "1.23.17", false},
      {"<1.24", "1.23.17", true},      {"<1.24", "1.24.17", false},
      {"<=1.30", "1.30.4", true},      {"<=1.30", "1.31.0", false},
      {"=1.30", "1.30.4", true},       {">=1.5 <1.24", "1.23.17", true},
      {">=1.5 <1.24", "1.4.0", false}, {">1.30", "1.30.4", false},
      {">=1.30.3", "1.30.4", true},    {">=1.30.5", "1.30.4", false},
      {">=6.12", "6.12.43", true},     {">=6.9", "6.12.43", true},
  };
  for (const auto& one : cases) {
    const auto range = VersionRange::Parse(one.range);
    ASSERT_TRUE(range) << one.range;
    EXPECT_EQ(range->Contains(*Version::In(one.version)), one.inside)
        << one.range << " " << one.version;
  }
}

TEST(VersionRange, AnythingElseIsAnErrorThatQuotesIt) {
  for (const auto* text : {"", "1.24", "~1.24", ">=", ">=x", ">=1.24-1.30"}) {
    const auto range = VersionRange::Parse(text);
    EXPECT_FALSE(range) << text;
  }
  EXPECT_THAT(VersionRange::Parse("~1.24").error().what, HasSubstr("~1.24"));
}

}  // namespace
}  // namespace lab
