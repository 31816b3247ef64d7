// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/statements.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

namespace lab {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Path kHome = LAB_SOURCE_DIR;

std::vector<Statement> Real() {
  const auto statements = LoadStatements(kHome);
  if (statements) return *statements;
  ADD_FAILURE() << statements.error().what;
  return {};
}

std::vector<Scenario> Scenarios() {
  std::vector<Scenario> all;
  for (const auto& suite : SuiteNames(kHome)) {
    const auto catalog = LoadCatalog(kHome, suite);
    if (!catalog) {
      ADD_FAILURE() << catalog.error().what;
      continue;
    }
    all.insert(all.end(), catalog->scenarios.begin(), catalog->scenarios.end());
  }
  return all;
}

TEST(Statements, EachIsTestedOrSaidNotToBe) {
  const auto statements = Real();
  const auto scenarios = Scenarios();
  const auto reasons = LoadNotTested(kHome);
  ASSERT_TRUE(reasons) << reasons.error().what;
  EXPECT_GT(statements.size(), 100u);
  for (const auto& one : statements) {
    const auto tested = ScenariosOf(one, statements, scenarios);
    if (tested.empty()) {
      EXPECT_NE(ReasonNotTested(one, statements, *reasons), "")
          << one.id << ": no scenario of suites/*/catalog names it, and "
          << "docs/not-tested.md does not say why";
    } else {
      EXPECT_FALSE(reasons->contains(one.id))
          << one.id << " is tested by " << tested.front()
          << ": take it out of docs/not-tested.md";
    }
  }
}

TEST(Statements, ScenariosNameOnlyThoseThatExist) {
  const auto statements = Real();
  for (const auto& scenario : Scenarios()) {
    for (const auto& id : scenario.statements) {
      const auto* found = FindStatement(statements, id);
      ASSERT_NE(found, nullptr) << scenario.id << ": statement " << id
                                << " is not in suites/statements.json";
      EXPECT_FALSE(found->repeats)
          << scenario.id << " names " << id << "; name " << found->see.front()
          << ", which it repeats";
    }
  }
}

TEST(Statements, WhatIsNotTestedIsAStatementOrWasNeverAScenario) {
  const auto statements = Real();
  const auto scenarios = Scenarios();
  const auto reasons = LoadNotTested(kHome);
  ASSERT_TRUE(reasons) << reasons.error().what;
  for (const auto& [id, why] : *reasons) {
    EXPECT_FALSE(why.empty()) << id;
    for (const auto& scenario : scenarios) EXPECT_NE(scenario.id, id);
    const bool beyond = id.starts_with("x.") || id.starts_with("era.") ||
                        id.starts_with("runtime.");
    EXPECT_TRUE(beyond || FindStatement(statements, id) != nullptr) << id;
  }
}

TEST(Statements, RepeatsSayWhatTheOriginalSays) {
  const auto statements = Real();
  const auto* repeat = FindStatement(statements, "S4-26");
  const auto* original = FindStatement(statements, "S0-26");
  ASSERT_NE(repeat, nullptr);
  ASSERT_NE(original, nullptr);
  EXPECT_EQ(repeat->claim, original->claim);
  EXPECT_NE(repeat->document, original->document);
  EXPECT_THAT(repeat->see, ElementsAre("S0-26"));
  // The two note boxes of the first document are not in the other.
  EXPECT_EQ(FindStatement(statements, "S4-11"), nullptr);
  EXPECT_EQ(FindStatement(statements, "S4-18"), nullptr);
}

TEST(Statements, AreTestedByScenariosThatNameThemOrWhatTheyReferTo) {
  const std::vector<Statement> statements = {
      {"A-1", "a", "behaviour", "one", {}, false},
      {"A-2", "a", "behaviour", "two", {"A-1"}, false},
      {"A-3", "a", "behaviour", "three", {"A-2"}, false}};
  Scenario x, y;
  x.id = "s.x";
  x.statements = {"A-1"};
  y.id = "s.y";
  y.statements = {"A-3"};
  EXPECT_THAT(ScenariosOf(statements[0], statements, {x, y}),
              ElementsAre("s.x"));
  EXPECT_THAT(ScenariosOf(statements[2], statements, {x, y}),
              ElementsAre("s.x", "s.y"));
  EXPECT_THAT(ScenariosOf(statements[1], statements, {y}), IsEmpty());
  EXPECT_EQ(ReasonNotTested(statements[2], statements, {{"A-1", "why"}}),
            "why");
  EXPECT_EQ(ReasonNotTested(statements[0], statements, {{"A-3", "why"}}), "");
}

TEST(Statements, ReasonsAreReadFromTableRowsOnly) {
  const auto reasons = ParseNotTested(
      "# Title\nA | b\n| ids | why |\n|---|---|\n| A-1, A-2 | so it is |\n"
      "| A-3 | other |\n");
  EXPECT_EQ(reasons.size(), 3u);
  EXPECT_EQ(reasons.at("A-2"), "so it is");
  EXPECT_EQ(reasons.at("A-3"), "other");
}

class StatementsFile : public ::testing::Test {
 protected:
  // What is wrong with the real table after `change`.
  template <typename Change>
  std::string ErrorAfter(Change&& change) {
    const auto home = TempDir::In(testing::TempDir(), "statements-");
    EXPECT_TRUE(home);
    const Path directory = home->path() / "suites";
    EXPECT_TRUE(MakeDirectories(directory));
    auto j = json::parse(*ReadFile(kHome / "suites" / "statements.json"));
    change(j);
    EXPECT_TRUE(WriteFile(directory / "statements.json", j.dump()));
    const auto loaded = LoadStatements(home->path());
    return loaded ? "" : loaded.error().what;
  }
};

TEST_F(StatementsFile, IsTakenStrictly) {
  const auto first = [](json& j) -> json& { return j["statements"][0]; };
  EXPECT_EQ(ErrorAfter([](json&) {}), "");
  EXPECT_THAT(ErrorAfter([&](json& j) { first(j)["scenarios"] = {"x"}; }),
              HasSubstr("S0-1: unknown field \"scenarios\""));
  EXPECT_THAT(ErrorAfter([&](json& j) { first(j)["kind"] = "rumour"; }),
              HasSubstr("S0-1: unknown kind \"rumour\""));
  EXPECT_THAT(ErrorAfter([&](json& j) { first(j).erase("claim"); }),
              HasSubstr("statements.json"));
  EXPECT_THAT(ErrorAfter([&](json& j) { first(j)["id"] = "S9-1"; }),
              HasSubstr("S9-1: of no document"));
  EXPECT_THAT(
      ErrorAfter([](json& j) { j["statements"].back()["id"] = "S0-2"; }),
      HasSubstr("S0-2 is there twice"));
  EXPECT_THAT(ErrorAfter([&](json& j) { first(j)["see"] = {"S0-99"}; }),
              HasSubstr("S0-1: see S0-99: no other statement"));
  EXPECT_THAT(ErrorAfter([](json& j) { j["repeats"][0]["last"] = 99; }),
              HasSubstr("S4-69 repeats S0-69, which is not there"));
}

}  // namespace
}  // namespace lab
