// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "runner/base/version.h"

namespace lab {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const Path kHome = LAB_SOURCE_DIR;

Catalog Real(const std::string& suite = "apparmor") {
  auto catalog = LoadCatalog(kHome, suite);
  if (catalog) return *catalog;
  ADD_FAILURE() << catalog.error().what;
  return {};
}

// Every scenario of every suite, which all tests of the real data look at.
std::vector<Scenario> All() {
  std::vector<Scenario> all;
  for (const auto& suite : SuiteNames(kHome)) {
    const auto catalog = Real(suite);
    EXPECT_EQ(catalog.suite, suite);
    all.insert(all.end(), catalog.scenarios.begin(), catalog.scenarios.end());
  }
  EXPECT_FALSE(all.empty());
  return all;
}

TEST(Catalog, IdsAreUniqueAndOfAKnownArea) {
  // x: beyond the documents; cli, cluster: the documents' own commands; psa:
  // Pod Security admission; quick: a look at a cluster.
  const std::set<std::string> kAreas = {
      "apparmor", "x", "cli", "cluster", "psa", "quick", "seccomp"};
  std::set<std::string> ids;
  for (const auto& suite : SuiteNames(kHome)) {
    std::set<std::string> tests;
    for (const auto& scenario : Real(suite).scenarios) {
      EXPECT_TRUE(ids.insert(scenario.id).second) << scenario.id;
      EXPECT_TRUE(tests.insert(scenario.TestName()).second) << scenario.id;
      EXPECT_TRUE(kAreas.contains(scenario.id.substr(0, scenario.id.find('.'))))
          << scenario.id;
      EXPECT_EQ(scenario.Name().find_first_not_of(
                    "abcdefghijklmnopqrstuvwxyz0123456789-"),
                std::string::npos)
          << scenario.id;
    }
  }
}

TEST(Catalog, EveryScenarioSaysWhatItIsFor) {
  const std::set<std::string> kinds = {"control", "label", "filter", "effect",
                                       "trace",   "api",   "node"};
  for (const auto& scenario : All()) {
    EXPECT_TRUE(!scenario.statements.empty() || scenario.id.starts_with("x.") ||
                scenario.document == "No document says so.")
        << scenario.id;
    EXPECT_FALSE(scenario.claim.empty()) << scenario.id;
    EXPECT_FALSE(scenario.document.empty()) << scenario.id;
    EXPECT_FALSE(scenario.expect.empty()) << scenario.id;
    for (const auto& [range, text] : scenario.expect) {
      EXPECT_TRUE(VersionRange::Parse(range)) << scenario.id << ": " << range;
    }
    EXPECT_FALSE(scenario.why.empty()) << scenario.id;
    EXPECT_GT(scenario.deadline, 0s) << scenario.id;
    EXPECT_THAT(scenario.evidence, Contains("control")) << scenario.id;
    for (const auto& kind : scenario.evidence) {
      EXPECT_TRUE(kinds.contains(kind)) << scenario.id << ": " << kind;
    }
  }
}

TEST(Catalog, FixturesAndProfilesExist) {
  for (const auto& scenario : All()) {
    for (const auto& fixture : scenario.fixtures) {
      EXPECT_TRUE(fs::is_regular_file(kHome / fixture))
          << scenario.id << ": " << fixture;
    }
    for (const auto& file : scenario.seccomp) {
      EXPECT_TRUE(fs::is_regular_file(kHome / "profiles/seccomp" / file))
          << scenario.id << ": " << file;
    }
    for (const auto* names : {&scenario.profiles, &scenario.withheld}) {
      for (const auto& name : *names) {
        EXPECT_TRUE(fs::is_regular_file(kHome / "profiles/apparmor" / name))
            << scenario.id << ": " << name;
      }
    }
  }
}

// Profiles are loaded once for a whole suite, so what any case wants loaded,
// no other may want missing.
TEST(Catalog, NothingIsBothLoadedAndWithheld) {
  for (const auto& suite : SuiteNames(kHome)) {
    const auto scenarios = Real(suite).scenarios;
    const auto loaded = ProfilesOf(scenarios);
    for (const auto& scenario : scenarios) {
      for (const auto& name : scenario.withheld) {
        EXPECT_EQ(std::count(loaded.begin(), loaded.end(), name), 0)
            << scenario.id << ": " << name;
      }
    }
  }
}

TEST(Catalog, TheLongestStartFirstAndThoseThatRunAloneLast) {
  const auto scenarios = Real().scenarios;
  EXPECT_LE(scenarios.front().seconds, 1);
  EXPECT_TRUE(std::is_sorted(std::next(scenarios.begin()), scenarios.end(),
                             [](const Scenario& a, const Scenario& b) {
                               if (a.exclusive != b.exclusive) {
                                 return b.exclusive;
                               }
                               return a.seconds > b.seconds;
                             }));
}

TEST(Catalog, ProfilesOfNamesEachOnce) {
  Scenario a, b;
  a.profiles = {"y", "x"};
  b.profiles = {"x", "z"};
  EXPECT_THAT(ProfilesOf({a, b}), ElementsAre("x", "y", "z"));
}

TEST(Catalog, AnUnknownSuiteIsAUsageErrorThatNamesTheKnown) {
  for (const auto* name : {"aparmor", "probes", "support", "", ".."}) {
    const auto catalog = LoadCatalog(kHome, name);
    ASSERT_FALSE(catalog) << name;
    EXPECT_EQ(catalog.error().kind, ErrorKind::kUsage);
    EXPECT_THAT(catalog.error().what, HasSubstr("known: apparmor"));
  }
}

class CatalogFile : public ::testing::Test {
 protected:
  // One file of the real catalog after `change`, loaded.
  template <typename Change>
  Result<Catalog> Load(Change&& change) {
    LAB_TRY(const auto home, TempDir::In(testing::TempDir(), "catalog-"));
    const Path directory = home.path() / "suites/apparmor/catalog";
    LAB_CHECK_OK(MakeDirectories(directory));
    auto j = json::parse(*ReadFile(kHome / kFile));
    change(j);
    LAB_CHECK_OK(WriteFile(directory / "confinement.json", j.dump()));
    return LoadCatalog(home.path(), "apparmor");
  }

