// SPDX-License-Identifier: Apache-2.0
// A matrix of two small labs: interrupted in the second, then resumed.
#include <signal.h>

#include "tests/lab/runner.h"

namespace lab::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kMatrix =
    "product:\n"
    "  runtime: [crun, runc]\n"
    "  config: kind-configs/one-worker.yaml\n"
    "  filter: module-enabled-file\n";

// The records of one combination.
RunState StateIn(const Path& directory) {
  return ReadRun(ReadFile(directory / "records.jsonl").value_or(""))
      .value_or(RunState());
}

TEST(Matrix, GoesOnWhereItWasInterrupted) {
  const auto report = NewReport();
  const Path directory = report.directory.path();
  const Path file = directory / "two.yaml";
  ASSERT_TRUE(WriteFile(file, kMatrix));
  std::vector<std::string> arguments = {"--suite", "apparmor", "--matrix",
                                        file.string()};
  for (const auto& option : report.Options()) arguments.push_back(option);
  const Path first = directory / "crun-one-worker";
  const Path second = directory / "runc-one-worker";

  Background run(arguments, directory / "runner.log");
  Await("the first combination's end", 5min,
        [&] { return StateIn(first).end.has_value(); });
  report.ExpectValidJunit();
  Await("the second combination's node", 2min, [&] {
    return !StateIn(second).id.empty() && !run.Descendants("lab.node=").empty();
  });
  const std::string interrupted = StateIn(second).id;
  ::kill(run.process().id().pid, SIGINT);

  EXPECT_EQ(run.ExitStatus(20s), 130);
  report.ExpectValidJunit();
  EXPECT_EQ(StateIn(second).Count(Verdict::kError), 1u);
  EXPECT_THAT(ProcessesWith("run-" + interrupted), IsEmpty());

  const std::string kept = StateIn(first).id;
  arguments.push_back("--resume");
  const auto resumed = Runner(arguments);

  EXPECT_EQ(resumed.ended.ToString(), "exit status 0") << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("2 passed in 2 combinations"));
  EXPECT_EQ(StateIn(first).id, kept);
  EXPECT_NE(StateIn(second).id, interrupted);
  EXPECT_EQ(StateIn(second).facts.at("default-runtime"), "runc");
  report.ExpectValidJunit();
  report.ExpectWholePage();
}

}  // namespace
}  // namespace lab::e2e
