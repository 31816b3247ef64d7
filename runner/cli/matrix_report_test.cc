// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/matrix_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runner/cli/test_matrix.h"

namespace lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

MatrixColumn NotRun(const std::string& name) {
  auto column = Column(name, 0, {std::nullopt, std::nullopt});
  column.run.id.clear();
  column.run.end.reset();
  return column;
}

MatrixColumn Killed(const std::string& name) {
  auto column = NotRun(name);
  column.run.id = "r1";
  return column;
}

TEST(MatrixExit, IsTheWorstOfAll) {
  struct {
    std::vector<int> exits;
    ExitCode worst;
  } const cases[] = {
      {{}, ExitCode::kNothingRan},       {{0, 0}, ExitCode::kOk},
      {{0, 4}, ExitCode::kNothingRan},   {{4, 3, 0}, ExitCode::kError},
      {{3, 5, 0}, ExitCode::kProvision}, {{5, 1, 3}, ExitCode::kFail},
      {{0, 2}, ExitCode::kProvision},  // a plan that no longer holds
      {{0, 70}, ExitCode::kError},
  };
  for (const auto& one : cases) {
    std::vector<MatrixColumn> matrix;
    for (const int exit : one.exits) matrix.push_back(Column("x", exit));
    EXPECT_EQ(WorstOf(matrix), one.worst) << testing::PrintToString(one.exits);
  }
}

TEST(MatrixExit, OfACombinationWithoutAnEndIsAnError) {
  EXPECT_EQ(WorstOf({Column("a", 0), NotRun("b")}), ExitCode::kError);
  auto interrupted = Column("a", 130);
  interrupted.run.end->interrupted = 2;
  EXPECT_EQ(WorstOf({interrupted}), ExitCode::kError);
}

TEST(MatrixTroubles, OfOneReasonAreOne) {
  const auto troubles = TroublesOf(
      {Column("a", 1, {Verdict::kPass, Verdict::kFail, Verdict::kSkip}),
       Column("b", 5, {Verdict::kError, Verdict::kError, Verdict::kError}),
       Killed("c"), NotRun("d")});
  ASSERT_THAT(troubles, SizeIs(3));
  EXPECT_EQ(troubles[0].combination, "a");
  EXPECT_EQ(troubles[0].word, "FAIL");
  EXPECT_EQ(troubles[0].id, "s.case-1");
  EXPECT_EQ(troubles[0].headline, "because");
  EXPECT_THAT(troubles[0].also, IsEmpty());
  EXPECT_THAT(troubles[0].reproduce, HasSubstr("--filter case-1"));
  EXPECT_THAT(troubles[1].also, ElementsAre("case-1", "case-2"));
  EXPECT_EQ(troubles[2].word, "NOT RUN");
  EXPECT_THAT(troubles[2].also, ElementsAre("case-1"));
}

TEST(MatrixTroubles, OfTwoReasonsAreTwo) {
  auto column = Column("a", 1, {Verdict::kFail, Verdict::kFail});
  column.run.cases[1].reason = "something else";
  EXPECT_THAT(TroublesOf({column}), SizeIs(2));
}

TEST(MatrixSummary, NamesAFewOfManyCases) {
  const std::vector<std::optional<Verdict>> errors(9, Verdict::kError);
  const auto lines = MatrixSummary({Column("a", 5, errors)}, "/r", "/r/j.xml");
  EXPECT_EQ(lines.front().text,
            "s.case-0 [a], also case-1, case-2, case-3, case-4 and 4 more");
}

TEST(MatrixSummary, EndsWithTheTotals) {
  const auto lines = MatrixSummary(
      {Column("a", 1, {Verdict::kPass, Verdict::kFail}), NotRun("b")}, "/r",
      "/elsewhere/j.xml");
  EXPECT_EQ(lines.back().style, Style::kBad);
  EXPECT_EQ(lines.back().text,
            "1 passed, 1 failed, 2 not run in 2 combinations, 10.0 s");
  std::string all;
  for (const auto& line : lines) all += line.mark + line.text + "\n";
  EXPECT_THAT(all, HasSubstr("FAIL  s.case-1 [a]\n      because\n"
                             "      reproduce: build/runner --suite s "
                             "--filter case-1\n"));
  EXPECT_THAT(all, HasSubstr("NOT RUN  b\n"));
  EXPECT_THAT(
      all, HasSubstr("junit    /elsewhere/j.xml\nreport   /r/report.html\n"));
}

TEST(MatrixSummary, IsGoodOnlyIfSomethingPassed) {
  EXPECT_EQ(MatrixSummary({Column("a", 0, {Verdict::kPass})}, "/r", "/r/j.xml")
                .back()
                .style,
            Style::kGood);
  EXPECT_EQ(MatrixSummary({Column("a", 4, {Verdict::kSkip})}, "/r", "/r/j.xml")
                .back()
                .style,
            Style::kWarning);
}

TEST(MatrixMarkdown, IsATableInWhichBadIsBold) {
  auto bad = Column("a|b", 1, {Verdict::kPass, Verdict::kFail});
  bad.run.facts["kernel"] = "6.12";
  const auto text = MatrixMarkdown("s nightly", {"s.case-0", "s.case-1"},
                                   {bad, Column("c", 0, {Verdict::kPass})});
  EXPECT_THAT(text, HasSubstr("# s nightly\n"));
  EXPECT_THAT(text, HasSubstr("| case | a\\|b | c |\n| --- | --- | --- |\n"
                              "| case-0 | pass | pass |\n"
                              "| case-1 | **FAIL** | - |\n"));
  EXPECT_THAT(text, HasSubstr("| a\\|b | finished |  |  |  |  | 6.12 |\n"));
  EXPECT_THAT(text, HasSubstr("- **FAIL** s.case-1 [a|b]: because\n"));
  EXPECT_THAT(MatrixMarkdown("t", {}, {NotRun("d"), NotRun("e")}),
              HasSubstr("- **NOT RUN** d, e\n"));
  EXPECT_THAT(MatrixMarkdown("t", {}, {}), Not(HasSubstr("went wrong")));
}

TEST(MatrixResults, AreStateExitAndVerdicts) {
  const auto results = MatrixResults(
      {Column("a", 1, {Verdict::kPass, Verdict::kFail}), NotRun("b")});
  EXPECT_EQ(results.at("a"),
            nlohmann::json::parse(
                R"({"state": "finished", "seconds": 10.0, "exit": 1,
                    "verdicts": {"s.case-0": "pass", "s.case-1": "fail"}})"));
  EXPECT_EQ(results.at("b").at("state"), "not run");
  EXPECT_TRUE(results.at("b").at("exit").is_null());
  EXPECT_TRUE(results.at("b").at("verdicts").at("s.case-0").is_null());
}

TEST(MatrixTotals, OfNothingSaysSo) {
  EXPECT_THAT(MatrixTotals({}), HasSubstr("no case ran in 0 combinations"));
}

}  // namespace
}  // namespace lab
