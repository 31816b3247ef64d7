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

// An old Kubernetes takes minutes to build, and no other test wants it.
TEST_F(Kind, AnOldKubernetesRunsCasesWhereItIsBuilt) {
  const auto plan = Runner({"--suite", "seccomp", "--lab", "kind",
                            "--kubernetes", "1.23", "--dry-run"});
  if (plan.out.find("to be built") != std::string::npos) {
    GTEST_SKIP() << "not built here: runner fetch --lab kind --kubernetes 1.23";
  }
  const auto report = NewReport();

  const auto run =
      Runner(report.Of({"--suite", "seccomp", "--lab", "kind", "--filter",
                        "nil-*,three-pods,tutorial-log,static-pod",
                        "--kubernetes", "1.23"}),
             5min);

  EXPECT_EQ(run.ended.value, 0) << report.Story(run);
  EXPECT_GE(report.With(Verdict::kPass).size(), 4u) << report.Story(run);
  EXPECT_THAT(report.State().facts.at("kubelet"), HasSubstr("v1.23."));
  ExpectNothingLeft();
}

// The image of the parts stands in for one of others: what it has is laid over
// it once more.
TEST_F(Kind, NodesAreDerivedFromAnyImage) {
  const auto run_with = [](const Report& report, const std::string& image) {
    std::vector<std::string> arguments = {
        "--suite",    "seccomp",  "--lab",    "kind",         "--filter",
        "static-pod", "--config", kOneWorker, "--node-image", image};
    for (const auto& option : report.Options()) arguments.push_back(option);
    return Runner(arguments, 10min);
  };
  const auto built = NewReport();
  ASSERT_EQ(run_with(built, "built").ended.value, 0);
  const std::string base = built.State().facts.at("node-image");

  const auto derived = NewReport();
  const auto run = run_with(derived, base);

  EXPECT_EQ(run.ended.value, 0) << derived.Story(run);
  EXPECT_EQ(derived.With(Verdict::kPass).size(), 1u) << derived.Story(run);
  EXPECT_EQ(derived.State().facts.at("node-image"), base);
  const auto kind =
      ReadFile(derived.directory.path() / "lab" / "kind.log").value_or("");
  EXPECT_THAT(kind, HasSubstr("lab.local/kind-derived:v1.36."));

  const auto none = NewReport();
  const auto refused = run_with(none, "lab.local/no-such-image:1");
  EXPECT_EQ(refused.ended.value, 5) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("pull"));
  EXPECT_THAT(refused.err, HasSubstr("--node-image built"));
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
