// SPDX-License-Identifier: Apache-2.0
#include "runner/components/cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <future>
#include <map>
#include <optional>
#include <set>

#include "runner/base/scratch_fixture.h"
#include "runner/base/text.h"
#include "runner/base/wait.h"

namespace lab {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Notes : public SilentProgress {
 public:
  void Note(const std::string& text) override { notes.push_back(text); }
  std::vector<std::string> notes;
};

std::vector<std::string> Entries(const Path& directory) {
  std::vector<std::string> names;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator(directory, missing)) {
    names.push_back(entry.path().filename().string());
  }
  return names;
}

class CacheOfParts : public ScratchFixture {
 protected:
  void SetUp() override {
    ScratchFixture::SetUp();
    recipe_ = {.name = "thing-1", .inputs = {"a", "b"}, .build = Builder()};
  }

  // Two files, and how often they were made.
  std::function<Status(const Path&, const Path&)> Builder() {
    return [this](const Path& into, const Path&) -> Status {
      ++builds_;
      LAB_CHECK_OK(MakeDirectories(into / "bin"));
      LAB_CHECK_OK(WriteFile(into / "bin" / "tool", "0123456789", 0755));
      return WriteFile(into / "data", "abc");
    };
  }
  Cache Open(bool offline = false) { return {root(), progress_, offline}; }
  Path root() const { return dir_->path() / "root"; }
  Path part() const { return root() / "parts" / PartId(recipe_); }

  Notes progress_;
  std::atomic<int> builds_{0};
  PartRecipe recipe_;

 private:
};

TEST_F(CacheOfParts, BuildsOnce) {
  auto cache = Open();
  EXPECT_FALSE(cache.Has(recipe_));

  const auto first = cache.Provide(recipe_);
  const auto second = Open().Provide(recipe_);

  ASSERT_TRUE(first && second);
  EXPECT_EQ(*first, part());
  EXPECT_EQ(*second, part());
  EXPECT_EQ(builds_, 1);
  EXPECT_TRUE(cache.Has(recipe_));
  EXPECT_EQ(*ReadFile(part() / "bin" / "tool"), "0123456789");
  EXPECT_THAT(Entries(root() / "tmp"), IsEmpty());
  EXPECT_THAT(progress_.notes, IsEmpty());
}

TEST_F(CacheOfParts, DamageIsNamedAndMended) {
  const Path tool = part() / "bin" / "tool";
  const std::vector<std::function<void()>> damages = {
      [&] { fs::resize_file(tool, 9); },
      [&] { (void)WriteFile(tool, "0123456780").has_value(); },
      [&] { fs::remove(tool); },
      [&] { fs::remove(tool), fs::create_directory(tool); },
  };
  auto cache = Open();
  ASSERT_TRUE(cache.Provide(recipe_));
  int builds = 1;
  for (const auto& damage : damages) {
    progress_.notes.clear();
    damage();

    ASSERT_TRUE(cache.Provide(recipe_));

    EXPECT_EQ(builds_, ++builds);
    EXPECT_THAT(progress_.notes, ElementsAre(HasSubstr(tool.string())));
    EXPECT_EQ(*ReadFile(tool), "0123456789");
  }
}

// Content of files that nobody has touched is not read again; a change that
// leaves size and time of the content alone is seen all the same.
TEST_F(CacheOfParts, FilesAreReadAgainOnlyWhenTouched) {
  const Path tool = part() / "bin" / "tool";
  const Path checked = part() / "checked.json";
  auto cache = Open();
  ASSERT_TRUE(cache.Provide(recipe_));
  ASSERT_TRUE(VerifyPart(part()));
  // Too new to be sure about: not noted yet.
  EXPECT_THAT(*ReadFile(checked), HasSubstr(R"("bin/tool":null)"));
  ASSERT_TRUE(WaitUntil("time that is over", Deadline::In(10s), 50ms, [&] {
    return VerifyPart(part()) &&
           ReadFile(checked)->find("null") == std::string::npos;
  }));

  // What was noted is believed, so a wrong digest in the seal is not found...
  const auto seal = *ReadFile(part() / "part.json");
  ASSERT_TRUE(WriteFile(part() / "part.json",
                        ReplaceAll(seal, "\"sha256\": \"", "\"sha256\": \"0")));
  EXPECT_TRUE(VerifyPart(part()));
  ASSERT_TRUE(WriteFile(part() / "part.json", seal));
  // ...and a changed file is.
  const auto before = fs::last_write_time(tool);
  ASSERT_TRUE(WriteFile(tool, "0123456780"));
  fs::last_write_time(tool, before);
  const auto found = VerifyPart(part());
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().what, HasSubstr("tool has changed"));
}

