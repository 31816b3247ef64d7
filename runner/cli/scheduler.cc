// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/scheduler.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>

#include "runner/base/stop.h"
#include "runner/base/text.h"
#include "runner/cluster/node.h"

namespace lab {
namespace {

using nlohmann::json;

class Scheduler {
 public:
  Scheduler(const ScheduleRequest& request,
            const std::vector<Scenario>& scenarios, Journal& journal,
            Terminal& terminal)
      : request_(request),
        journal_(journal),
        terminal_(terminal),
        waiting_(scenarios.begin(), scenarios.end()) {
    for (const auto& process : request.lab->processes) {
      lab_fds_.push_back(process.id.Open());
    }
  }

  ~Scheduler() {
    std::error_code code;
    std::filesystem::remove(VerdictsDue(), code);
  }
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  void Run() {
    while (!waiting_.empty() || !running_.empty()) {
      if (abort_.empty()) CheckWorld();
      if (!abort_.empty()) {
        Abort();
        return;
      }
      StartWhatMay();
      Wait();
      FinishWhatEnded();
    }
  }

 private:
  struct Running {
    Scenario scenario;
    Process process;
    Stopwatch watch;
    Deadline deadline;
    Path log;
  };

  void CheckWorld() {
    if (stop::Requested()) {
      abort_ = "interrupted: the run was stopped before this case ended";
    } else if (const auto damage = FindDamage(*request_.lab)) {
      abort_ = "lab-damaged: " + *damage;
      terminal_.Note("the lab is damaged: " + *damage);
    }
  }

  bool MayStart(const Scenario& scenario) const {
    if (static_cast<int>(running_.size()) >= request_.jobs) return false;
    if (running_.empty()) return true;
    return !scenario.exclusive && !running_.front().scenario.exclusive;
  }

  void StartWhatMay() {
    while (!waiting_.empty() && MayStart(waiting_.front())) {
      const Scenario scenario = std::move(waiting_.front());
      waiting_.pop_front();
      Start(scenario);
    }
  }

  Path VerdictsDue() const { return request_.log_directory / "due.lock"; }

  // Whether all that is left runs at the same time as this one. Then nobody
  // waits for its end, and its tidying up would only delay others' verdicts.
  bool IsOfTheLast() const {
    const bool exclusive =
        std::any_of(waiting_.begin(), waiting_.end(),
                    [](const auto& one) { return one.exclusive; });
    return !exclusive && running_.size() + 1 + waiting_.size() <=
                             static_cast<std::size_t>(request_.jobs);
  }

  // Why it cannot be run: the profiles it needs that could not be loaded.
  std::string FaultOf(const Scenario& scenario) const {
    std::vector<std::string> faults;
    for (const auto& profile : scenario.profiles) {
      const auto fault = request_.faults.find(profile);
      if (fault != request_.faults.end()) faults.push_back(fault->second);
    }
    for (const auto& file : scenario.seccomp) {
      const auto fault = request_.faults.find(file);
      if (fault != request_.faults.end()) faults.push_back(fault->second);
    }
    return Join(faults, "; ");
  }

  void Start(const Scenario& scenario) {
    if (const auto fault = FaultOf(scenario); !fault.empty()) {
      EndCase(scenario, "error", "profile-not-loaded: " + fault, 0);
      return;
    }
    const Path log = request_.log_directory / (scenario.Name() + ".log");
    auto process = Process::Start(
        {.argv = {request_.suite_binary.string(),
                  "--gtest_filter=*." + scenario.TestName()},
         .env = {{"LAB_FILE", request_.lab_json.string()},
                 {"LAB_RECORDS", journal_.records().string()},
                 {"LAB_HOME", request_.home.string()},
                 {"LAB_CASE", scenario.id},
                 {"LAB_VERDICTS_DUE",
                  IsOfTheLast() ? VerdictsDue().string() : ""},
                 {"LAB_THROWAWAY", request_.throwaway ? "1" : "0"}},
         .log = log,
         .guard = true});
    terminal_.CaseStarted(scenario.id);
    if (!process) {
      EndCase(scenario, "error", process.error().what, 0);
      return;
    }
    running_.push_back({scenario, std::move(*process), Stopwatch(),
                        Deadline::In(scenario.deadline), log});
  }

  void Wait() {
    std::vector<pollfd> fds = {{stop::Fd(), POLLIN, 0}};
    Duration least = 10s;
    for (const auto& one : running_) {
      fds.push_back({one.process.fd(), POLLIN, 0});
      least = std::min(least, one.deadline.Left());
    }
    for (const auto& fd : lab_fds_) fds.push_back({fd.get(), POLLIN, 0});
    ::poll(fds.data(), fds.size(), static_cast<int>(least.count()) + 1);
  }

  void FinishWhatEnded() {
    for (auto it = running_.begin(); it != running_.end();) {
      std::string why;
      if (!it->process.Running()) {
        const auto ended = it->process.Wait(Deadline::In(0s));
        // GoogleTest's status for failed cases, which have said so themselves.
        const bool failed =
            ended.how == Ended::How::kExited && ended.value == 1;
        if (!ended.ok() && !failed) {
          why = fmt::format("crash: the suite ended with {}{}",
                            ended.ToString(), LastWords(*it));
        }
      } else if (it->deadline.Passed()) {
        it->process.Stop(2s);
        why = fmt::format("timeout: no verdict within {} s{}",
                          it->scenario.deadline.count() / 1000, LastWords(*it));
      } else {
        ++it;
        continue;
      }
      Finish(*it, why);
      it = running_.erase(it);
    }
  }

  static std::string LastWords(const Running& one) {
    const auto log = ReadFile(one.log).value_or("");
    const auto last = LastLines(Trim(log), 3);
    return last.empty() ? "" : "; last lines: " + last;
  }

