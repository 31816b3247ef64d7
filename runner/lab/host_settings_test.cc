// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/host_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "runner/base/scratch_fixture.h"
#include "runner/base/text.h"

namespace lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kPanic = "kernel/panic";
constexpr const char* kRateLimit = "kernel/printk_ratelimit";

class Settings : public ScratchFixture {
 protected:
  void SetUp() override {
    ScratchFixture::SetUp();
    ASSERT_TRUE(MakeDirectories(sys() / "kernel"));
    Set(kPanic, "0");
    Set(kRateLimit, "5");
  }

  Path cache() const { return dir_->path() / "cache"; }
  Path sys() const { return dir_->path() / "sys"; }
  void Set(const std::string& name, const std::string& value) {
    ASSERT_TRUE(WriteFile(sys() / name, value + "\n"));
  }
  std::string Get(const std::string& name) {
    return std::string(Trim(*ReadFile(sys() / name)));
  }
  HostSettings Hold() {
    auto held = HostSettings::Hold(cache(), sys());
    EXPECT_TRUE(held) << held.error().what;
    return std::move(held).value();
  }
};

TEST_F(Settings, TheLastLabPutsBackWhatItsNodesChanged) {
  auto first = Hold();
  EXPECT_EQ(Get(kRateLimit), "0");
  Set(kPanic, "10");
  auto second = Hold();

  EXPECT_THAT(*first.Release(), IsEmpty());
  EXPECT_EQ(Get(kPanic), "10");

  EXPECT_THAT(*second.Release(),
              ElementsAre("kernel/panic from 10 to 0",
                          "kernel/printk_ratelimit from 0 to 5"));
  EXPECT_EQ(Get(kPanic), "0");
  EXPECT_EQ(Get(kRateLimit), "5");
}

TEST_F(Settings, AKilledLabsAreFoundByTheCollector) {
  {
    const auto killed = Hold();
    Set(kPanic, "10");
    EXPECT_THAT(*PutBackHostSettings(cache(), sys()), IsEmpty());
  }
  EXPECT_EQ(PutBackHostSettings(cache(), sys())->size(), 2u);
  EXPECT_EQ(Get(kPanic), "0");
  EXPECT_THAT(*PutBackHostSettings(cache(), sys()), IsEmpty());
}

TEST_F(Settings, TheNextLabDoesNotTakeThemForTheHostsOwn) {
  {
    const auto killed = Hold();
    Set(kPanic, "10");
  }
  auto next = Hold();
  Set(kPanic, "10");
  ASSERT_TRUE(next.Release());
  EXPECT_EQ(Get(kPanic), "0");
}

// Whoever may not put them back gets a lab all the same, and what they were is
// not forgotten.
TEST_F(Settings, TheNextLabKeepsTheNoteOfWhatCouldNotBePutBack) {
  { const auto killed = Hold(); }
  const Path note = cache() / "kind" / "settings.json";
  ASSERT_TRUE(RemoveTree(sys() / kPanic));
  // Nobody can write this, root included.
  std::error_code code;
  std::filesystem::create_symlink("/proc/version", sys() / kPanic, code);
  const auto before = *ReadFile(note);

  auto next = Hold();

  EXPECT_EQ(*ReadFile(note), before);
  EXPECT_FALSE(next.Release());
}

TEST_F(Settings, WhatCannotBePutBackIsNamedWithTheCommand) {
  auto lab = Hold();
  ASSERT_TRUE(RemoveTree(sys() / kPanic));
  // A directory can be written by nobody, root included.
  ASSERT_TRUE(WriteFile(cache() / "kind" / "settings.json",
                        R"({"kernel/panic": "0"})"));
  std::error_code code;
  std::filesystem::create_symlink("/proc/version", sys() / kPanic, code);

  const auto released = lab.Release();

  ASSERT_FALSE(released);
  EXPECT_THAT(released.error().what,
              HasSubstr("sudo sysctl -w kernel.panic='0'"));
}

}  // namespace
}  // namespace lab
