// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/sabotage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "runner/cli/catalog.h"

namespace lab {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const Path kHome = LAB_SOURCE_DIR;
const Path kSuite = kHome / "suites" / "apparmor";

std::vector<Sabotage> Real() {
  auto sabotages = LoadSabotages(kHome, "apparmor");
  EXPECT_TRUE(sabotages) << sabotages.error().what;
  return *sabotages;
}

TEST(Sabotage, NamesProfilesAndFilesThatAreThere) {
  const auto catalog = LoadCatalog(kHome, "apparmor");
  ASSERT_TRUE(catalog) << catalog.error().what;
  const auto loaded = ProfilesOf(catalog->scenarios);
  std::set<std::string> names;
  for (const auto& sabotage : Real()) {
    EXPECT_TRUE(names.insert(sabotage.name).second) << sabotage.name;
    EXPECT_THAT(sabotage.summary, Not(IsEmpty())) << sabotage.name;
    EXPECT_THAT(sabotage.actions, Not(IsEmpty())) << sabotage.name;
    for (const auto& action : sabotage.actions) {
      for (const auto* file : {&action.with, &action.manifest}) {
        if (file->empty()) continue;
        EXPECT_TRUE(fs::is_regular_file(kHome / *file)) << *file;
      }
      if (action.action == "replace-profile") {
        EXPECT_THAT(loaded, Contains(action.profile)) << sabotage.name;
      }
      EXPECT_THAT(action.node, AnyOf("", "last-worker")) << sabotage.name;
    }
  }
}

// A claim that nothing can turn red shows nothing.
TEST(SabotageTable, TurnsEveryCaseRedThatTheSuitesOwnLabRuns) {
  for (const char* suite : {"apparmor", "seccomp"}) {
    const auto table = json::parse(
        *ReadFile(kHome / "suites" / suite / "sabotage-table.json"));
    const auto sabotages = LoadSabotages(kHome, suite);
    ASSERT_TRUE(sabotages) << sabotages.error().what;
    std::set<std::string> seen = table.at("elsewhere");
    for (const auto& sabotage : *sabotages) {
      ASSERT_TRUE(table.at("red").contains(sabotage.name)) << sabotage.name;
      const std::set<std::string> red = table.at("red").at(sabotage.name);
      seen.insert(red.begin(), red.end());
    }
    EXPECT_EQ(table.at("red").size(), sabotages->size());
    const auto catalog = LoadCatalog(kHome, suite);
    std::set<std::string> all;
    for (const auto& scenario : catalog->scenarios) all.insert(scenario.Name());
    EXPECT_EQ(seen, all) << suite;
  }
}

class SabotageFile : public ::testing::Test {
 protected:
  Result<std::vector<Sabotage>> Load(const std::string& action) {
    LAB_TRY(const auto home, TempDir::In(testing::TempDir(), "sabotage-"));
    const Path suite = home.path() / "suites" / "apparmor";
    LAB_CHECK_OK(MakeDirectories(suite));
    LAB_CHECK_OK(
        WriteFile(suite / "sabotage.json",
                  R"({"sabotages":[{"name":"n","summary":"s","actions":[)" +
                      action + "]}]}"));
    return LoadSabotages(home.path(), "apparmor");
  }
};

TEST_F(SabotageFile, IsReadWithAllItsFields) {
  const auto read =
      Load(R"({"action":"write-node-file","path":"/sys/x","text":"quiet"})");
  ASSERT_TRUE(read) << read.error().what;
  const auto& action = read->at(0).actions.at(0);
  EXPECT_EQ(action.action, "write-node-file");
  EXPECT_EQ(action.path, "/sys/x");
  EXPECT_EQ(action.text, "quiet");
}

TEST_F(SabotageFile, RefusesWhatItDoesNotKnow) {
  const auto action = Load(R"({"action":"explode"})");
  ASSERT_FALSE(action);
  EXPECT_THAT(action.error().what, HasSubstr("unknown action \"explode\""));
  EXPECT_THAT(action.error().what, HasSubstr("sabotage.json"));

  const auto field = Load(R"({"action":"skip-node","path":"/x"})");
  ASSERT_FALSE(field);
  EXPECT_THAT(field.error().what, HasSubstr("no field \"path\""));
}

}  // namespace
}  // namespace lab
