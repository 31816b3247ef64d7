// SPDX-License-Identifier: Apache-2.0
#include "runner/report/record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runner/base/files.h"

namespace lab {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kRun =
    R"({"event":"run","t":100,"id":"k3f9","suite":"apparmor",)"
    R"("started":"2026-05-04T03:02:01","version":"0.1.0","argv":["-x","a b"],)"
    R"("cases":["apparmor.a","apparmor.b"]})"
    "\n"
    R"({"event":"claim","t":100,"id":"apparmor.a","text":"writes are denied",)"
    R"("expect":[{"kubernetes":">=1.4","text":"EACCES"}],)"
    R"("statements":[{"id":"S0-26","document":"tutorial","text":"no"}]})"
    "\n"
    R"({"event":"facts","t":101,"facts":{"lsm":"apparmor,bpf — ✓"}})"
    "\n"
    R"({"event":"phase-start","t":101,"phase":"parts","text":"looking"})"
    "\n"
    R"({"event":"phase-end","t":102,"phase":"parts","ok":true,"seconds":1.5})"
    "\n"
    R"({"event":"case-start","t":103,"id":"apparmor.a","node":"n1"})"
    "\n"
    R"({"event":"evidence","t":104,"id":"apparmor.a","kind":"label",)"
    R"("text":"lab-deny-write"})"
    "\n"
    R"({"event":"check-failed","t":105,"id":"apparmor.a","verdict":"fail",)"
    R"("text":"touch succeeded\nexpected EACCES","file":"x_test.cc","line":12})"
    "\n"
    R"({"event":"case-end","t":106,"id":"apparmor.a","verdict":"fail",)"
    R"("seconds":3.25})"
    "\n"
    R"({"event":"case-start","t":107,"id":"apparmor.b"})"
    "\n"
    R"({"event":"run-end","t":109,"exit":130,"seconds":9.5,"interrupted":2})"
    "\n";

RunState Read(std::string_view text) {
  auto run = ReadRun(text);
  if (run) return *run;
  ADD_FAILURE() << run.error().what;
  return {};
}

CaseState Ended(Verdict verdict, const std::string& reason,
                std::vector<FailedCheck> checks) {
  CaseState c;
  c.verdict = verdict;
  c.reason = reason;
  c.failed_checks = std::move(checks);
  return c;
}

TEST(Verdict, EveryOneHasItsSpelling) {
  for (const auto verdict :
       {Verdict::kPass, Verdict::kFail, Verdict::kSkip, Verdict::kError,
        Verdict::kKnown, Verdict::kFixed}) {
    EXPECT_EQ(VerdictFrom(ToString(verdict)), verdict);
  }
  EXPECT_EQ(VerdictFrom("PASS"), std::nullopt);
}

TEST(RunState, KnowsTheRun) {
  const auto run = Read(kRun);
  EXPECT_EQ(run.id, "k3f9");
  EXPECT_EQ(run.suite, "apparmor");
  EXPECT_EQ(run.facts.at("lsm"), "apparmor,bpf — ✓");
  ASSERT_EQ(run.phases.size(), 1u);
  EXPECT_EQ(run.phases[0].ok, true);
  ASSERT_TRUE(run.end);
  EXPECT_EQ(run.end->interrupted, 2);
  EXPECT_EQ(run.Seconds(), 9.5);
}

TEST(RunState, KnowsWhatACaseClaims) {
  const auto run = Read(kRun);
  const auto* a = run.Find("apparmor.a");
  ASSERT_TRUE(a);
  EXPECT_EQ(a->claim, "writes are denied");
  EXPECT_EQ(a->expect.at(0).kubernetes, ">=1.4");
  EXPECT_EQ(a->expect.at(0).text, "EACCES");
  EXPECT_EQ(a->statements.at(0).id, "S0-26");
  EXPECT_EQ(a->statements.at(0).document, "tutorial");
  EXPECT_EQ(a->statements.at(0).text, "no");
}

TEST(RunState, KnowsHowFarEachCaseCame) {
  const auto run = Read(kRun);
  const auto* a = run.Find("apparmor.a");
  const auto* b = run.Find("apparmor.b");
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->verdict, Verdict::kFail);
  EXPECT_EQ(a->node, "n1");
  EXPECT_EQ(a->seconds, 3.25);
  EXPECT_EQ(a->evidence.at(0).kind, "label");
  EXPECT_EQ(a->failed_checks.at(0).line, 12);
  EXPECT_TRUE(b->running());
  EXPECT_EQ(run.Count(Verdict::kFail), 1u);
  EXPECT_EQ(run.CountUnfinished(), 1u);
}

