// SPDX-License-Identifier: Apache-2.0
#include "runner/base/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace lab {
namespace {

using ::testing::HasSubstr;

TempDir Scratch() {
  auto dir = TempDir::In(testing::TempDir(), "files-");
  EXPECT_TRUE(dir);
  return std::move(dir).value();
}

TEST(Files, AtomicWriteReplacesAndLeavesNothingBeside) {
  const auto dir = Scratch();
  const Path file = dir.path() / "x";

  ASSERT_TRUE(WriteFileAtomically(file, "one"));
  ASSERT_TRUE(WriteFileAtomically(file, "two"));

  EXPECT_EQ(*ReadFile(file), "two");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()),
                          std::filesystem::directory_iterator()),
            1);
}

TEST(Files, DigestsAgreeWithTheStandard) {
  const auto dir = Scratch();
  ASSERT_TRUE(WriteFile(dir.path() / "abc", "abc"));
  constexpr auto kAbc =  // FIPS 180-2, appendix B.1
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  EXPECT_EQ(Sha256OfText("abc"), kAbc);
  EXPECT_EQ(*Sha256OfFile(dir.path() / "abc"), kAbc);
}

TEST(Files, AMissingFileIsNamed) {
  const auto r = ReadFile("/no/such/file");
  ASSERT_FALSE(r);
  EXPECT_THAT(r.error().what, HasSubstr("/no/such/file"));
}

TEST(Files, TempDirIsGoneWithItsOwner) {
  Path path;
  {
    const auto dir = Scratch();
    path = dir.path();
    ASSERT_TRUE(MakeDirectories(path / "a"));
    ASSERT_TRUE(WriteFile(path / "a" / "b", "x", 0400));
    std::filesystem::permissions(path / "a", std::filesystem::perms(0500));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Files, ALockHasOneHolder) {
  const auto dir = Scratch();
  const Path path = dir.path() / "lock";
  {
    const auto first = FileLock::TryTake(path);
    const auto second = FileLock::TryTake(path);
    ASSERT_TRUE(first && second);
    EXPECT_TRUE(first->held());
    EXPECT_FALSE(second->held());
  }
  EXPECT_TRUE(FileLock::TryTake(path)->held());
}

}  // namespace
}  // namespace lab
