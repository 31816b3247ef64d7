// SPDX-License-Identifier: Apache-2.0
// Bad weather over the kind lab: signals at each phase of a run, nodes and
// daemons that die, names that are taken. What is left is looked for on the
// host, and in the daemon where that goes on.
#include <signal.h>

#include <cstdlib>

#include "runner/base/text.h"
#include "runner/components/cache.h"
#include "tests/lab/kind_fixture.h"

namespace lab::e2e {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// A run of the seccomp suite, to be disturbed.
class Disturbed {
 public:
  explicit Disturbed(const std::string& cases,
                     std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--suite", "seccomp", "--lab", "kind", "--config",
                             kOneWorker, "--filter", cases});
    for (const auto& option : report_.Options()) more.push_back(option);
    run_.emplace(more, log());
  }

  const Report& report() const { return report_; }
  Background& run() { return *run_; }
  Path log() const { return report_.directory.path() / "log"; }
  std::string Said() const { return ReadFile(log()).value_or(""); }
  std::string KindSaid() const {
    return ReadFile(LabDirectoryOf(report_) / "logs" / "kind.log").value_or("");
  }
  std::string Node() const {
    return "run-" + report_.State().id + "-control-plane";
  }
  void Signal(int signal) { ::kill(run_->process().id().pid, signal); }
  bool RunsACase() const {
    for (const auto& one : report_.State().cases) {
      if (one.running()) return true;
    }
    return false;
  }

 private:
  Report report_ = NewReport();
  std::optional<Background> run_;
};

// A cache that has the parts of the usual one, and nothing else.
class NewCache {
 public:
  NewCache() : directory_(TempDir::In("/tmp", "lab-").value()) {
    const Path usual = *DefaultCacheRoot();
    fs::create_symlink(usual / "parts", directory_.path() / "parts");
    fs::create_symlink(usual / "locks", directory_.path() / "locks");
    if (const char* was = std::getenv(kName)) was_ = was;
    ::setenv(kName, directory_.path().c_str(), 1);
  }
  ~NewCache() {
    if (was_) {
      ::setenv(kName, was_->c_str(), 1);
    } else {
      ::unsetenv(kName);
    }
  }
  NewCache(const NewCache&) = delete;
  NewCache& operator=(const NewCache&) = delete;

 private:
  static constexpr const char* kName = "CONFINEMENT_LAB_CACHE";
  TempDir directory_;
  std::optional<std::string> was_;
};

struct Phase {
  const char* name;
  bool (*reached)(Disturbed&);
};

const Phase kPhases[] = {
    {"Docker",
     [](Disturbed&) {
       return fs::exists(*DefaultCacheRoot() / "docker/run/daemon.json");
     }},
    // (In a cache that has not the image yet.)
    {"Image",
     [](Disturbed& it) {
       return !it.run().Descendants(" load --quiet").empty();
     }},
    // Containers are there, lab.json knows none.
    {"Kind",
     [](Disturbed& it) {
       return it.KindSaid().find("Starting control-plane") != std::string::npos;
     }},
    {"Nodes",
     [](Disturbed& it) {
       return !it.run().Descendants(" proxy --unix-socket=").empty();
     }},
    {"Suite", [](Disturbed& it) { return it.RunsACase(); }},
    {"Teardown",
     [](Disturbed& it) {
       return !it.run().Descendants(" rm --force --volumes").empty();
     }},
};

struct Storm {
  const Phase* phase;
  int signal;
};

// Signals at the late phases cost a cluster each: one of them, or all with
// LAB_WHOLE_TABLE.
std::vector<Storm> Storms() {
  const bool whole = std::getenv("LAB_WHOLE_TABLE") != nullptr;
  std::vector<Storm> all;
  for (const auto& phase : kPhases) {
    const std::string name = phase.name;
    const bool cheap = name == "Docker" || name == "Image";
    for (const int signal : {SIGINT, SIGTERM, SIGKILL}) {
      const bool chosen = cheap || (name == "Suite"  ? signal == SIGINT
                                    : name == "Kind" ? signal != SIGTERM
                                                     : signal == SIGKILL);
      if (whole || chosen) all.push_back({&phase, signal});
    }
  }
  return all;
}

