// SPDX-License-Identifier: Apache-2.0
#include "runner/report/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

void Add(RunState& run, const std::string& id, std::optional<Verdict> verdict,
         double seconds, const std::string& reason = "") {
  auto& c = run.cases.emplace_back();
  c.id = id;
  c.verdict = verdict;
  c.seconds = seconds;
  c.reason = reason;
}

RunState SomeRun() {
  RunState run;
  run.id = "k3f9";
  run.suite = "s";
  run.end = RunEnd{1, 12, 0};
  return run;
}

std::string Shown(const RunState& run) {
  std::string text;
  for (const auto& line :
       SummaryLines(run, {"r/junit.xml", "r/report.html", "r/records.jsonl"})) {
    text += Paint(line, false) + "\n";
  }
  return text;
}

TEST(Summary, OfAMixedRunSaysWhatWentWrongAndWhy) {
  auto run = SomeRun();
  Add(run, "s.good", Verdict::kPass, 1);
  Add(run, "s.bad", Verdict::kFail, 2, "label is wrong");
  Add(run, "s.skip-1", Verdict::kSkip, 0, "kernel: no AppArmor");
  Add(run, "s.skip-2", Verdict::kSkip, 0, "kernel: no AppArmor");
  Add(run, "s.open", std::nullopt, 0);
  EXPECT_EQ(Shown(run),
            "\n"
            "FAIL  s.bad\n"
            "      label is wrong\n"
            "      reproduce: build/runner --suite s --filter bad\n"
            "not finished\n"
            "      s.open (not started)\n"
            "SKIP  kernel: no AppArmor\n"
            "      s.skip-1 s.skip-2\n"
            "junit    r/junit.xml\n"
            "report   r/report.html\n"
            "records  r/records.jsonl\n"
            "TOTAL 1 passed, 1 failed, 2 skipped, 1 not finished in 12.0 s "
            "(suite s, run k3f9)\n");
}

TEST(Summary, NamesTheThreeSlowest) {
  auto run = SomeRun();
  for (const int seconds : {1, 4, 2, 3}) {
    Add(run, "s.takes-" + std::to_string(seconds), Verdict::kPass, seconds);
  }
  const auto text = Shown(run);
  EXPECT_THAT(text, HasSubstr("slowest\n      s.takes-4  4.0 s\n"
                              "      s.takes-3  3.0 s\n"
                              "      s.takes-2  2.0 s\n"));
  EXPECT_THAT(text, Not(HasSubstr("takes-1")));
}

TEST(Summary, ShowsThePhaseThatFailed) {
  auto run = SomeRun();
  run.phases = {{"nodes", "podman run: exit 125\nno space", false, 1},
                {"lab", "", std::nullopt, 0}};
  EXPECT_THAT(Shown(run), HasSubstr("ERROR phase nodes\n"
                                    "      podman run: exit 125\n"
                                    "      no space\n"
                                    "ERROR phase lab\n"
                                    "      did not end\n"));
}

TEST(Summary, IsGreenOnlyIfSomethingPassedAndNothingIsWrong) {
  auto run = SomeRun();
  const auto style = [&] { return SummaryLines(run, {}).back().style; };
  EXPECT_EQ(style(), Style::kWarning);
  Add(run, "s.a", Verdict::kPass, 1);
  EXPECT_EQ(style(), Style::kGood);
  run.phases = {{"nodes", "", false, 1}};
  EXPECT_EQ(style(), Style::kBad);
}

TEST(Summary, SaysThatTheRunWasInterrupted) {
  auto run = SomeRun();
  run.end->interrupted = 2;
  EXPECT_THAT(Shown(run), EndsWith("no case ran in 12.0 s, interrupted "
                                   "(suite s, run k3f9)\n"));
}

}  // namespace
}  // namespace lab
