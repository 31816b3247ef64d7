// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/known_issues.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runner/base/clock.h"
#include "runner/cli/catalog.h"

namespace lab {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const Path kHome = LAB_SOURCE_DIR;

// The day on which an entry of the repository has expired, this test fails:
// look at it again, then renew or remove it.
TEST(KnownIssues, OfTheRepositoryNameScenariosAndHaveNotExpired) {
  const auto today = TimestampUtc().substr(0, 10);
  for (const auto& suite : SuiteNames(kHome)) {
    ASSERT_TRUE(std::filesystem::exists(kHome / "suites" / suite /
                                        "known-issues.json"));
    const auto issues = LoadKnownIssuesFor(kHome, suite, "");
    ASSERT_TRUE(issues) << issues.error().what;
    for (const auto& issue : *issues) {
      EXPECT_FALSE(HasExpired(issue, today))
          << issue.scenario << " (" << issue.link << ") expired on "
          << issue.expires;
    }
  }
}

json Entry() {
  return {{"scenario", "s.a"},
          {"reason", "writes go through"},
          {"link", "https://bugs.example/1"},
          {"expires", "2026-11-30"}};
}

class KnownIssuesFile : public ::testing::Test {
 protected:
  void SetUp() override {
    auto made = TempDir::In(testing::TempDir(), "known-");
    ASSERT_TRUE(made);
    directory_.emplace(std::move(*made));
  }

  Result<std::vector<KnownIssue>> Load(const std::string& text) {
    const Path file = directory_->path() / "known.json";
    LAB_CHECK_OK(WriteFile(file, text));
    return LoadKnownIssues(file, {"s.a", "s.b"});
  }
  Result<std::vector<KnownIssue>> Load(const json& entry) {
    return Load(json{{"issues", {Entry(), entry}}}.dump());
  }
  // The second of two entries, the first being good, after `change`.
  template <typename Change>
  std::string ErrorAfter(Change&& change) {
    json entry = Entry();
    change(entry);
    const auto loaded = Load(entry);
    if (loaded) return "";
    EXPECT_EQ(loaded.error().kind, ErrorKind::kUsage);
    EXPECT_THAT(loaded.error().what, HasSubstr("known.json: entry 2: "));
    return loaded.error().what;
  }