  // `why` not empty: the suite could not give the verdict itself.
  void Finish(const Running& one, const std::string& why) {
    // Alone, no other suite is in the middle of a line.
    if (!why.empty() && running_.size() == 1) {
      (void)journal_.DropTornLine().has_value();
    }
    (void)journal_.Catch().has_value();
    const CaseState* state = journal_.state().Find(one.scenario.id);
    const bool told = state != nullptr && state->verdict.has_value();
    if (!told) {
      EndCase(one.scenario, "error",
              why.empty()
                  ? "no-verdict: the suite ended without one" + LastWords(one)
                  : why,
              one.watch.Seconds());
      return;
    }
    // A crash behind the verdict, in the tidying up, must not be lost.
    if (!why.empty() && abort_.empty() && !IsBad(*state->verdict)) {
      EndCase(one.scenario, "error", why, one.watch.Seconds());
      return;
    }
    const std::string saw = state->reason;
    const std::string damage =
        IsBad(*state->verdict) ? DamageBehind(*state->verdict) : "";
    if (!damage.empty()) {
      EndCase(one.scenario, "error", damage + "; the case saw: " + saw,
              one.watch.Seconds());
    } else if (const auto missing = MissingEvidence(one.scenario, *state);
               !missing.empty()) {
      EndCase(one.scenario, "error",
              "evidence-missing: the case passed without showing: " + missing,
              state->seconds);
    } else {
      Rule(one.scenario, *state);
    }
  }

  // What the list of known issues makes of the suite's own verdict.
  void Rule(const Scenario& scenario, const CaseState& state) {
    const auto ruling = RuleOn(
        request_.known_issues, scenario.id, *state.verdict, state.Headline(),
        request_.lab->facts, state.node, TimestampUtc().substr(0, 10));
    if (!ruling) {
      Show(scenario.id);
      return;
    }
    if (ruling->verdict == Verdict::kFail) {
      terminal_.Note(scenario.id + ": " + ruling->reason);
    }
    EndCase(scenario, std::string(ToString(ruling->verdict)), ruling->reason,
            state.seconds);
  }

  // Kinds that the catalog promises and a passing case has not noted.
  static std::string MissingEvidence(const Scenario& scenario,
                                     const CaseState& state) {
    std::vector<std::string> missing;
    if (state.verdict != Verdict::kPass) return "";
    for (const auto& kind : scenario.evidence) {
      const bool shown = std::any_of(
          state.evidence.begin(), state.evidence.end(),
          [&](const auto& evidence) { return evidence.kind == kind; });
      if (!shown) missing.push_back(kind);
    }
    return Join(missing, ", ");
  }

  // A case may notice that a node is gone before the node's process has been
  // reaped; then the lab's last words say more than the case's, and what it
  // took for a failure of the product is none. The case's own errors are most
  // often that; where it fails, a node that does not answer tells.
  std::string DamageBehind(Verdict verdict) {
    const bool failed = verdict != Verdict::kError;
    // Said before somebody stopped the run, it stands.
    if (failed && stop::Requested()) return "";
    if (!abort_.empty()) return abort_;
    const std::string silent = failed ? SilentNode() : "";
    if (failed && silent.empty()) return "";
    std::vector<pollfd> fds;
    for (const auto& fd : lab_fds_) fds.push_back({fd.get(), POLLIN, 0});
    const Duration patience = failed ? 5s : 300ms;
    ::poll(fds.data(), fds.size(), static_cast<int>(patience.count()));
    CheckWorld();
    if (!abort_.empty() || silent.empty()) return abort_;
    return "lab-damaged: " + silent + " does not answer";
  }

  // The first node that one can log in to, and that does not answer.
  std::string SilentNode() const {
    for (const auto& node : request_.lab->nodes) {
      if (node.login.command.empty()) continue;
      const NodeShell shell(*request_.lab, node.name);
      if (!shell.AskOk({"true"}, "", 5s)) return node.name;
    }
    return "";
  }

  void EndCase(const Scenario& scenario, const std::string& verdict,
               const std::string& reason, double seconds) {
    const auto written = journal_.Write({{"event", "case-end"},
                                         {"id", scenario.id},
                                         {"verdict", verdict},
                                         {"reason", reason},
                                         {"seconds", seconds}});
    if (!written) terminal_.Note(written.error().what);
    Show(scenario.id);
  }

  void Show(const std::string& id) {
    const auto saved = journal_.SaveJunit();
    if (!saved) terminal_.Note(saved.error().what);
    const CaseState* state = journal_.state().Find(id);
    if (state == nullptr || !state->verdict) return;
    terminal_.CaseEnded(id, *state->verdict, state->seconds, state->Headline(),
                        journal_.state().Reproduce(id));
  }

  void Abort() {
    // All at once: one after the other would cost each its own grace.
    for (auto& one : running_) one.process.Kill();
    for (auto& one : running_) Finish(one, abort_);
    running_.clear();
    for (const auto& scenario : waiting_) {
      EndCase(scenario, "error", abort_, 0);
    }
    waiting_.clear();
  }

  const ScheduleRequest& request_;
  Journal& journal_;
  Terminal& terminal_;
  std::vector<UniqueFd> lab_fds_;  ///< readable when a process has ended
  std::deque<Scenario> waiting_;
  std::vector<Running> running_;
  std::string abort_;
};

}  // namespace

void RunCases(const ScheduleRequest& request,
              const std::vector<Scenario>& scenarios, Journal& journal,
              Terminal& terminal) {
  Scheduler(request, scenarios, journal, terminal).Run();
}

}  // namespace lab