class KindSignal : public KindFixture,
                   public testing::WithParamInterface<Storm> {};

TEST_P(KindSignal, LeavesNothing) {
  const auto& [phase, signal] = GetParam();
  std::optional<NewCache> cache;
  if (std::string("Image") == phase->name) {
    cache.emplace();
    before_ = HostState();
  }
  Disturbed it("nil-unconfined");
  Await(phase->name, 240s, [&] { return phase->reached(it); });
  ASSERT_FALSE(HasFatalFailure()) << it.Said();

  const Stopwatch watch;
  it.Signal(signal);

  if (signal == SIGKILL) {
    it.run().process().Wait(Deadline::In(10s));
    const auto collected = Runner({"lab", "gc"});
    EXPECT_EQ(collected.ended.value, 0) << collected.out << collected.err;
  } else {
    // The report is written by then, and the status is its own.
    const bool told = std::string("Teardown") == phase->name;
    EXPECT_EQ(it.run().ExitStatus(30s), told ? 0 : 128 + signal) << it.Said();
    EXPECT_LT(watch.Seconds(), 10.0);
    it.report().ExpectValidJunit();
    for (const auto& one : it.report().State().cases) {
      EXPECT_EQ(one.verdict, told ? Verdict::kPass : Verdict::kError) << one.id;
      if (told) continue;
      EXPECT_THAT(one.reason, HasSubstr("interrupted")) << one.id;
    }
  }
  ExpectNothingLeft();
}

INSTANTIATE_TEST_SUITE_P(Table, KindSignal, testing::ValuesIn(Storms()),
                         [](const auto& one) {
                           const int signal = one.param.signal;
                           return std::string(one.param.phase->name) +
                                  (signal == SIGINT    ? "Sigint"
                                   : signal == SIGTERM ? "Sigterm"
                                                       : "Sigkill");
                         });

class KindWeather : public KindFixture {};

TEST_F(KindWeather, HalfACreateIsExplainedAndRemoved) {
  Disturbed it("nil-unconfined");
  Await("kind to start a control plane", 240s, [&] {
    return it.KindSaid().find("Starting control-plane") != std::string::npos;
  });

  const auto killed = Docker({"kill", it.Node()});

  EXPECT_EQ(killed.ended.value, 0) << killed.err;
  EXPECT_EQ(it.run().ExitStatus(60s), 5) << it.Said();
  EXPECT_THAT(it.Said(), HasSubstr("kind create cluster: ERROR: "));
  const Path logs = it.report().directory.path() / "lab";
  EXPECT_THAT(ReadFile(logs / "kind.log").value_or(""),
              HasSubstr("Starting control-plane"));
  EXPECT_THAT(ReadFile(logs / (it.Node() + ".log")).value_or(""),
              Not(IsEmpty()));
  ExpectNothingLeft();
}

