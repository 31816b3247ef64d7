// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/cluster/api.h"
#include "runner/cluster/lab_file.h"
#include "runner/components/cache.h"
#include "runner/process/process.h"
#include "runner/report/record.h"
#include "tests/bench/figures.h"

namespace lab::bench {
namespace {

using nlohmann::json;

constexpr int kRounds = 5;
constexpr int kChecks = 5;

const Path kHome = LAB_SOURCE_DIR;
const Path kScript = kHome / "fixtures" / "bench" / "five-checks.sh";
const Path kChainsawTest = kHome / "fixtures" / "bench" / "chainsaw";
const Path kPods = kHome / "fixtures" / "pods" / "seccomp" / "quick";
// Chainsaw's own choice would be another one each time.
constexpr const char* kChainsawNamespace = "five-checks-chainsaw";

// Why no kind lab can be had here; empty if one can.
Result<std::string> WhyNoKindLab() {
  LAB_TRY(const auto said,
          RunToEnd({.argv = {LAB_BINARY_DIR "/runner", "doctor", "--lab",
                             "kind", "--json"}}));
  const json told = json::parse(said.out, nullptr, false);
  if (!told.is_object()) return Error{"runner doctor: " + said.err};
  for (const auto& finding : told.at("findings")) {
    if (finding.at("state") == "MISSING" && finding.at("name") == "Docker") {
      return finding.at("seen").get<std::string>();
    }
  }
  return std::string();
}

/// Seconds from the start of a contender.
struct Times {
  double verdicts = 0;  ///< all five were there
  double end = 0;       ///< it exited, and had cleaned up
};

/// One who does the five checks. `once` errs unless all five were made, and
/// held.
struct Contender {
  std::string name;
  std::function<Result<Times>()> once;
  double verdicts_target = 0;
  double end_target = 0;
  std::vector<Times> rounds{};
};

// Docker reads the nodes' image the first time that it is new; no figure is to
// have that.
Status LoadImage() {
  const std::string name = "bench-" + RandomHex(4);
  LAB_TRY([[maybe_unused]] const auto up,
          RunRunner({"lab", "up", "--lab", "kind", "--quiet", "--name", name,
                     "--config", kHome / "kind-configs" / "one-worker.yaml"}));
  LAB_TRY([[maybe_unused]] const auto down, RunRunner({"lab", "down", name}));
  return {};
}

class LabThatStays {
 public:
  static Result<LabThatStays> Up(Figures& figures) {
    LabThatStays lab;
    const Stopwatch watch;
    LAB_TRY([[maybe_unused]] const auto said,
            RunRunner({"lab", "up", "--lab", "kind", "--quiet", "--name",
                       lab.name_}));
    const double seconds = watch.Seconds();
    LAB_TRY(const Path cache, DefaultCacheRoot());
    LAB_TRY(lab.file_, LabFile::Load(cache / "labs" / lab.name_));
    const double kind = std::stod(lab.file_.facts.at("seconds.kind"));
    figures.Add("kind create cluster, by itself", kind, "s");
    figures.Add("runner lab up --lab kind", seconds, "s");
    figures.Add("lab up / kind create cluster", seconds / kind, "", 1.15);
    return lab;
  }

  Status Down(Figures& figures) {
    const Stopwatch watch;
    LAB_TRY([[maybe_unused]] const auto said,
            RunRunner({"lab", "down", name_}));
    figures.Add("runner lab down, kind", watch.Seconds(), "s", 3);
    return {};
  }

  const std::string& name() const { return name_; }
  Api api() const { return Api(file_.api_socket); }
  // With the lab's kubectl as the first on PATH.
  std::map<std::string, std::string> Environment() const {
    const char* path = std::getenv("PATH");
    return {{"KUBECONFIG", file_.kubeconfig.string()},
            {"PATH", file_.kubectl.parent_path().string() + ":" +
                         (path != nullptr ? path : "/usr/bin:/bin")}};
  }

  // Nothing in the API, and nothing that runs on a node.
  Status ExpectNothingLeft() const {
    LAB_TRY(const auto pods, api().Get("/api/v1/pods"));
    for (const auto& pod : pods.at("items")) {
      const std::string where = pod.at("metadata").at("namespace");
      if (where != "kube-system") return Error{"a pod is left in " + where};
    }
    LAB_TRY(const auto spaces,
            api().Get("/api/v1/namespaces?labelSelector=confinement-lab"));
    if (!spaces.at("items").empty()) return Error{"a namespace is left"};
    for (const auto& node : file_.Workers()) {
      LAB_TRY(const auto said,
              RunRunner({"lab", "shell", "--lab", name_, node.name, "--",
                         "crictl", "pods", "--state", "ready", "-o", "json"}));
      for (const auto& pod : json::parse(said).at("items")) {
        const std::string where = pod.at("metadata").at("namespace");
        if (where != "kube-system") return Error{"a pod of " + where + " runs"};
      }
    }
    return {};
  }