// Whatever happened to the seal: a usable part, and never a crash.
TEST_F(CacheOfParts, AnyDamageOfTheSealIsMended) {
  auto cache = Open();
  ASSERT_TRUE(cache.Provide(recipe_));
  const auto seal = *ReadFile(part() / "part.json");
  for (std::size_t i = 0; i < seal.size(); ++i) {
    for (const char c : {'x', '}', '"'}) {
      auto damaged = seal;
      damaged[i] = c;
      ASSERT_TRUE(WriteFile(part() / "part.json", damaged));
      ASSERT_TRUE(cache.Provide(recipe_)) << damaged;
    }
    ASSERT_TRUE(WriteFile(part() / "part.json", seal.substr(0, i)));
    ASSERT_TRUE(cache.Provide(recipe_)) << i;
    ASSERT_TRUE(VerifyPart(part())) << i;
  }
}

TEST_F(CacheOfParts, AFailedBuildNamesItsLogAndLeavesNothing) {
  auto cache = Open();
  recipe_.build = [](const Path& into, const Path& log) -> Status {
    LAB_CHECK_OK(WriteFile(into / "half", "x"));
    LAB_CHECK_OK(AppendLine(log, "no rule to make it"));
    return Error{"make: exit status 2"};
  };

  const auto failed = cache.Provide(recipe_);

  ASSERT_FALSE(failed);
  const Path log = root() / "logs" / (PartId(recipe_) + ".log");
  EXPECT_EQ(failed.error().kind, ErrorKind::kProvision);
  EXPECT_THAT(failed.error().what, HasSubstr("thing-1: make: exit status 2"));
  EXPECT_THAT(failed.error().what, HasSubstr(log.string()));
  EXPECT_EQ(*ReadFile(log), "no rule to make it\n");
  EXPECT_THAT(Entries(root() / "tmp"), IsEmpty());
  EXPECT_THAT(Entries(root() / "parts"), IsEmpty());

  recipe_.build = Builder();
  EXPECT_TRUE(cache.Provide(recipe_));
}

TEST_F(CacheOfParts, AnInterruptedBuildStaysInterrupted) {
  recipe_.build = [](const Path& into, const Path&) -> Status {
    LAB_CHECK_OK(WriteFile(into / "half", "x"));
    return Error{"go: interrupted", ErrorKind::kInterrupted};
  };

  const auto stopped = Open().Provide(recipe_);

  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().kind, ErrorKind::kInterrupted);
  EXPECT_THAT(Entries(root() / "tmp"), IsEmpty());
}

TEST_F(CacheOfParts, OfflineBuildsNothing) {
  const auto missing = Open(true).Provide(recipe_);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kProvision);
  EXPECT_THAT(missing.error().what, HasSubstr("runner fetch"));
  EXPECT_EQ(builds_, 0);

  ASSERT_TRUE(Open().Provide(recipe_));
  EXPECT_TRUE(Open(true).Provide(recipe_));

  fs::resize_file(part() / "data", 1);
  EXPECT_FALSE(Open(true).Provide(recipe_));
  EXPECT_EQ(builds_, 1);
}

TEST_F(CacheOfParts, WhatAKilledBuilderLeftIsNotInThePart) {
  const Path stale = root() / "tmp" / PartId(recipe_);
  ASSERT_TRUE(MakeDirectories(stale / "bin"));
  ASSERT_TRUE(WriteFile(stale / "bin" / "old", "x"));
  ASSERT_TRUE(MakeDirectories(root() / "locks"));
  ASSERT_TRUE(WriteFile(root() / "locks" / (PartId(recipe_) + ".lock"), ""));

  ASSERT_TRUE(Open().Provide(recipe_));

  EXPECT_THAT(Entries(part() / "bin"), ElementsAre("tool"));
  EXPECT_FALSE(fs::exists(stale));
}