TEST_F(KindWeather, KubeadmsOwnWordsAreShown) {
  const auto dir = TempDir::In(testing::TempDir(), "config-");
  ASSERT_TRUE(dir);
  const Path config = dir->path() / "garbage.yaml";
  ASSERT_TRUE(WriteFile(config, R"(kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
kubeadmConfigPatches:
  - |
    kind: ClusterConfiguration
    networking: {podSubnet: garbage}
)"));
  const auto up = Runner(
      {"lab", "up", "--lab", "kind", "--name", "garbage", "--config", config},
      5min);
  EXPECT_EQ(up.ended.value, 5) << up.err;
  EXPECT_THAT(up.err, HasSubstr("kubeadm: error: networking.podSubnet"));
  // Its logs are kept until then.
  EXPECT_EQ(Runner({"lab", "gc"}).ended.value, 0);
  ExpectNothingLeft();
}

// One lab of the private daemon: it stays after its run, a name is refused
// beside it, a node fails, and it goes.
TEST_F(KindWeather, AKeptLabWhoseNodeStopsIsDamaged) {
  Disturbed first("nil-unconfined", {"--keep-lab"});
  ASSERT_EQ(first.run().ExitStatus(300s), 0) << first.Said();
  const std::string name = "run-" + first.report().State().id;
  EXPECT_THAT(first.Said(), HasSubstr("runner lab down " + name));
  EXPECT_THAT(Docker({"ps", "--format", "{{.Names}}"}).out,
              HasSubstr(name + "-worker"));

  // A cluster that somebody else's kind has made.
  const std::string image = std::string(Trim(
      Docker({"inspect", "--format", "{{.Config.Image}}", name + "-worker"})
          .out));
  const auto made =
      Docker({"create", "--name", "somebodys-control-plane", "--label",
              "io.x-k8s.kind.cluster=somebodys", image});
  ASSERT_EQ(made.ended.value, 0) << made.err;
  const auto refused =
      Runner({"lab", "up", "--lab", "kind", "--name", "somebodys"});
  EXPECT_EQ(refused.ended.value, 2) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("kind delete cluster --name somebodys"));
  EXPECT_EQ(Docker({"rm", "somebodys-control-plane"}).ended.value, 0);
  EXPECT_FALSE(fs::exists(*DefaultCacheRoot() / "labs/somebodys"));

  const auto report = NewReport();
  std::vector<std::string> arguments = {"--suite", "seccomp", "--use-lab",
                                        name};
  for (const auto& option : report.Options()) arguments.push_back(option);
  Background run(arguments, report.directory.path() / "log");
  Await("a running case", 120s, [&] {
    for (const auto& one : report.State().cases) {
      if (one.running()) return true;
    }
    return false;
  });
  // Its first process ends by itself, which is what a crash looks like.
  Docker({"exec", name + "-worker", "systemctl", "poweroff", "--force",
          "--force"});
  EXPECT_EQ(run.ExitStatus(60s), 3);
  report.ExpectValidJunit();
  const auto errors = report.With(Verdict::kError);
  EXPECT_THAT(errors, Not(IsEmpty()));
  for (const auto& one : report.State().cases) {
    EXPECT_NE(one.verdict, Verdict::kFail) << one.id << ": " << one.reason;
    if (one.verdict != Verdict::kError) continue;
    EXPECT_THAT(one.reason, HasSubstr("lab-damaged: " + name + "-worker"));
  }

  const auto down = Runner({"lab", "down", name});
  EXPECT_EQ(down.ended.value, 0) << down.err;
  ExpectNothingLeft();
}

TEST_F(KindWeather, ADeadPrivateDaemonIsAnErrorAndLeavesNothing) {
  Disturbed it("nil-*,three-pods");
  Await("a running case", 240s, [&] { return it.RunsACase(); });

  const auto daemons = ProcessesWith("dockerd --config-file " +
                                     (*DefaultCacheRoot() / "docker").string());
  ASSERT_THAT(daemons, Not(IsEmpty()));
  ::kill(daemons.back(), SIGKILL);

  EXPECT_EQ(it.run().ExitStatus(60s), 3) << it.Said();
  for (const auto& one : it.report().State().cases) {
    if (one.verdict == Verdict::kPass) continue;
    EXPECT_THAT(one.reason, HasSubstr("lab-damaged: ")) << one.id;
  }
  EXPECT_THAT(it.Said(), HasSubstr("runner lab gc"));
  const auto collected = Runner({"lab", "gc"});
  EXPECT_EQ(collected.ended.value, 0) << collected.out << collected.err;
  EXPECT_THAT(collected.out, HasSubstr("containers of a private dockerd"));
  ExpectNothingLeft();
}

}  // namespace
}  // namespace lab::e2e
