// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/suite_shape.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runner/base/scratch_fixture.h"

namespace lab {
namespace {

const Path kHome = LAB_SOURCE_DIR;

TEST(SuiteShape, IsTheDefaultWithoutASuite) {
  EXPECT_EQ(UsualConfig(kHome, "", "1.36.3").value(),
            kHome / "kind-configs/default.yaml");
  EXPECT_EQ(UsualConfig(kHome, "apparmor", "1.36.3").value(),
            kHome / "kind-configs/default.yaml");
}

TEST(SuiteShape, OfAnUnknownSuiteIsAUsageError) {
  const auto none = UsualConfig(kHome, "secomp", "1.36.3");
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().kind, ErrorKind::kUsage);
  EXPECT_NE(none.error().what.find("apparmor, seccomp"), std::string::npos);
}

TEST(SuiteShape, DependsOnTheVersion) {
  const auto now = UsualConfig(kHome, "seccomp", "1.36.3");
  const auto then = UsualConfig(kHome, "seccomp", "1.23.17");
  ASSERT_TRUE(now.has_value()) << now.error().what;
  ASSERT_TRUE(then.has_value()) << then.error().what;
  EXPECT_NE(*now, *then);
  for (const auto& path : {*now, *then}) {
    EXPECT_TRUE(std::filesystem::exists(path)) << path;
  }
}

using SuiteShapeFile = ScratchFixture;

TEST_F(SuiteShapeFile, SaysWhatIsWrongWithTheFile) {
  const Path home = dir_->path();
  ASSERT_TRUE(MakeDirectories(home / "suites/x/catalog").has_value());
  const auto file = home / "suites/x/suite.json";
  ASSERT_TRUE(WriteFile(file, "{}").has_value());
  const auto broken = UsualConfig(home, "x", "1.36.3");
  ASSERT_FALSE(broken.has_value());
  EXPECT_NE(broken.error().what.find(file.string()), std::string::npos);
  ASSERT_TRUE(WriteFile(file, R"({"shapes": []})").has_value());
  const auto none = UsualConfig(home, "x", "1.36.3");
  ASSERT_FALSE(none.has_value());
  EXPECT_NE(none.error().what.find("1.36.3"), std::string::npos);
}

}  // namespace
}  // namespace lab
