// SPDX-License-Identifier: Apache-2.0
// `make bench`: how long things take, measured through the runner and labs,
// printed as a table and written as JSON. Figures of one run on one machine:
// compare ratios within a run, not runs on different days.
//
//   bench [PART...]   host, vm, kind; without one, all
#include <fmt/format.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <future>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "runner/base/text.h"
#include "runner/cluster/api.h"
#include "runner/cluster/lab_file.h"
#include "runner/cluster/yaml.h"
#include "runner/components/cache.h"
#include "runner/process/process.h"
#include "runner/report/record.h"
#include "tests/bench/figures.h"

namespace lab::bench {
namespace {

using nlohmann::json;

const std::string kRunner = std::string(LAB_BINARY_DIR) + "/runner";

// CPU seconds that these processes have used (fields 14 and 15 of stat).
double CpuSeconds(const LabFile& lab, const std::string& prefix) {
  double ticks = 0;
  for (const auto& process : lab.processes) {
    if (!process.name.starts_with(prefix)) continue;
    const auto stat =
        ReadFile(fmt::format("/proc/{}/stat", process.id.pid)).value_or("");
    const auto end = stat.rfind(") ");
    if (end == std::string::npos) continue;
    const auto fields = Split(stat.substr(end + 2), ' ');
    ticks += std::stod(fields.at(11)) + std::stod(fields.at(12));
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double ResidentGiB(const LabFile& lab) {
  double kib = 0;
  for (const auto& process : lab.processes) {
    const auto status =
        ReadFile(fmt::format("/proc/{}/status", process.id.pid)).value_or("");
    const auto at = status.find("VmRSS:");
    if (at != std::string::npos) kib += std::stod(status.substr(at + 6));
  }
  return kib / 1024 / 1024;
}

class Bench {
 public:
  explicit Bench(Figures& figures) : figures_(figures) {}

  // What needs no lab.
  Status MeasureHost() {
    LAB_CHECK_OK(SeccompProbe());
    return SeccompDumps();
  }

  Status MeasureVm() {
    LAB_CHECK_OK(WholeSuite());
    LAB_CHECK_OK(OtherSuite("every scenario on 1.23, lab included",
                            {"apparmor", "--kubernetes", "1.23"}, 180));
    LAB_CHECK_OK(
        OtherSuite("every seccomp scenario, lab included", {"seccomp"}, 150));
    LAB_CHECK_OK(PodsAndExecs());
    LAB_CHECK_OK(FromSaved());
    // Twenty minutes, so only when they are asked for.
    if (std::getenv("BENCH_MATRIX") != nullptr) {
      return OtherSuite("nightly matrix, 11 labs",
                        {"apparmor", "--matrix", "nightly"}, 1200);
    }
    return {};
  }

 private:
  void Add(const std::string& name, double value, const std::string& unit,
           double target = 0) {
    figures_.Add(name, value, unit, target);
  }

  // On this machine, with a filter to ask and without.
  Status SeccompProbe() {
    const std::string probe = LAB_BINARY_DIR "/probes/seccomp";
    LAB_CHECK_OK(Repeated("seccomp probe, no filter", {probe}));
    return Repeated("seccomp probe, under a filter",
                    {LAB_BINARY_DIR "/tests/under-filter", "allow", "mkdir=1",
                     "--", probe});
  }

  Status Repeated(const std::string& name,
                  const std::vector<std::string>& argv) {
    std::vector<double> milliseconds;
    for (int i = 0; i < 20; ++i) {
      const Stopwatch watch;
      LAB_TRY([[maybe_unused]] const auto said, RunOk({.argv = argv}));
      milliseconds.push_back(watch.Seconds() * 1e3);
    }
    Add(name + ", median of 20", Median(milliseconds), "ms", 150);
    return {};
  }

  // A process under a filter as large as a container's: 330 calls, a condition
  // each.
  static pid_t StartConfined() {
    const pid_t child = ::fork();
    if (child != 0) return child;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    seccomp_arch_add(filter, SCMP_ARCH_X86);
    seccomp_arch_add(filter, SCMP_ARCH_X32);
    for (int number = 0; number < 330; ++number) {
      seccomp_rule_add(filter, SCMP_ACT_ERRNO(1), number, 1,
                       SCMP_A3_64(SCMP_CMP_EQ, 0x1234567890));
    }
    if (seccomp_load(filter) != 0) ::_exit(1);
    for (;;) ::pause();
  }

  // Of a process of this machine; only root may.
  Status SeccompDumps() {
    if (::geteuid() != 0) return {};
    const pid_t child = StartConfined();
    std::vector<double> seconds;
    Status good;
    for (int i = 0; i < 21 && good; ++i) {
      const Stopwatch watch;
      const auto ran =
          RunOk({.argv = {kRunner, "seccomp", "dump", std::to_string(child)}});
      seconds.push_back(watch.Seconds());
      if (!ran) good = ran.error();
      // The first finds neither the filter installed nor the programs in
      // memory.
      if (i == 0) seconds.clear();
    }
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    Add("seccomp dump of a process, median of 20", Median(seconds) * 1000, "ms",
        50);
    return good;
  }

  Status OtherSuite(const std::string& name,
                    const std::vector<std::string>& arguments, double target) {
    LAB_TRY(const auto dir,
            TempDir::In(std::filesystem::temp_directory_path(), "bench-"));
    LAB_TRY(const double seconds, RunSuiteInto(dir.path(), arguments));
    Add(name, seconds, "s", target);
    return {};
  }

  // What became of each case, but not how long it took.
  static std::map<std::string, Verdict> VerdictsOf(const RunState& state) {
    std::map<std::string, Verdict> verdicts;
    for (const auto& one : state.cases) {
      if (one.verdict) verdicts[one.id] = *one.verdict;
    }
    return verdicts;
  }

  Status WholeSuite() {
    LAB_TRY(const auto dir,
            TempDir::In(std::filesystem::temp_directory_path(), "bench-"));
    LAB_TRY(const double total, RunSuiteInto(dir.path(), {"apparmor"}));
    LAB_TRY(const auto text, ReadFile(dir.path() / "records.jsonl"));
    LAB_TRY(const auto records, ParseRecords(text));
    LAB_TRY(const auto state, ReadRun(text));
    cold_ = VerdictsOf(state);
    for (const auto& phase : state.phases) {
      Add("phase " + phase.name, phase.seconds, "s");
    }
    const auto fact = [&](const char* name) {
      const auto it = state.facts.find(name);
      return it == state.facts.end() ? 0.0 : std::stod(it->second);
    };
    Add("control plane serves", fact("seconds.control-plane"), "s");
    Add("both nodes Ready after start", fact("seconds.nodes-ready"), "s", 20);
    FirstVerdict("first verdict", records, state, 25);
    Add("every scenario, lab included", total, "s", 150);
    return {};
  }

  void FirstVerdict(const std::string& name, const std::vector<json>& records,
                    const RunState& state, double target) {
    for (const auto& record : records) {
      if (record.at("event") != "case-end") continue;
      Add(name, record.at("t").get<double>() - state.first_t, "s", target);
      return;
    }
  }

  // A lab is saved and ended; then a run goes on from there.
  Status FromSaved() {
    const std::string name = "bench-" + RandomHex(4);
    LAB_TRY(const auto up,
            RunOk({.argv = {kRunner, "lab", "up", "--quiet", "--name", name},
                   .timeout = 5min}));
    const Stopwatch watch;
    const auto saved = RunOk(
        {.argv = {kRunner, "lab", "save", "--quiet", name}, .timeout = 5min});
    Add("save a lab", watch.Seconds(), "s");
    LAB_TRY(const auto down, RunOk({.argv = {kRunner, "lab", "down", name}}));
    if (!saved) return saved.error();
    const Status measured = RunFrom(name);
    LAB_TRY(const auto gone, RunOk({.argv = {kRunner, "lab", "forget", name}}));
    return measured;
  }

  Status RunFrom(const std::string& saved) {
    LAB_TRY(const auto dir,
            TempDir::In(std::filesystem::temp_directory_path(), "bench-"));
    LAB_TRY(const double total,
            RunSuiteInto(dir.path(), {"apparmor", "--from-saved", saved}));
    LAB_TRY(const auto text, ReadFile(dir.path() / "records.jsonl"));
    LAB_TRY(const auto records, ParseRecords(text));
    LAB_TRY(const auto state, ReadRun(text));
    FirstVerdict("first verdict from a saved lab", records, state, 8);
    Add("every scenario from a saved lab", total, "s");
    if (VerdictsOf(state) != cold_) {
      return Error{"the saved lab's verdicts are not those of the cold one"};
    }
    return {};
  }

  Status PodsAndExecs() {
    const std::string name = "bench-" + RandomHex(4);
    LAB_TRY(const auto up,
            RunOk({.argv = {kRunner, "lab", "up", "--quiet", "--name", name},
                   .timeout = 5min}));
    const Status measured = InLab(name);
    LAB_TRY(const auto down, RunOk({.argv = {kRunner, "lab", "down", name}}));
    return measured;
  }

  Status InLab(const std::string& name) {
    LAB_TRY(const Path cache, DefaultCacheRoot());
    LAB_TRY(const auto lab, LabFile::Load(cache / "labs" / name));
    const Api api(lab.api_socket);
    LAB_TRY(const auto text, ReadFile(Path(LAB_SOURCE_DIR) / "fixtures" /
                                      "pods" / "hello-control.yaml"));
    LAB_TRY(pod_, ParseYaml(text, "hello-control.yaml"));
    // The first pods load what all share.
    for (int i = 0; i < 2; ++i) {
      LAB_TRY([[maybe_unused]] const double warm,
              Pod(api, fmt::format("warm-{}", i)));
    }
    constexpr int kPods = 10;
    const double before = CpuSeconds(lab, "qemu");
    const Stopwatch watch;
    std::vector<double> seconds;
    for (int i = 0; i < kPods; ++i) {
      LAB_TRY(const double one, Pod(api, fmt::format("pod-{}", i)));
      seconds.push_back(one);
    }
    Add("pod create to Ready, median of 10", Median(seconds), "s", 2.3);
    // The rough recipe: 1.2 s of both cores.
    Add("CPU a pod, all nodes", (CpuSeconds(lab, "qemu") - before) / kPods, "s",
        2.4);
    LAB_CHECK_OK(Together(api, 10));
    LAB_CHECK_OK(Execs(api));
    Add("resident memory of the lab", ResidentGiB(lab), "GiB", 3);
    return {};
  }

  // Seconds from create to Ready.
  Result<double> Pod(const Api& api, const std::string& name) {
    json pod = pod_;
    pod["metadata"]["name"] = name;
    const Stopwatch watch;
    LAB_TRY(const auto made, api.Post("/api/v1/namespaces/default/pods", pod));
    LAB_TRY(const auto ready,
            api.Watch({.path = "/api/v1/namespaces/default/pods?watch=1&"
                               "fieldSelector=metadata.name=" +
                               name,
                       .what = "pod " + name,
                       .timeout = 60s,
                       .done = [](const std::string&, const json& seen) {
                         const json none = json::array();
                         for (const auto& c :
                              seen.at("status").value("conditions", none)) {
                           if (c.value("type", "") == "Ready" &&
                               c.value("status", "") == "True") {
                             return true;
                           }
                         }
                         return false;
                       }}));
    return watch.Seconds();
  }

  Status Together(const Api& api, int count) {
    const Stopwatch watch;
    std::vector<std::future<Result<double>>> pods;
    for (int i = 0; i < count; ++i) {
      pods.push_back(std::async(std::launch::async, [&, i] {
        return Pod(api, fmt::format("together-{}", i));
      }));
    }
    for (auto& pod : pods) {
      LAB_TRY([[maybe_unused]] const double one, pod.get());
    }
    Add("10 pods at once", watch.Seconds(), "s");
    return {};
  }

  Status Execs(const Api& api) {
    std::vector<double> seconds;
    for (int i = 0; i < 10; ++i) {
      const Stopwatch watch;
      LAB_TRY(const auto ran, api.Exec({.name_space = "default",
                                        .pod = "pod-0",
                                        .container = "",
                                        .argv = {"true"}}));
      if (ran.status != 0) return Error{"exec: " + ran.failure};
      seconds.push_back(watch.Seconds());
    }
    Add("exec, median of 10", Median(seconds), "s");
    return {};
  }

  json pod_;
  Figures& figures_;
  std::map<std::string, Verdict> cold_;  ///< of the default lab
};

Status Measure(const std::set<std::string>& parts, Figures& figures) {
  Bench bench(figures);
  if (parts.contains("host")) LAB_CHECK_OK(bench.MeasureHost());
  if (parts.contains("vm")) LAB_CHECK_OK(bench.MeasureVm());
  if (parts.contains("kind")) LAB_CHECK_OK(MeasureKind(figures));
  return {};
}

int Main(std::set<std::string> parts) {
  const std::set<std::string> known = {"host", "vm", "kind"};
  for (const auto& part : parts) {
    if (known.contains(part)) continue;
    fmt::print(stderr, "bench: no part \"{}\"; parts: host, vm, kind\n", part);
    return 2;
  }
  if (parts.empty()) parts = known;
  Figures figures;
  const auto measured = Measure(parts, figures);
  figures.Print();
  const Path out = Path(LAB_SOURCE_DIR) / "reports" / "runs" / "bench.json";
  if (MakeDirectories(out.parent_path()) && figures.WriteJson(out)) {
    fmt::print("\n{}\n", out.string());
  }
  if (measured) return 0;
  fmt::print(stderr, "bench: {}\n", measured.error().what);
  return 3;
}

}  // namespace
}  // namespace lab::bench

int main(int argc, char** argv) {
  return lab::bench::Main({argv + 1, argv + argc});
}
