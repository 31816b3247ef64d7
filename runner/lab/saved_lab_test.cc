// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/saved_lab.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runner/base/scratch_fixture.h"
#include "runner/components/cache.h"

namespace lab {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class SavedLabs : public ScratchFixture {
 protected:
  void SetUp() override {
    ScratchFixture::SetUp();
    part_ = dir_->path() / "parts" / "etcd-1";
    ASSERT_TRUE(MakeDirectories(part_));
    ASSERT_TRUE(WriteFile(part_ / "etcd", "program"));
    ASSERT_TRUE(SealPart(part_, "etcd"));
  }
  SavedStore store() const { return SavedStore(dir_->path()); }
  SavedLab Some() const {
    SavedLab saved{.name = "base",
                   .lab = "demo",
                   .created = "2026-05-04T03:02:01",
                   .kubernetes = "1.36.3",
                   .accel = "tcg",
                   .accel_reason = "asked for",
                   .qemu = "QEMU 10",
                   .processor = "",
                   .machine = "0123456789abcdef",
                   .net_number = 7,
                   .kubernetes_part = "/parts/kubernetes",
                   .etcd_part = part_,
                   .parts = {part_},
                   .files = *FilesOfPart(part_),
                   .apiserver_args = {{"v", "2"}, {"v", "3"}},
                   .controller_manager_args = {{"a", ""}},
                   .scheduler_args = {},
                   .nodes = {{"w",
                              {"qemu", "-m", "1"},
                              "/parts/d/disk",
                              "t",
                              {"trixie", "crun", false}}}};
    return saved;
  }
  Surroundings Same() const {
    return {"QEMU 10", "", "0123456789abcdef", {part_, "/parts/other"}};
  }
  void Make(const std::string& name) const {
    auto draft = store().Begin(name);
    ASSERT_TRUE(draft) << draft.error().what;
    SavedLab saved = Some();
    saved.name = name;
    ASSERT_TRUE(WriteFile(draft->path() / "saved.json", saved.ToJson()));
    ASSERT_TRUE(draft->Commit(store().DirectoryOf(name)));
  }
  Path Draft(const std::string& name) const {
    return dir_->path() / "tmp" / ("saved-" + name);
  }

  Path part_;
};

TEST_F(SavedLabs, ManifestSaysTheSameWhenRead) {
  const auto text = Some().ToJson();
  const auto read = SavedLab::Parse(text, "here");
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->ToJson(), text);
  EXPECT_EQ(read->apiserver_args, Some().apiserver_args);
  EXPECT_EQ(read->nodes[0].argv, Some().nodes[0].argv);
}

TEST_F(SavedLabs, DamagedManifestIsAProvisionErrorThatNamesIt) {
  auto lacking = json::parse(Some().ToJson());
  lacking.erase("nodes");
  auto newer = json::parse(Some().ToJson());
  newer["format"] = 99;
  for (const auto& text :
       {std::string("{"), lacking.dump(), newer.dump(), std::string("[]")}) {
    const auto read = SavedLab::Parse(text, "here.json");
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().kind, ErrorKind::kProvision);
    EXPECT_THAT(read.error().what, HasSubstr("here.json"));
  }
}

TEST_F(SavedLabs, FitsWhatItWasMadeWith) {
  const auto fits = CheckRestorable(Some(), Same());
  EXPECT_TRUE(fits) << fits.error().what;
}

TEST_F(SavedLabs, EveryDifferenceIsNamedWithTheWayOut) {
  auto now = Same();
  now.qemu = "QEMU 11";
  now.machine = "fedcba9876543210";
  now.parts = {"/parts/etcd-2"};
  const auto fits = CheckRestorable(Some(), now);
  ASSERT_FALSE(fits);
  EXPECT_EQ(fits.error().kind, ErrorKind::kProvision);
  EXPECT_THAT(fits.error().what,
              AllOf(HasSubstr("QEMU was QEMU 10, is QEMU 11"),
                    HasSubstr("machine.json was 0123"), HasSubstr("etcd-1"),
                    HasSubstr("runner lab save")));
}