// The first builder ends only when the second has said that it waits.
TEST_F(CacheOfParts, TwoAtOnceBuildOnce) {
  class Waiting : public SilentProgress {
   public:
    void Update(const std::string&, const std::string& text) override {
      if (text.find("another runner") != std::string::npos) said.set_value();
    }
    std::promise<void> said;
  };
  Waiting second_progress;
  std::promise<void> building;
  auto second_waits = second_progress.said.get_future();
  recipe_.build = [&, make = Builder()](const Path& into, const Path& log) {
    building.set_value();
    EXPECT_EQ(second_waits.wait_for(20s), std::future_status::ready);
    return make(into, log);
  };

  auto first =
      std::async(std::launch::async, [&] { return Open().Provide(recipe_); });
  building.get_future().wait();
  const auto second = Cache(root(), second_progress, false).Provide(recipe_);

  ASSERT_TRUE(first.get());
  ASSERT_TRUE(second);
  EXPECT_EQ(*second, part());
  EXPECT_EQ(builds_, 1);
}

TEST(PartId, ChangesWithEachInput) {
  const std::vector<PartRecipe> recipes = {
      {.name = "p", .inputs = {"a", "b"}, .build = {}},
      {.name = "q", .inputs = {"a", "b"}, .build = {}},
      {.name = "p", .inputs = {"a", "c"}, .build = {}},
      {.name = "p", .inputs = {"c", "b"}, .build = {}},
      {.name = "p", .inputs = {"b", "a"}, .build = {}},
      {.name = "p", .inputs = {"a"}, .build = {}},
      {.name = "p", .inputs = {"ab"}, .build = {}},
      {.name = "p", .inputs = {"a", "b", ""}, .build = {}},
      {.name = "p", .inputs = {"a\nb"}, .build = {}},
      {.name = "p", .inputs = {"a\n1\nb"}, .build = {}},
      {.name = "p", .inputs = {}, .build = {}},
  };
  std::set<std::string> ids;
  for (const auto& recipe : recipes) ids.insert(PartId(recipe));
  EXPECT_EQ(ids.size(), recipes.size());

  auto slower = recipes[0];
  slower.cold_seconds = 7;
  EXPECT_EQ(PartId(slower), PartId(recipes[0]));
}

// Variables of the environment for the length of a test; nullptr unsets.
class ScopedEnv {
 public:
  explicit ScopedEnv(std::map<std::string, const char*> variables) {
    for (const auto& [name, value] : variables) {
      const char* old = std::getenv(name.c_str());
      old_[name] = old == nullptr ? std::nullopt : std::optional(old);
      Set(name, value);
    }
  }
  ~ScopedEnv() {
    for (const auto& [name, old] : old_)
      Set(name, old ? old->c_str() : nullptr);
  }

 private:
  static void Set(const std::string& name, const char* value) {
    value == nullptr ? ::unsetenv(name.c_str())
                     : ::setenv(name.c_str(), value, 1);
  }
  std::map<std::string, std::optional<std::string>> old_;
};

Path RootWith(const char* own, const char* xdg, const char* home) {
  const ScopedEnv env({{"CONFINEMENT_LAB_CACHE", own},
                       {"XDG_CACHE_HOME", xdg},
                       {"HOME", home}});
  const auto root = DefaultCacheRoot();
  return root ? *root : Path("error: " + root.error().what);
}

TEST(DefaultCacheRoot, TakesTheMostSpecial) {
  EXPECT_EQ(RootWith("/own", "/xdg", "/home/x"), "/own");
  EXPECT_EQ(RootWith("own", "/xdg", "/home/x"), fs::current_path() / "own");
  EXPECT_EQ(RootWith("", "/xdg", "/home/x"), "/xdg/confinement-lab");
  EXPECT_EQ(RootWith(nullptr, "/xdg", nullptr), "/xdg/confinement-lab");
  // The base directory specification: a relative path is to be ignored.
  EXPECT_EQ(RootWith(nullptr, "xdg", "/home/x"),
            "/home/x/.cache/confinement-lab");
  EXPECT_EQ(RootWith(nullptr, nullptr, "/home/x"),
            "/home/x/.cache/confinement-lab");
  EXPECT_THAT(RootWith(nullptr, "", "").string(),
              HasSubstr("set CONFINEMENT_LAB_CACHE"));
}

}  // namespace
}  // namespace lab