  std::optional<TempDir> directory_;
};

TEST_F(KnownIssuesFile, TakesEveryAxis) {
  json entry = Entry();
  entry.update({{"kubernetes", ">=1.24 <1.31"},
                {"kernel", ">=6.12"},
                {"runtime", "crun >=1.8"},
                {"node-os", "trixie"}});
  const auto issues = Load(entry);
  ASSERT_TRUE(issues) << issues.error().what;
  ASSERT_THAT(*issues, SizeIs(2));
  EXPECT_EQ((*issues)[1].kubernetes->text(), ">=1.24 <1.31");
  EXPECT_EQ((*issues)[1].runtime, "crun");
  EXPECT_EQ((*issues)[1].runtime_versions->text(), ">=1.8");
  EXPECT_EQ((*issues)[1].file.filename(), "known.json");
}

TEST_F(KnownIssuesFile, EveryMistakeIsNamed) {
  for (const auto* field : {"scenario", "reason", "link", "expires"}) {
    EXPECT_THAT(ErrorAfter([&](json& j) { j.erase(field); }),
                AllOf(HasSubstr(field), HasSubstr("is missing")));
    EXPECT_THAT(ErrorAfter([&](json& j) { j[field] = " "; }),
                HasSubstr("is empty"));
    EXPECT_THAT(ErrorAfter([&](json& j) { j[field] = 7; }),
                HasSubstr("is no text"));
  }
  EXPECT_THAT(ErrorAfter([](json& j) { j["scenario"] = "s.c"; }),
              HasSubstr("unknown scenario \"s.c\"; closest: s."));
  EXPECT_THAT(ErrorAfter([](json& j) { j["os"] = "trixie"; }),
              HasSubstr("unknown field \"os\""));
  EXPECT_THAT(ErrorAfter([](json& j) { j["kernel"] = "6.12"; }),
              HasSubstr("\"kernel\": version range \"6.12\""));
  EXPECT_THAT(ErrorAfter([](json& j) { j["runtime"] = "youki >=1.0"; }),
              HasSubstr("unknown \"youki\"; known: containerd, crun, runc"));
  EXPECT_THAT(ErrorAfter([](json& j) { j["runtime"] = "crun 1.8"; }),
              HasSubstr("\"runtime\": version range"));
  for (const auto* date :
       {"2026-02-30", "2026-13-01", "2026-1-1", "soon", "20261130"}) {
    EXPECT_THAT(ErrorAfter([&](json& j) { j["expires"] = date; }),
                HasSubstr("is no date"))
        << date;
  }
}

TEST_F(KnownIssuesFile, MustBeAnObjectWithAList) {
  for (const auto* text :
       {"", "[]", "{}", "{\"issues\": 3}", "{\"issues\": [], \"more\": 1}"}) {
    const auto loaded = Load(std::string(text));
    ASSERT_FALSE(loaded) << text;
    EXPECT_EQ(loaded.error().kind, ErrorKind::kUsage) << text;
    EXPECT_THAT(loaded.error().what, HasSubstr("known.json"));
  }
  const auto missing = LoadKnownIssues("/no/such/list.json", {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kUsage);
}

const Facts kFacts = {{"kubelet", "v1.36.3"},
                      {"kernel", "6.12.43+deb13-amd64"},
                      {"runtime", "containerd://2.4.2"},
                      {"default-runtime", "crun"},
                      {"crun", "crun version 1.21"},
                      {"runc", "runc version 1.1.15"},
                      {"node-os", "trixie"},
                      {"old.kernel", "6.1.0-40-amd64"},
                      {"old.node-os", "bookworm"}};

class KnownIssueHolds : public KnownIssuesFile {
 protected:
  bool Holds(const json& axes, const std::string& node = "") {
    json entry = Entry();
    entry.update(axes);
    const auto issues = Load(entry);
    if (issues) return HoldsIn(issues->back(), kFacts, node);
    ADD_FAILURE() << issues.error().what;
    return false;
  }
};

TEST_F(KnownIssueHolds, WhereEveryAxisDoes) {
  EXPECT_TRUE(Holds(json::object()));
  EXPECT_TRUE(Holds({{"kubernetes", ">=1.24"}, {"kernel", ">=6.12"}}));
  EXPECT_FALSE(Holds({{"kubernetes", ">=1.24"}, {"kernel", "<6.12"}}));
  EXPECT_FALSE(Holds({{"kubernetes", "<1.36"}}));
  EXPECT_TRUE(Holds({{"runtime", "crun"}}));
  EXPECT_TRUE(Holds({{"runtime", "crun >=1.8"}}));
  EXPECT_FALSE(Holds({{"runtime", "crun <1.8"}}));
  EXPECT_FALSE(Holds({{"runtime", "runc"}})) << "it is there, but not used";
  EXPECT_TRUE(Holds({{"runtime", "containerd >=2.0 <3.0"}}));
  EXPECT_FALSE(Holds({{"runtime", "containerd <2.0"}}));
  EXPECT_FALSE(Holds({{"node-os", "bookworm"}}));
}

TEST_F(KnownIssueHolds, ByTheFactsOfTheNodeWhereItHasItsOwn) {
  EXPECT_TRUE(Holds({{"node-os", "bookworm"}, {"kernel", "<6.12"}}, "old"));
  EXPECT_TRUE(Holds({{"kubernetes", "=1.36"}}, "old"));
  EXPECT_FALSE(Holds({{"kernel", ">=6.12"}}, "old"));
}

KnownIssue Issue(const std::string& expires) {
  KnownIssue issue;
  issue.scenario = "s.a";
  issue.reason = "writes go through";
  issue.link = "https://bugs.example/1";
  issue.expires = expires;
  issue.file = "list.json";
  return issue;
}

std::optional<Ruling> On(Verdict verdict, const std::string& today,
                         const std::string& scenario = "s.a") {
  return RuleOn({Issue("2026-11-30")}, scenario, verdict, "errno 0", {}, "",
                today);
}

TEST(KnownIssueRuling, AFailureIsKnownUntilTheEntryExpires) {
  for (const auto* day : {"2026-01-01", "2026-11-30"}) {
    const auto ruling = On(Verdict::kFail, day);
    ASSERT_TRUE(ruling) << day;
    EXPECT_EQ(ruling->verdict, Verdict::kKnown);
    EXPECT_EQ(ruling->reason,
              "writes go through (https://bugs.example/1, until 2026-11-30); "
              "seen: errno 0");
  }
  const auto late = On(Verdict::kFail, "2026-12-01");
  ASSERT_TRUE(late);
  EXPECT_EQ(late->verdict, Verdict::kFail);
  EXPECT_THAT(late->reason,
              AllOf(HasSubstr("expired on 2026-11-30"), HasSubstr("list.json"),
                    HasSubstr("saw: errno 0")));
}

TEST(KnownIssueRuling, APassIsFixedUntilTheEntryExpires) {
  const auto ruling = On(Verdict::kPass, "2026-11-30");
  ASSERT_TRUE(ruling);
  EXPECT_EQ(ruling->verdict, Verdict::kFixed);
  EXPECT_TRUE(IsBad(ruling->verdict));
  EXPECT_THAT(ruling->reason, HasSubstr("remove its entry from list.json"));
  EXPECT_FALSE(On(Verdict::kPass, "2026-12-01"));
}

TEST(KnownIssueRuling, NothingElseIsEverKnown) {
  EXPECT_FALSE(On(Verdict::kError, "2026-11-01"));
  EXPECT_FALSE(On(Verdict::kSkip, "2026-11-01"));
  EXPECT_FALSE(On(Verdict::kFail, "2026-11-01", "s.b"));
}

TEST(KnownIssueRuling, AnEntryThatStillHoldsOutweighsOneThatExpired) {
  const auto ruling = RuleOn({Issue("2026-01-01"), Issue("2026-12-31")}, "s.a",
                             Verdict::kFail, "errno 0", {}, "", "2026-11-01");
  ASSERT_TRUE(ruling);
  EXPECT_EQ(ruling->verdict, Verdict::kKnown);
}

}  // namespace
}  // namespace lab
