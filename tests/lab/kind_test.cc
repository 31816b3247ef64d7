// SPDX-License-Identifier: Apache-2.0
// The kind lab, on the Docker daemon of this machine or on a private one: a
// suite in it, and that nothing of it is left. Bad weather is in
// kind_weather_test.cc.
#include <poll.h>
#include <unistd.h>

#include "runner/components/cache.h"
#include "tests/lab/kind_fixture.h"

namespace lab::e2e {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Kind : public KindFixture {};

TEST_F(Kind, RunsCasesAndLeavesNothing) {
  const Path home = ::getenv("HOME");
  const auto kubeconfig = ReadFile(home / ".kube" / "config").value_or("none");
  const auto report = NewReport();
  std::vector<std::string> arguments = {
      "--suite",  "seccomp",
      "--lab",    "kind",
      "--filter", "nil-unconfined,three-pods,tutorial-log,static-pod"};
  for (const auto& option : report.Options()) arguments.push_back(option);

  // Parts that are not there yet take some minutes.
  const auto run = Runner(arguments, 25min);

  EXPECT_EQ(run.ended.value, 0) << report.Story(run);
  report.ExpectValidJunit();
  EXPECT_EQ(report.With(Verdict::kPass).size(), 4u) << report.Story(run);
  EXPECT_EQ(report.State().facts.at("lab"), "kind");
  EXPECT_FALSE(fs::exists(LabDirectoryOf(report)));
  EXPECT_EQ(ReadFile(home / ".kube" / "config").value_or("none"), kubeconfig);
  EXPECT_TRUE(fs::exists(report.directory.path() / "lab" / "kind.log"));
  ExpectNothingLeft();
}

TEST_F(Kind, ALabThatStaysUpIsUsedAndProtected) {
  const std::string name = "kind-e2e";
  // What the caller holds open must not stay open with the lab.
  int held[2];
  ASSERT_EQ(::pipe(held), 0);
  const auto up = Runner(
      {"lab", "up", "--lab", "kind", "--name", name, "--config", kOneWorker});
  ASSERT_EQ(up.ended.value, 0) << up.err;
  ::close(held[1]);
  pollfd hang_up = {held[0], POLLIN, 0};
  EXPECT_EQ(::poll(&hang_up, 1, 1000), 1);
  ::close(held[0]);

  EXPECT_EQ(
      Runner({"lab", "shell", name + "-worker", "--", "sh", "-c", "exit 7"})
          .ended.value,
      7);
  const auto again = Runner({"lab", "up", "--lab", "kind", "--name", name});
  EXPECT_EQ(again.ended.value, 2);
  const auto saved = Runner({"lab", "save", name});
  EXPECT_EQ(saved.ended.value, 2);
  EXPECT_THAT(saved.err, HasSubstr("cannot be saved"));
  const auto report = NewReport();
  const auto run = Runner({"--suite", "apparmor", "--use-lab", name, "--filter",
                           "enforce-deny-write", "--report-dir",
                           report.directory.path().string()});
  // Nodes share the host's kernel, which has AppArmor or not.
  const bool apparmor = fs::exists("/sys/module/apparmor");
  EXPECT_EQ(run.ended.value, apparmor ? 0 : 4) << report.Story(run);

  const auto contents = Contents(name);
  const auto checked = NewReport();
  const auto quick =
      Runner({"--suite", "seccomp", "--use-lab", name, "--filter", "quick.*",
              "--report-dir", checked.directory.path().string()});
  EXPECT_EQ(checked.With(Verdict::kPass).size(), 5u) << checked.Story(quick);
  EXPECT_EQ(Contents(name), contents);

  const auto down = Runner({"lab", "down", name});
  EXPECT_EQ(down.ended.value, 0) << down.err;
  ExpectNothingLeft();
}

}  // namespace
}  // namespace lab::e2e
