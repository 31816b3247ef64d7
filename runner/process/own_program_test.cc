// SPDX-License-Identifier: Apache-2.0
#include "runner/process/own_program.h"

#include <gtest/gtest.h>

#include "runner/base/files.h"
#include "runner/process/process.h"

namespace lab {
namespace {

namespace fs = std::filesystem;

TEST(OwnProgram, IsWhereItWasStarted) {
  EXPECT_EQ(OwnProgram(), fs::canonical("/proc/self/exe"));
  EXPECT_EQ(OwnCommand(), OwnProgram().string());
}

constexpr const char* kSecondName = "own-program-second";

// Its second half, in a second name of this program.
void WithoutItsFile() {
  const Path file = OwnProgram();
  fs::remove(file);

  EXPECT_EQ(OwnProgram(), file);
  const auto again = RunToEnd({.argv = {OwnCommand(), "--gtest_list_tests"}});
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_TRUE(again->ended.ok()) << again->err;
}

TEST(OwnProgram, IsKnownBehindTheEndOfItsFile) {
  if (OwnProgram().filename() == kSecondName) return WithoutItsFile();
  const auto dir = TempDir::In(OwnProgram().parent_path(), "own-program-");
  ASSERT_TRUE(dir) << dir.error().what;
  const Path second = dir->path() / kSecondName;
  fs::create_hard_link(OwnProgram(), second);

  const auto ended = RunToEnd(
      {.argv = {second,
                "--gtest_filter=OwnProgram.IsKnownBehindTheEndOfItsFile"}});

  ASSERT_TRUE(ended) << ended.error().what;
  EXPECT_TRUE(ended->ended.ok()) << ended->out;
  EXPECT_FALSE(fs::exists(second));
}

}  // namespace
}  // namespace lab
