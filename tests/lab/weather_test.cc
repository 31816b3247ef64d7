// SPDX-License-Identifier: Apache-2.0
// Bad weather: what the lab is made of dies in the middle of a run, cases
// crash and hang, the person interrupts, the runner is killed.
#include <signal.h>

#include "runner/base/text.h"
#include "runner/components/cache.h"
#include "tests/lab/runner.h"

namespace lab::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// A run of a few cases that wait long enough to be disturbed.
std::vector<std::string> LongRun(const Report& report,
                                 std::vector<std::string> more = {}) {
  more.insert(more.end(),
              {"--suite", "apparmor", "--filter", "*unloaded*", "--config",
               std::string(LAB_SOURCE_DIR) + "/kind-configs/one-worker.yaml"});
  for (const auto& option : report.Options()) more.push_back(option);
  return more;
}

Path LogOf(const Report& report) { return report.directory.path() / "log"; }

void AwaitCase(const Report& report) {
  Await("a running case", 120s, [&] {
    for (const auto& one : report.State().cases) {
      if (one.running()) return true;
    }
    return false;
  });
}

void ExpectAllErrors(const Report& report, const std::string& reason) {
  report.ExpectValidJunit();
  report.ExpectWholePage();
  for (const auto& one : report.State().cases) {
    EXPECT_EQ(one.verdict, Verdict::kError) << one.id;
    EXPECT_THAT(one.reason, HasSubstr(reason)) << one.id;
  }
}

void ExpectNothingLeft(const Report& report) {
  const Path directory = LabDirectoryOf(report);
  EXPECT_FALSE(std::filesystem::exists(directory)) << directory;
  EXPECT_THAT(ProcessesWith(directory.string()), IsEmpty());
}

class Killed : public testing::TestWithParam<const char*> {};

TEST_P(Killed, IsAnErrorOfEveryCaseAndExitThree) {
  const auto report = NewReport();
  Background run(LongRun(report), LogOf(report));
  AwaitCase(report);

  const auto victims = run.Descendants(GetParam());
  ASSERT_THAT(victims, Not(IsEmpty()));
  ::kill(victims.front(), SIGKILL);

  EXPECT_EQ(run.ExitStatus(30s), 3);
  ExpectAllErrors(report, "lab-damaged: ");
  ExpectNothingLeft(report);
}

INSTANTIATE_TEST_SUITE_P(All, Killed,
                         testing::Values("lab.node=", "kube-apiserver"),
                         [](const auto& parameter) {
                           return parameter.index == 0 ? "Node" : "ApiServer";
                         });

TEST(Suite, ThatCrashesIsAnErrorOfItsCaseOnly) {
  const auto report = NewReport();
  Background run(
      {"--suite", "apparmor", "--use-lab", SharedLab(), "--filter",
       "*unloaded*", "--report-dir", report.directory.path().string()},
      LogOf(report));
  AwaitCase(report);

  const auto victims = run.Descendants("--gtest_filter=*.UnloadedEvent");
  ASSERT_THAT(victims, Not(IsEmpty()));
  ::kill(victims.back(), SIGSEGV);

  EXPECT_EQ(run.ExitStatus(120s), 3);
  EXPECT_EQ(report.With(Verdict::kError),
            (std::set<std::string>{"unloaded-event"}));
  EXPECT_EQ(report.With(Verdict::kPass),
            (std::set<std::string>{"unloaded-profile"}));
  report.ExpectValidJunit();
}

TEST(Suite, ThatHangsIsEndedAtItsDeadline) {
  const auto report = NewReport();
  Background run({"--suite", "apparmor", "--use-lab", SharedLab(), "--filter",
                  "unloaded-event", "--timeout", "8", "--report-dir",
                  report.directory.path().string()},
                 LogOf(report));
  AwaitCase(report);

  for (const pid_t pid : run.Descendants("--gtest_filter=*.UnloadedEvent")) {
    ::kill(pid, SIGSTOP);
  }

  EXPECT_EQ(run.ExitStatus(60s), 3);
  ExpectAllErrors(report, "timeout: no verdict within 8 s");
  EXPECT_THAT(ProcessesWith(LogOf(report).parent_path().string()), IsEmpty());
}

class Interrupted : public testing::TestWithParam<int> {};

TEST_P(Interrupted, ReportsWithinTwoSecondsAndLeavesNothing) {
  const auto report = NewReport();
  Background run(LongRun(report), LogOf(report));
  AwaitCase(report);

  const Stopwatch watch;
  ::kill(run.process().id().pid, GetParam());

  EXPECT_EQ(run.ExitStatus(20s), 128 + GetParam());
  EXPECT_LT(watch.Seconds(), 2.0);
  ExpectAllErrors(report, "interrupted");
  ExpectNothingLeft(report);
}

INSTANTIATE_TEST_SUITE_P(All, Interrupted, testing::Values(SIGINT, SIGTERM),
                         [](const auto& parameter) {
                           return parameter.param == SIGINT ? "Sigint"
                                                            : "Sigterm";
                         });

// Nobody is left to tidy up: the children must die by themselves, and gc must
// find the rest, and nothing else.
TEST(KillMinusNine, LeavesNoProcessAndGcRemovesTheRest) {
  const std::string& other = SharedLab();
  const auto report = NewReport();
  Background run(LongRun(report), LogOf(report));
  AwaitCase(report);
  const Path directory = LabDirectoryOf(report);

  ::kill(run.process().id().pid, SIGKILL);

  Await("end of every child", 5s,
        [&] { return ProcessesWith(directory.string()).empty(); });
  report.ExpectValidJunit();
  EXPECT_TRUE(std::filesystem::exists(directory));
  const auto collected = Runner({"lab", "gc"});
  EXPECT_THAT(collected.out, HasSubstr(directory.string()));
  EXPECT_FALSE(std::filesystem::exists(directory));
  const auto still = Runner({"lab", "shell", other + "-worker", "--", "true"});
  EXPECT_TRUE(still.ended.ok()) << "gc touched a lab in use: " << still.err;
}

TEST(Interrupted, WhileTheLabComesUpLeavesNothing) {
  const auto report = NewReport();
  Background run(LongRun(report), LogOf(report));
  Await("a booting node", 60s,
        [&] { return !run.Descendants("lab.node=").empty(); });

  const Stopwatch watch;
  ::kill(run.process().id().pid, SIGINT);

  EXPECT_EQ(run.ExitStatus(20s), 130);
  EXPECT_LT(watch.Seconds(), 2.0);
  ExpectAllErrors(report, "interrupted");
  ExpectNothingLeft(report);
}

}  // namespace
}  // namespace lab::e2e