TEST(RunState, MergesFactsAndKeepsTheOrderOfTheSelection) {
  RunState run;
  ASSERT_TRUE(run.Apply(
      json::parse(R"({"event":"run","t":1,"id":"x","suite":"s","started":"",)"
                  R"("cases":["s.z","s.a"]})")));
  for (const auto& facts : {json{{"k", "1"}, {"l", "1"}}, json{{"k", "2"}}}) {
    ASSERT_TRUE(run.Apply({{"event", "facts"}, {"t", 2}, {"facts", facts}}));
  }
  ASSERT_TRUE(run.Apply({{"event", "case-start"}, {"t", 3}, {"id", "s.new"}}));
  EXPECT_EQ(run.facts,
            (std::map<std::string, std::string>{{"k", "2"}, {"l", "1"}}));
  std::vector<std::string> ids;
  for (const auto& c : run.cases) ids.push_back(c.id);
  EXPECT_THAT(ids, ElementsAre("s.z", "s.a", "s.new"));
}

TEST(RunState, TakesTheLastVerdictOfACase) {
  auto run = Read(kRun);
  ASSERT_TRUE(run.Apply({{"event", "case-end"},
                         {"t", 110},
                         {"id", "apparmor.a"},
                         {"verdict", "known"},
                         {"reason", "issue 12"},
                         {"seconds", 3.25}}));
  EXPECT_EQ(run.Find("apparmor.a")->verdict, Verdict::kKnown);
}

TEST(RunState, CaseThatBeginsAgainHasNoVerdict) {
  auto run = Read(kRun);
  ASSERT_TRUE(
      run.Apply({{"event", "case-start"}, {"t", 110}, {"id", "apparmor.a"}}));
  EXPECT_TRUE(run.Find("apparmor.a")->running());
}

TEST(RunState, WithoutAnEndLastsUntilItsLastRecord) {
  const std::string_view text = kRun;
  EXPECT_EQ(Read(text.substr(0, text.find("{\"event\":\"run-end"))).Seconds(),
            7);
}

TEST(RunState, RefusesRecordsThatBreakTheContractAndStaysAsItWas) {
  auto run = Read(kRun);
  for (const auto* text :
       {R"({"t":1})", R"({"event":"run-end","exit":0,"seconds":1})",
        R"({"event":"case-stop","t":1,"id":"apparmor.b"})",
        R"({"event":"case-end","t":1,"id":"apparmor.b","verdict":"green",)"
        R"("seconds":1})",
        R"({"event":"case-end","t":1,"id":"apparmor.b","verdict":"pass",)"
        R"("seconds":"long"})",
        R"({"event":"facts","t":1,"facts":{"new":"yes","kernel":6}})"}) {
    EXPECT_FALSE(run.Apply(json::parse(text))) << text;
  }
  EXPECT_EQ(run.CountUnfinished(), 1u);
  EXPECT_EQ(run.facts.size(), 1u);
  EXPECT_EQ(run.last_t, 109);
}

TEST(RunState, NamesTheRecordItRefuses) {
  RunState run;
  const auto status = run.Apply(json{{"event", "case-stop"}, {"t", 1}});
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().what, HasSubstr("unknown event 'case-stop'"));
}

TEST(Headline, PrefersTheCheckThatAgreesWithTheVerdict) {
  const FailedCheck fail = {Verdict::kFail, "label is wrong\nmore", "", 0};
  const FailedCheck error = {Verdict::kError, "exec timed out", "", 0};
  EXPECT_EQ(Ended(Verdict::kFail, "", {error, fail}).Headline(),
            "label is wrong");
  EXPECT_EQ(Ended(Verdict::kError, "", {fail, error}).Headline(),
            "exec timed out");
  EXPECT_EQ(Ended(Verdict::kError, "signal 11", {fail}).Headline(),
            "signal 11");
  EXPECT_EQ(Ended(Verdict::kKnown, "", {fail}).Headline(), "label is wrong");
  EXPECT_EQ(Ended(Verdict::kPass, "", {}).Headline(), "");
}