TEST_F(SavedLabs, PartThatIsGoneOrChangedIsNamed) {
  const auto saved = Some();
  ASSERT_TRUE(WriteFile(part_ / "etcd", "PROGRAM"));
  std::filesystem::last_write_time(
      part_ / "etcd", std::filesystem::file_time_type::clock::now() + 5s);
  auto fits = CheckRestorable(saved, Same());
  ASSERT_FALSE(fits);
  EXPECT_THAT(fits.error().what, HasSubstr("etcd has changed (sha256)"));
  std::filesystem::remove(part_ / "etcd");
  fits = CheckRestorable(saved, Same());
  ASSERT_FALSE(fits);
  EXPECT_THAT(fits.error().what, HasSubstr("etcd is missing"));
}

TEST_F(SavedLabs, PartThatWasBuiltAgainWithOtherBytesIsNamed) {
  const auto saved = Some();
  ASSERT_TRUE(RemoveTree(part_));
  ASSERT_TRUE(MakeDirectories(part_));
  ASSERT_TRUE(WriteFile(part_ / "etcd", "PROGRAM"));
  ASSERT_TRUE(SealPart(part_, "etcd"));
  const auto fits = CheckRestorable(saved, Same());
  ASSERT_FALSE(fits);
  EXPECT_THAT(fits.error().what, HasSubstr("etcd has changed (sha256)"));
}

TEST_F(SavedLabs, PartThatWasOnlyTouchedFits) {
  const auto saved = Some();
  std::filesystem::last_write_time(
      part_ / "etcd", std::filesystem::file_time_type::clock::now() + 5s);
  EXPECT_TRUE(CheckRestorable(saved, Same()));
}

TEST_F(SavedLabs, AreListedFoundAndForgotten) {
  Make("one");
  Make("two");
  EXPECT_THAT(store().List(), SizeIs(2));
  EXPECT_THAT(store().NetNumbers(), ElementsAre(7));
  EXPECT_TRUE(store().Find("one"));
  EXPECT_GT(store().BytesOf("one"), 0);
  ASSERT_TRUE(store().Forget("one"));
  EXPECT_FALSE(store().Find("one"));
  EXPECT_THAT(store().List(), SizeIs(1));
  EXPECT_FALSE(std::filesystem::exists(Draft("one")));
}

TEST_F(SavedLabs, UnknownNameIsAUsageErrorWithTheClosest) {
  const auto none = store().Find("base");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().what, HasSubstr("there is none"));
  Make("base");
  for (const Status& said :
       {store().Forget("bass"), Status(store().Find("bass").error())}) {
    ASSERT_FALSE(said);
    EXPECT_EQ(said.error().kind, ErrorKind::kUsage);
    EXPECT_THAT(said.error().what, HasSubstr("closest: base"));
  }
}

TEST_F(SavedLabs, DraftThatIsNotCommittedLeavesNothing) {
  {
    const auto draft = store().Begin("base");
    ASSERT_TRUE(draft);
    EXPECT_TRUE(std::filesystem::exists(Draft("base")));
    EXPECT_FALSE(store().Begin("base"));  // one at a time
  }
  EXPECT_FALSE(std::filesystem::exists(Draft("base")));
  EXPECT_THAT(store().List(), SizeIs(0));
}

TEST_F(SavedLabs, WhatAKilledOneLeftIsNoneAndDoesNotHinder) {
  ASSERT_TRUE(MakeDirectories(Draft("base")));
  ASSERT_TRUE(WriteFile(Draft("base") / "w.ram", "half"));
  EXPECT_FALSE(store().Find("base"));
  Make("base");
  EXPECT_FALSE(std::filesystem::exists(store().DirectoryOf("base") / "w.ram"));
}

TEST_F(SavedLabs, ExistingNameIsRefused) {
  Make("base");
  const auto again = store().Begin("base");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::kUsage);
  EXPECT_THAT(again.error().what, HasSubstr("runner lab forget base"));
}

}  // namespace
}  // namespace lab