  static constexpr const char* kFile =
      "suites/apparmor/catalog/confinement.json";
};

TEST_F(CatalogFile, RefusesUnknownFields) {
  for (const auto* place : {"", "/cases/3"}) {
    const auto catalog =
        Load([&](json& j) { j[json::json_pointer(place)]["timeout"] = 3; });
    ASSERT_FALSE(catalog) << place;
    EXPECT_THAT(catalog.error().what, HasSubstr("unknown field \"timeout\""));
    EXPECT_THAT(catalog.error().what, HasSubstr("confinement.json"));
  }
}

TEST_F(CatalogFile, RefusesMissingFieldsAndOtherTypes) {
  const auto fields = json::parse(*ReadFile(kHome / kFile))["cases"][0];
  for (const auto& [field, value] : fields.items()) {
    EXPECT_FALSE(Load([&, name = field](json& j) {
      j["cases"][0].erase(name);
    })) << field;
    const auto catalog =
        Load([&, name = field](json& j) { j["cases"][0][name] = {7}; });
    ASSERT_FALSE(catalog) << field;
    EXPECT_THAT(catalog.error().what, HasSubstr("confinement.json"));
  }
}

TEST(Scenario, TestNameIsItsNameInCamelCase) {
  const auto name = [](const std::string& id) {
    Scenario scenario;
    scenario.id = id;
    return scenario.TestName();
  };
  EXPECT_EQ(name("apparmor.enforce-deny-write"), "EnforceDenyWrite");
  EXPECT_EQ(name("apparmor.unconfined"), "Unconfined");
  EXPECT_EQ(name("s.a-2-b"), "A2B");
  EXPECT_EQ(name("s.1st"), "1st");
}

std::vector<std::string> Selected(const std::string& glob) {
  const auto selected = SelectScenarios(Real(), glob);
  EXPECT_TRUE(selected) << selected.error().what;
  std::vector<std::string> names;
  for (const auto& scenario : *selected) names.push_back(scenario.Name());
  return names;
}

TEST(SelectScenarios, TakesGlobsOfIdAndName) {
  const auto all = Real().scenarios.size();
  EXPECT_EQ(Selected("").size(), all);
  EXPECT_EQ(Selected("*").size(), all);
  EXPECT_EQ(Selected("apparmor.*").size() + Selected("x.*").size() +
                Selected("c*.*").size(),
            all);
  EXPECT_THAT(Selected("enforce-deny-write"),
              ElementsAre("enforce-deny-write"));
  EXPECT_THAT(Selected("apparmor.unconfined"), ElementsAre("unconfined"));
  EXPECT_THAT(Selected("runtime-default,enforce-*"),
              UnorderedElementsAre("runtime-default", "enforce-deny-write"));
  EXPECT_THAT(Selected("complain-*"),
              ElementsAre("complain-no-allow", "complain-deny-still-enforced"));
  EXPECT_THAT(Selected("no-such-*"), IsEmpty());
}

TEST(SelectScenarios, AWordThatMatchesNothingListsTheClosest) {
  const auto none = SelectScenarios(Real(), "apparmor.enforce-deny-writ");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kUsage);
  EXPECT_THAT(none.error().what,
              HasSubstr("closest: apparmor.enforce-deny-write,"));
}

TEST(FindScenario, TakesIdOrName) {
  for (const auto* id : {"apparmor.log-denied", "log-denied"}) {
    const auto found = FindScenario(kHome, id);
    ASSERT_TRUE(found) << found.error().what;
    EXPECT_EQ(found->id, "apparmor.log-denied");
  }
}

TEST(FindScenario, AnUnknownIdListsTheClosest) {
  const auto none = FindScenario(kHome, "apparmor.log-denid");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kUsage);
  EXPECT_THAT(none.error().what, HasSubstr("closest: apparmor.log-denied,"));
}

TEST(FindHome, IsWhereTheEnvironmentSays) {
  const char* const variable = "CONFINEMENT_LAB_HOME";
  ::setenv(variable, LAB_SOURCE_DIR, 1);
  EXPECT_EQ(FindHome().value_or("?"), kHome);
  ::setenv(variable, "/no/such/home", 1);
  const auto none = FindHome();
  ::unsetenv(variable);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kUsage);
  EXPECT_THAT(none.error().what, HasSubstr("/no/such/home"));
}

}  // namespace
}  // namespace lab
