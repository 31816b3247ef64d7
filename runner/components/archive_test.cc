// SPDX-License-Identifier: Apache-2.0
#include "runner/components/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "runner/process/process.h"

namespace lab {
namespace {

namespace fs = std::filesystem;
using Format = ArchiveWriter::Format;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class Archive : public ::testing::TestWithParam<Format> {
 protected:
  void SetUp() override {
    auto dir = TempDir::In(testing::TempDir(), "archive-");
    ASSERT_TRUE(dir) << dir.error().what;
    dir_.emplace(std::move(*dir));
  }
  Path Scratch(const std::string& name) const { return dir_->path() / name; }

  // A directory, files of three modes (one from the disk) and a link.
  Status Write(const Path& path, Format format) const {
    LAB_CHECK_OK(WriteFile(Scratch("source"), std::string(200000, 'x'), 0600));
    LAB_TRY(auto writer, ArchiveWriter::Create(path, format));
    LAB_CHECK_OK(writer.AddDirectory("d", 0700));
    LAB_CHECK_OK(writer.AddFile("d/secret", std::string("a\0b", 3), 0400));
    LAB_CHECK_OK(writer.AddFile("d/tool", "#!", 0755));
    LAB_CHECK_OK(writer.AddFile("d/empty", ""));
    LAB_CHECK_OK(writer.AddFileFrom("big", Scratch("source"), 0640));
    LAB_CHECK_OK(writer.AddSymlink("link", "d/tool"));
    return writer.Close();
  }

 private:
  std::optional<TempDir> dir_;
};

bool Everything(const std::string&) { return true; }

int ModeOf(const Path& path) {
  return static_cast<int>(fs::status(path).permissions());
}

TEST_P(Archive, ComesBackAsItWasWritten) {
  const auto written = Write(Scratch("a"), GetParam());
  ASSERT_TRUE(written) << written.error().what;

  const auto out = Scratch("out");
  const auto read = ExtractArchive(Scratch("a"), out, &Everything);

  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(*ReadFile(out / "d/secret"), std::string("a\0b", 3));
  EXPECT_EQ(*ReadFile(out / "d/empty"), "");
  EXPECT_EQ(*ReadFile(out / "big"), std::string(200000, 'x'));
  EXPECT_EQ(fs::read_symlink(out / "link"), "d/tool");
  EXPECT_EQ(ModeOf(out / "d"), 0700);
  EXPECT_EQ(ModeOf(out / "d/secret"), 0400);
  EXPECT_EQ(ModeOf(out / "d/tool"), 0755);
  EXPECT_EQ(ModeOf(out / "d/empty"), 0644);
  EXPECT_EQ(ModeOf(out / "big"), 0640);
}

TEST_P(Archive, EqualContentGivesEqualBytes) {
  ASSERT_TRUE(Write(Scratch("a"), GetParam()));
  ASSERT_TRUE(Write(Scratch("b"), GetParam()));

  const auto a = *ReadFile(Scratch("a"));

  EXPECT_EQ(a, *ReadFile(Scratch("b")));
  // A second apart, the two would differ by a time of gzip's (RFC 1952).
  if (GetParam() == Format::kCpioGz) {
    EXPECT_EQ(a.substr(4, 4), std::string(4, '\0'));
  }
}

TEST_P(Archive, EntriesAreRootsAndHaveNoTime) {
  ASSERT_TRUE(Write(Scratch("a"), GetParam()));
  const std::unique_ptr<archive, decltype(&archive_read_free)> reader(
      archive_read_new(), &archive_read_free);
  archive_read_support_format_all(reader.get());
  archive_read_support_filter_all(reader.get());
  ASSERT_EQ(
      archive_read_open_filename(reader.get(), Scratch("a").c_str(), 4096),
      ARCHIVE_OK);

  std::vector<std::string> names;
  archive_entry* entry = nullptr;
  while (archive_read_next_header(reader.get(), &entry) == ARCHIVE_OK) {
    names.emplace_back(archive_entry_pathname(entry));
    EXPECT_EQ(archive_entry_uid(entry), 0) << names.back();
    EXPECT_EQ(archive_entry_gid(entry), 0) << names.back();
    EXPECT_EQ(archive_entry_mtime(entry), 0) << names.back();
  }
  for (auto& name : names) {
    if (name.ends_with('/')) name.pop_back();
  }
  EXPECT_THAT(names,
              ElementsAre("d", "d/secret", "d/tool", "d/empty", "big", "link"));
}

TEST_P(Archive, ATreeComesBackAsItWas) {
  const Path tree = Scratch("tree");
  ASSERT_TRUE(MakeDirectories(tree / "d"));
  ASSERT_TRUE(WriteFile(tree / "d/Főtanúsítvány.pem", "x", 0640));
  fs::create_symlink("Főtanúsítvány.pem", tree / "d/link");
  fs::permissions(tree / "d", static_cast<fs::perms>(01777));
  auto writer = ArchiveWriter::Create(Scratch("a"), GetParam());
  ASSERT_TRUE(writer);
  const auto added = writer->AddTree(tree);
  ASSERT_TRUE(added) << added.error().what;
  ASSERT_TRUE(writer->Close());

  ASSERT_TRUE(ExtractArchive(Scratch("a"), Scratch("out"), &Everything));

  EXPECT_EQ(*ReadFile(Scratch("out") / "d/Főtanúsítvány.pem"), "x");
  EXPECT_EQ(fs::read_symlink(Scratch("out") / "d/link"), "Főtanúsítvány.pem");
  EXPECT_EQ(ModeOf(Scratch("out") / "d/Főtanúsítvány.pem"), 0640);
  EXPECT_EQ(ModeOf(Scratch("out") / "d"), 01777);
}

TEST_P(Archive, OnlyWantedEntriesAreUnpacked) {
  ASSERT_TRUE(Write(Scratch("a"), GetParam()));
  std::vector<std::string> asked;

  ASSERT_TRUE(ExtractArchive(Scratch("a"), Scratch("out"),
                             [&](const std::string& name) {
                               asked.push_back(name);
                               return name == "d/tool";
                             }));

  EXPECT_EQ(asked.size(), 6u);
  EXPECT_TRUE(fs::exists(Scratch("out/d/tool")));
  EXPECT_FALSE(fs::exists(Scratch("out/d/secret")));
  EXPECT_FALSE(fs::exists(Scratch("out/big")));
}

TEST_P(Archive, DamageIsAnError) {
  ASSERT_TRUE(Write(Scratch("a"), GetParam()));
  const auto whole = *ReadFile(Scratch("a"));
  ASSERT_TRUE(WriteFile(Scratch("a"), whole.substr(0, whole.size() / 2)));

  EXPECT_FALSE(ExtractArchive(Scratch("a"), Scratch("out"), &Everything));
}

INSTANTIATE_TEST_SUITE_P(Formats, Archive,
                         ::testing::Values(Format::kTar, Format::kCpioGz),
                         [](const auto& each) {
                           return each.param == Format::kTar ? "Tar" : "CpioGz";
                         });

using ArchiveFile = Archive;
INSTANTIATE_TEST_SUITE_P(Tar, ArchiveFile, ::testing::Values(Format::kTar));

TEST_P(ArchiveFile, NamesAreGivenWithoutRootAndDot) {
  auto writer = ArchiveWriter::Create(Scratch("a"), GetParam());
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->AddFile("./one", "1"));
  ASSERT_TRUE(writer->AddFile("/two", "2"));
  ASSERT_TRUE(writer->Close());
  std::vector<std::string> asked;

