// SPDX-License-Identifier: Apache-2.0
// The kind lab on Podman, which kind's own variable asks for: a suite in it,
// and that nothing of it is left, however it ends.
#include <cstdlib>

#include "runner/base/text.h"
#include "runner/components/cache.h"
#include "tests/lab/kind_fixture.h"

namespace lab::e2e {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kProvider = "KIND_EXPERIMENTAL_PROVIDER";

std::set<std::string> Podman(const std::string& what,
                             std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "podman");
  const auto said = RunOk({.argv = std::move(arguments)});
  EXPECT_TRUE(said) << (said ? "" : said.error().what);
  std::set<std::string> lines;
  for (const auto& line : Lines(said ? *said : "")) {
    if (!line.empty()) lines.insert(what + " " + line);
  }
  return lines;
}

class KindOnPodman : public testing::Test {
 protected:
  void SetUp() override {
    ::setenv(kProvider, "podman", 1);
    if (const auto why = WhyNoKindLab("Podman"); !why.empty()) {
      GTEST_SKIP() << why;
    }
    before_ = State();
  }
  void TearDown() override { ::unsetenv(kProvider); }

  // Firewall rules and forwarding are Podman's own affair.
  static std::set<std::string> State() {
    auto state = Podman(
        "container", {"ps", "--all", "--external", "--format", "{{.Names}}"});
    state.merge(Podman("network", {"network", "ls", "--quiet"}));
    state.merge(Podman("volume", {"volume", "ls", "--quiet"}));
    for (const char* one :
         {"vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops"}) {
      state.insert(one +
                   (" " + ReadFile(Path("/proc/sys") / one).value_or("")));
    }
    std::error_code code;
    const Path cache = *DefaultCacheRoot();
    for (const auto& lab : fs::directory_iterator(cache / "labs", code)) {
      state.insert("lab " + lab.path().string());
    }
    return state;
  }

  std::set<std::string> before_;
};

TEST_F(KindOnPodman, RunsCasesAndLeavesNothing) {
  const auto report = NewReport();

  // Parts that are not there yet take some minutes.
  const auto run = Runner(
      report.Of({"--suite", "seccomp", "--lab", "kind", "--config", kOneWorker,
                 "--filter", "nil-unconfined,tutorial-log,static-pod"}),
      25min);

  EXPECT_EQ(run.ended.value, 0) << report.Story(run);
  EXPECT_EQ(report.With(Verdict::kPass).size(), 3u) << report.Story(run);
  EXPECT_THAT(report.State().facts.at("engine"), HasSubstr("podman "));
  EXPECT_EQ(State(), before_);
}

// Its containers are no children of the runner, and go on.
TEST_F(KindOnPodman, GarbageOfAKilledRunIsCollected) {
  const auto report = NewReport();
  const Path log = report.directory.path() / "log";
  Background run(report.Of({"--suite", "seccomp", "--lab", "kind", "--config",
                            kOneWorker, "--filter", "static-pod"}),
                 log);
  Await("nodes", 3min, [] {
    return Podman("node",
                  {"ps", "--quiet", "--filter", "label=io.x-k8s.kind.role"})
               .size() == 2;
  });

  run.process().Kill();
  const auto collected = Runner({"lab", "gc"}, 2min);

  EXPECT_EQ(collected.ended.value, 0) << collected.err;
  EXPECT_EQ(State(), before_);
}

}  // namespace
}  // namespace lab::e2e