 private:
  LabThatStays() : name_("bench-" + RandomHex(4)) {}
  std::string name_;
  LabFile file_;
};

Result<Times> RunnerOnce(const LabThatStays& lab) {
  LAB_TRY(const auto dir,
          TempDir::In(std::filesystem::temp_directory_path(), "bench-"));
  const double start = EpochSeconds();
  LAB_TRY(const double end,
          RunSuiteInto(dir.path(), {"seccomp", "--use-lab", lab.name(),
                                    "--filter", "quick.*"}));
  LAB_TRY(const auto text, ReadFile(dir.path() / "records.jsonl"));
  LAB_TRY(const auto records, ParseRecords(text));
  LAB_TRY(const auto state, ReadRun(text));
  if (state.Count(Verdict::kPass) != kChecks) {
    return Error{"the runner did not make five checks"};
  }
  Times times{.end = end};
  for (const auto& record : records) {
    if (record.at("event") != "case-end") continue;
    times.verdicts =
        std::max(times.verdicts, record.at("t").get<double>() - start);
  }
  LAB_CHECK_OK(lab.ExpectNothingLeft());
  return times;
}

Result<Times> KubectlOnce(const LabThatStays& lab) {
  const Stopwatch watch;
  const double start = EpochSeconds();
  LAB_TRY(const auto said, RunOk({.argv = {kScript, kPods, "clean"},
                                  .env = lab.Environment(),
                                  .timeout = 2min}));
  const double end = watch.Seconds();
  constexpr std::string_view kMark = "verdicts ";
  const auto mark = said.find(kMark);
  if (mark == std::string::npos) return Error{"five-checks.sh: " + said};
  return Times{std::stod(said.substr(mark + kMark.size())) - start, end};
}

// Without and with cleaning up: it does not say when the last verdict came.
Result<Times> ChainsawOnce(const LabThatStays& lab) {
  const auto run = [&](std::vector<std::string> more) -> Result<double> {
    std::vector<std::string> argv = {"chainsaw",    "test",
                                     "--test-dir",  kChainsawTest,
                                     "--namespace", kChainsawNamespace};
    argv.insert(argv.end(), more.begin(), more.end());
    const Stopwatch watch;
    LAB_TRY(const auto said,
            RunOk({.argv = argv, .env = lab.Environment(), .timeout = 2min}));
    if (said.find("Passed  tests 1") == std::string::npos) {
      return Error{"chainsaw: " + said};
    }
    return watch.Seconds();
  };
  LAB_TRY(const double end, run({}));
  LAB_TRY(const double verdicts, run({"--skip-delete"}));
  LAB_TRY([[maybe_unused]] const auto said,
          RunOk({.argv = {"kubectl", "delete", "namespace", kChainsawNamespace},
                 .env = lab.Environment()}));
  return Times{verdicts, end};
}

Status FiveChecks(const LabThatStays& lab, Figures& figures) {
  std::vector<Contender> contenders = {
      {"runner", [&] { return RunnerOnce(lab); }, 1.8, 2.5},
      {"bash and kubectl", [&] { return KubectlOnce(lab); }}};
  if (!FindProgram("chainsaw").empty()) {
    contenders.push_back({"chainsaw", [&] { return ChainsawOnce(lab); }});
  } else {
    fmt::print(stderr, "bench: no chainsaw on PATH, so it is left out\n");
  }
  // The first time does not count: what all share is loaded then.
  for (int round = 0; round <= kRounds; ++round) {
    for (auto& one : contenders) {
      LAB_TRY(const auto times, one.once());
      if (round > 0) one.rounds.push_back(times);
    }
  }
  for (const auto& one : contenders) {
    std::vector<double> verdicts, ends;
    for (const auto& times : one.rounds) {
      verdicts.push_back(times.verdicts);
      ends.push_back(times.end);
    }
    const auto add = [&](const std::string& what,
                         const std::vector<double>& values, double target) {
      figures.Add(fmt::format("five checks, {}: {}, median of {}", one.name,
                              what, kRounds),
                  Median(values), "s", target);
    };
    add("verdicts", verdicts, one.verdicts_target);
    add("cleaned up", ends, one.end_target);
  }
  return {};
}

Status WholeSuite(Figures& figures) {
  LAB_TRY(const auto dir,
          TempDir::In(std::filesystem::temp_directory_path(), "bench-"));
  LAB_TRY(const double seconds,
          RunSuiteInto(dir.path(), {"seccomp", "--lab", "kind"}));
  figures.Add("seccomp suite on kind, lab included", seconds, "s", 60);
  return {};
}

}  // namespace

Status MeasureKind(Figures& figures) {
  LAB_TRY(const auto why, WhyNoKindLab());
  if (!why.empty()) {
    fmt::print(stderr, "bench: kind is left out: {}\n", why);
    return {};
  }
  LAB_CHECK_OK(LoadImage());
  LAB_TRY(auto lab, LabThatStays::Up(figures));
  const Status checked = FiveChecks(lab, figures);
  LAB_CHECK_OK(lab.Down(figures));
  LAB_CHECK_OK(checked);
  return WholeSuite(figures);
}

}  // namespace lab::bench
