// SPDX-License-Identifier: Apache-2.0
// The kind lab, on the Docker daemon of this machine or on a private one: a
// suite in it, and that nothing of it is left, however it ends.
#include <signal.h>

#include "runner/base/text.h"
#include "runner/components/cache.h"
#include "tests/lab/runner.h"

namespace lab::e2e {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

const std::string kOneWorker =
    std::string(LAB_SOURCE_DIR) + "/kind-configs/one-worker.yaml";

// Why no kind lab can be had here; empty if one can.
std::string WhyNot() {
  const auto said = Runner({"doctor", "--lab", "kind", "--json"});
  const json told = json::parse(said.out, nullptr, false);
  for (const auto& finding : told.value("findings", json::array())) {
    if (finding.value("name", "") == "Docker" &&
        finding.value("state", "") == "MISSING") {
      return finding.value("seen", "");
    }
  }
  return "";
}

// What of the host a kind lab may change while it is up, and nothing after.
std::string Host() {
  std::string state;
  for (const char* setting :
       {"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic",
        "kernel/panic_on_oops", "kernel/keys/root_maxkeys",
        "kernel/keys/root_maxbytes", "kernel/printk_ratelimit",
        "net/ipv4/ip_forward"}) {
    state +=
        setting +
        (" " + ReadFile(Path("/proc/sys") / setting).value_or("not there\n"));
  }
  std::set<std::string> links;
  for (const auto& link : fs::directory_iterator("/sys/class/net")) {
    links.insert(link.path().filename());
  }
  for (const auto& link : links) state += "link " + link + "\n";
  state += ReadFile("/proc/mounts").value_or("");
  const auto rules = RunToEnd({.argv = {"iptables-save"}});
  for (const auto& line : Lines(rules ? rules->out : "")) {
    if (!line.starts_with('#')) state += line + "\n";
  }
  return state;
}

class Kind : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = WhyNot(); !why.empty()) GTEST_SKIP() << why;
    before_ = Host();
  }

  void ExpectNothingLeft() const {
    Await("the private dockerd to end", 30s, [] {
      return ProcessesWith((*DefaultCacheRoot() / "docker").string()).empty();
    });
    EXPECT_EQ(Host(), before_);
  }

  std::string before_;
};

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
  std::vector<std::string> arguments = {
      "--suite",      "seccomp",  "--lab",
      "kind",         "--filter", "nil-*,three-pods,tutorial-log,static-pod",
      "--kubernetes", "1.23"};
  for (const auto& option : report.Options()) arguments.push_back(option);

  const auto run = Runner(arguments, 5min);

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

TEST_F(Kind, AKilledRunnerLeavesNothingForTheCollectorToMiss) {
  const auto report = NewReport();
  const Path log = report.directory.path() / "log";
  std::vector<std::string> arguments = {"--suite", "seccomp",  "--lab",
                                        "kind",    "--config", kOneWorker};
  for (const auto& option : report.Options()) arguments.push_back(option);
  Background run(arguments, log);
  // In the middle of kind's work: containers are there, lab.json knows none.
  Await("kind to start a control plane", 240s, [&] {
    for (const auto& lab :
         fs::directory_iterator(*DefaultCacheRoot() / "labs")) {
      const auto said = ReadFile(lab.path() / "logs" / "kind.log").value_or("");
      if (said.find("Starting control-plane") != std::string::npos) return true;
    }
    return false;
  });

  ::kill(run.process().id().pid, SIGKILL);
  run.process().Wait(Deadline::In(10s));
  Await("everything to end with it", 60s, [] {
    return ProcessesWith((*DefaultCacheRoot() / "docker").string()).empty();
  });
  const auto collected = Runner({"lab", "gc"});

  EXPECT_EQ(collected.ended.value, 0) << collected.err;
  EXPECT_THAT(collected.out, HasSubstr("/labs/run-"));
  ExpectNothingLeft();
}

TEST_F(Kind, ALabThatStaysUpIsUsedAndProtected) {
  const std::string name = "kind-e2e";
  const auto up = Runner(
      {"lab", "up", "--lab", "kind", "--name", name, "--config", kOneWorker});
  ASSERT_EQ(up.ended.value, 0) << up.err;

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

  const auto down = Runner({"lab", "down", name});
  EXPECT_EQ(down.ended.value, 0) << down.err;
  ExpectNothingLeft();
}

}  // namespace
}  // namespace lab::e2e
