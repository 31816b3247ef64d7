// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/sparse_copy.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner/base/scratch_fixture.h"

namespace lab {
namespace {

using ::testing::HasSubstr;

class SparseCopy : public ScratchFixture {
 protected:
  Path In(const std::string& name) const { return dir_->path() / name; }
  // Two bytes with nothing before, between and behind them.
  Path FileWithHoles() {
    const Path path = In("holes");
    EXPECT_TRUE(WriteFile(path, ""));
    const UniqueFd fd(::open(path.c_str(), O_WRONLY));
    EXPECT_EQ(::pwrite(fd.get(), "a", 1, 5 << 20), 1);
    EXPECT_EQ(::pwrite(fd.get(), "b", 1, 9 << 20), 1);
    EXPECT_EQ(::ftruncate(fd.get(), 12 << 20), 0);
    return path;
  }
};

TEST_F(SparseCopy, KeepsContentAndHoles) {
  const Path from = FileWithHoles();
  ASSERT_TRUE(CopySparse(from, In("copy")));
  EXPECT_EQ(*ReadFile(from), *ReadFile(In("copy")));
  struct stat about {};
  ASSERT_EQ(::stat(In("copy").c_str(), &about), 0);
  EXPECT_EQ(about.st_size, 12 << 20);
  EXPECT_LT(about.st_blocks * 512, 1 << 20);
}

TEST_F(SparseCopy, OfATreeKeepsDirectoriesAndModes) {
  ASSERT_TRUE(MakeDirectories(In("tree/a/b")));
  ASSERT_TRUE(WriteFile(In("tree/a/key"), "secret", 0600));
  ASSERT_TRUE(CopyTreeSparse(In("tree"), In("copy")));
  EXPECT_EQ(*ReadFile(In("copy/a/key")), "secret");
  EXPECT_TRUE(std::filesystem::is_directory(In("copy/a/b")));
  EXPECT_EQ(std::filesystem::status(In("copy/a/key")).permissions(),
            std::filesystem::perms(0600));
  EXPECT_TRUE(SyncTree(In("copy")));
}

TEST_F(SparseCopy, NeverOverwrites) {
  ASSERT_TRUE(WriteFile(In("from"), "new"));
  ASSERT_TRUE(WriteFile(In("to"), "old"));
  const auto copied = CopySparse(In("from"), In("to"));
  ASSERT_FALSE(copied);
  EXPECT_THAT(copied.error().what, HasSubstr(In("to").string()));
  EXPECT_EQ(*ReadFile(In("to")), "old");
}

TEST_F(SparseCopy, ToWhereItCannotBeNamesTheFile) {
  ASSERT_TRUE(WriteFile(In("from"), "x"));
  const auto copied = CopySparse(In("from"), In("no/such/directory"));
  ASSERT_FALSE(copied);
  EXPECT_THAT(copied.error().what, HasSubstr("no/such/directory"));
}

}  // namespace
}  // namespace lab