TEST(Reproduce, NamesSuiteFilterAndOptions) {
  RunState run;
  run.suite = "apparmor";
  EXPECT_EQ(run.Reproduce("apparmor.enforce-deny-write"),
            "build/runner --suite apparmor --filter enforce-deny-write");
  run.facts["reproduce-options"] = "--kubernetes 1.36.3 --config x";
  EXPECT_EQ(run.Reproduce("x.kill-mode"),
            "build/runner --suite apparmor --filter kill-mode "
            "--kubernetes 1.36.3 --config x");
}

TEST(Repeat, IsTheCommandAsItWasGiven) {
  EXPECT_EQ(Read(kRun).Repeat(), "build/runner -x 'a b'");
}

// The property that lets anyone read the records of a run that goes on, or of
// one that was killed: every beginning of the file reads as its whole lines.
TEST(ParseRecords, DropsOnlyTheTornLineAtEveryLength) {
  const std::string_view text = kRun;
  for (std::size_t length = 0; length <= text.size(); ++length) {
    const auto part = text.substr(0, length);
    const auto records = ParseRecords(part);
    ASSERT_TRUE(records) << length << ": " << records.error().what;
    const auto newlines =
        static_cast<std::size_t>(std::count(part.begin(), part.end(), '\n'));
    const bool lacks_only_newline =
        length < text.size() && text[length] == '\n';
    EXPECT_EQ(records->size(), newlines + (lacks_only_newline ? 1 : 0))
        << length;
    EXPECT_TRUE(ReadRun(part)) << length;
  }
}

TEST(ParseRecords, NamesABadLineElsewhere) {
  for (const auto* text :
       {"{\"event\":\"x\"}\n{\"ev\n{}\n", "{}\n[]\n", "{}\n\n{}", "{}\n{\n"}) {
    const auto records = ParseRecords(text);
    ASSERT_FALSE(records) << text;
    EXPECT_THAT(records.error().what, HasSubstr("line 2"));
  }
}

class RecordFile : public ::testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::In(std::filesystem::temp_directory_path(), "records-");
    ASSERT_TRUE(dir) << dir.error().what;
    dir_.emplace(std::move(*dir));
  }
  Path path() const { return dir_->path() / "records.jsonl"; }
  std::string Content() const { return ReadFile(path()).value_or(""); }

 private:
  std::optional<TempDir> dir_;
};

TEST_F(RecordFile, HasOneStampedLinePerRecord) {
  const RecordWriter writer(path());
  ASSERT_TRUE(writer.Write({{"event", "evidence"}, {"text", "a\nb"}}));
  ASSERT_TRUE(writer.Write({{"event", "run-end"}}));
  const auto records = ParseRecords(Content());
  ASSERT_TRUE(records) << records.error().what;
  ASSERT_EQ(records->size(), 2u);
  EXPECT_EQ(records->at(0).at("text"), "a\nb");
  EXPECT_GT(records->at(1).at("t").get<double>(), 1.7e9);
}

TEST_F(RecordFile, TakesBytesThatAreNotText) {
  const RecordWriter writer(path());
  ASSERT_TRUE(writer.Write({{"event", "evidence"}, {"text", "\xff\x1b[2J"}}));
  const auto records = ParseRecords(Content());
  ASSERT_TRUE(records) << records.error().what;
  EXPECT_EQ(records->at(0).at("text"), "\xEF\xBF\xBD\x1b[2J");
}

TEST_F(RecordFile, GoesOnAfterATornLine) {
  const RecordWriter writer(path());
  ASSERT_TRUE(WriteFile(path(), "{\"event\":\"a\"}\n{\"event\":\"b"));
  ASSERT_TRUE(writer.DropTornLine());
  ASSERT_TRUE(writer.Write({{"event", "c"}}));
  const auto records = ParseRecords(Content());
  ASSERT_TRUE(records) << records.error().what;
  ASSERT_EQ(records->size(), 2u);
  EXPECT_EQ(records->at(1).at("event"), "c");
}

TEST_F(RecordFile, LosesNothingWhenNoLineIsTorn) {
  const RecordWriter writer(path());
  ASSERT_TRUE(WriteFile(path(), "{\"event\":\"a\"}\n"));
  ASSERT_TRUE(writer.DropTornLine());
  EXPECT_EQ(Content(), "{\"event\":\"a\"}\n");
}

}  // namespace
}  // namespace lab