  ASSERT_TRUE(ExtractArchive(Scratch("a"), Scratch("out"),
                             [&](const std::string& name) {
                               asked.push_back(name);
                               return true;
                             }));

  EXPECT_THAT(asked, UnorderedElementsAre("one", "two"));
  EXPECT_EQ(*ReadFile(Scratch("out/two")), "2");
}

TEST_P(ArchiveFile, RefusesAWayOut) {
  for (const std::string name : {"../out", "d/../../out", ".."}) {
    auto writer = ArchiveWriter::Create(Scratch("a"), GetParam());
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->AddFile(name, "x"));
    ASSERT_TRUE(writer->Close());

    const auto read = ExtractArchive(Scratch("a"), Scratch("in"), &Everything);

    ASSERT_FALSE(read) << name;
    EXPECT_THAT(read.error().what, HasSubstr("unpack " + name));
    EXPECT_FALSE(fs::exists(Scratch("out"))) << name;
  }
}

TEST_P(ArchiveFile, WithoutCloseIsDiscarded) {
  {
    auto writer = ArchiveWriter::Create(Scratch("a"), Format::kCpioGz);
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->AddFile("x", "1"));
  }
  (void)ExtractArchive(Scratch("a"), Scratch("out"), &Everything).has_value();
  EXPECT_FALSE(fs::exists(Scratch("out/x")));
}

TEST_P(ArchiveFile, ThatCannotBeIsNamed) {
  const auto made = ArchiveWriter::Create(Scratch("no/such/dir/a"), GetParam());
  const auto read =
      ExtractArchive(Scratch("nothing"), Scratch("out"), &Everything);
  ASSERT_FALSE(made);
  ASSERT_FALSE(read);
  EXPECT_THAT(made.error().what, HasSubstr("no/such/dir/a"));
  EXPECT_THAT(read.error().what, HasSubstr("nothing"));
}

TEST_P(ArchiveFile, DecompressKnowsTheCompressionByTheContent) {
  const std::string text = std::string(100000, 'k') + "\n end";
  ASSERT_TRUE(WriteFile(Scratch("plain"), text));
  EXPECT_EQ(Decompress(Scratch("plain")).value_or(""), text);
  for (const std::string tool : {"xz", "gzip"}) {
    const auto packed = RunOk({.argv = {tool, "-c"}, .input = text});
    ASSERT_TRUE(packed) << packed.error().what;
    ASSERT_LT(packed->size(), text.size() / 10);
    ASSERT_TRUE(WriteFile(Scratch("packed"), *packed));

    EXPECT_EQ(Decompress(Scratch("packed")).value_or(""), text) << tool;

    ASSERT_TRUE(
        WriteFile(Scratch("packed"), packed->substr(0, packed->size() - 12)));
    EXPECT_FALSE(Decompress(Scratch("packed"))) << tool;
  }
  EXPECT_FALSE(Decompress(Scratch("nothing")));
}

}  // namespace
}  // namespace lab
