// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fmt/os.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "runner/base/stop.h"
#include "runner/base/text.h"
#include "runner/cli/catalog.h"
#include "runner/cli/commands.h"
#include "runner/cli/dry_run.h"
#include "runner/cli/fixtures.h"
#include "runner/cli/known_issues.h"
#include "runner/cli/matrix.h"
#include "runner/cli/provision.h"
#include "runner/cli/report_directory.h"
#include "runner/cli/saved_provision.h"
#include "runner/cli/scheduler.h"
#include "runner/cli/statements.h"
#include "runner/lab/store.h"
#include "runner/process/own_program.h"
#include "runner/report/journal.h"
#include "runner/report/page.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr int kJobsPerWorker = 3;

TerminalOptions WithTitle(TerminalOptions options, const std::string& title) {
  options.title = title;
  return options;
}

class SuiteRun {
 public:
  SuiteRun(const Context& context, const RunOptions& options)
      : context_(context),
        options_(options),
        terminal_(WithTitle(context.terminal, options.title)),
        run_id_(RandomHex(6)) {}

  /// Shows what Run() would do.
  ExitCode DryRun() {
    if (const auto planned = Plan(); !planned) {
      return Complain(planned.error());
    }
    const auto shown = PrintDryRun(context_, options_, plan_, scenarios_);
    return shown ? ExitCode::kOk : Complain(shown.error());
  }

  ExitCode Run() {
    const auto planned = Plan();
    if (!planned && options_.combination.empty()) {
      return Complain(planned.error());
    }
    if (planned && scenarios_.empty()) {
      fmt::print(stderr,
                 "runner: nothing selected: \"{}\" matches no case of "
                 "{}; `runner list` shows them\n",
                 options_.filter, options_.suite);
    }
    if (const auto opened = OpenJournal(); !opened) {
      return Complain(opened.error());
    }
    Status prepared =
        planned ? Prepare()
                : Phase("plan", "what is asked for", [&] { return planned; });
    if (prepared && !scenarios_.empty()) {
      terminal_.SetTotal(scenarios_.size());
      RunCases({.home = context_.home,
                .suite_binary = SuiteBinary(),
                .log_directory = directory_ / "cases",
                .lab = &file_,
                .lab_json = lab_json_.empty() ? file_.directory / "lab.json"
                                              : lab_json_,
                .throwaway = lab_ != nullptr && lab_->throwaway(),
                .jobs = Jobs(),
                .known_issues = known_issues_,
                .faults = faults_},
               scenarios_, *journal_, terminal_);
    } else if (!prepared) {
      GiveUp(prepared.error());
    }
    const ExitCode code = Verdict(prepared);
    Finish(code);
    return code;
  }

 private:
  // Everything a person can have got wrong, before anything is built.
  Status Plan() {
    LAB_TRY(catalog_, LoadCatalog(context_.home, options_.suite));
    LAB_TRY(scenarios_, SelectScenarios(catalog_, options_.filter));
    if (!options_.cases.empty()) KeepChosenCases();
    for (auto& scenario : scenarios_) {
      if (options_.timeout_seconds == 0) break;
      scenario.deadline = std::chrono::seconds(options_.timeout_seconds);
    }
    LAB_TRY(statements_, LoadStatements(context_.home));
    LAB_CHECK_OK(PlanSabotage());
    LAB_TRY(known_issues_, LoadKnownIssuesFor(context_.home, options_.suite,
                                              options_.known_issues));
    // What is broken on purpose must be seen to fail.
    if (sabotage_) known_issues_.clear();
    LAB_TRY(plan_, PlanLab(context_, options_.lab));
    if (plan_.lab == "kubeconfig" && options_.keep_lab) {
      return UsageError(
          "--keep-lab: the cluster of a kubeconfig goes on anyway, and what a "
          "run makes in it does not");
    }
    if (!options_.from_saved.empty()) return PlanFromSaved();
    if (options_.use_lab.empty()) return {};
    if (!plan_.options.empty()) {
      return UsageError(
          fmt::format("--use-lab {} takes the lab as it is; leave out {}",
                      options_.use_lab, plan_.options));
    }
    LAB_TRY(file_, LabStore(context_.cache).FindAlive(options_.use_lab));
    return {};
  }

  void KeepChosenCases() {
    std::erase_if(scenarios_, [&](const Scenario& scenario) {
      return std::find(options_.cases.begin(), options_.cases.end(),
                       scenario.id) == options_.cases.end();
    });
  }

  Status PlanFromSaved() {
    if (!options_.use_lab.empty() || !plan_.options.empty()) {
      return UsageError(fmt::format(
          "--from-saved {} makes a lab as it was saved; leave out {}",
          options_.from_saved,
          options_.use_lab.empty() ? plan_.options : "--use-lab"));
    }
    LAB_TRY(const auto saved, FindRestorable(context_, options_.from_saved));
    plan_.options = "--from-saved " + saved.name;
    return {};
  }

  Status PlanSabotage() {
    if (options_.sabotage.empty()) return {};
    LAB_TRY(const auto known, LoadSabotages(context_.home, options_.suite));
    std::vector<std::string> names;
    for (const auto& one : known) {
      if (one.name == options_.sabotage) sabotage_ = one;
      names.push_back(one.name);
    }
    if (sabotage_) return {};
    return UsageError(fmt::format("unknown sabotage \"{}\"; known: {}",
                                  options_.sabotage, Join(names, ", ")));
  }

  Status OpenJournal() {
    directory_ = options_.report_dir.empty()
                     ? NewReportDirectory(context_.home, run_id_)
                     : fs::absolute(options_.report_dir);
    const Path junit =
        options_.junit.empty() ? Path() : fs::absolute(options_.junit);
    LAB_TRY(auto journal, Journal::Create(directory_, junit));
    journal_.emplace(std::move(journal));
    LAB_CHECK_OK(MakeDirectories(directory_ / "cases"));
    if (options_.report_dir.empty()) PointLatestAt(context_.home, directory_);
    json ids = json::array();
    for (const auto& scenario : scenarios_) ids.push_back(scenario.id);
    LAB_CHECK_OK(journal_->Write({{"event", "run"},
                                  {"id", run_id_},
                                  {"suite", options_.suite},
                                  {"started", TimestampUtc()},
                                  {"version", LAB_VERSION},
                                  {"argv", options_.argv},
                                  {"cases", ids}}));
    LAB_CHECK_OK(RecordClaims());
    LAB_CHECK_OK(RecordOptions());
    return journal_->SaveJunit();
  }

  // The records tell what was tested, also when the catalog has changed.
  Status RecordClaims() {
    for (const auto& scenario : scenarios_) {
      json expect = json::array();
      for (const auto& [kubernetes, text] : scenario.expect) {
        expect.push_back({{"kubernetes", kubernetes}, {"text", text}});
      }
      json statements = json::array();
      for (const auto& id : scenario.statements) {
        const auto* one = FindStatement(statements_, id);
        if (one == nullptr) continue;
        statements.push_back(
            {{"id", id}, {"document", one->document}, {"text", one->claim}});
      }
      LAB_CHECK_OK(journal_->Write({{"event", "claim"},
                                    {"id", scenario.id},
                                    {"text", scenario.claim},
                                    {"expect", expect},
                                    {"statements", statements}}));
    }
    return {};
  }

  template <typename Step>
  Status Phase(const std::string& name, const std::string& text, Step&& step) {
    const Stopwatch watch;
    LAB_CHECK_OK(journal_->Phase(name, text));
    const Status status = step();
    LAB_CHECK_OK(journal_->PhaseEnd(name, watch.Seconds(), status, "ready"));
    return status;
  }

  Status Prepare() {
    if (scenarios_.empty()) return {};
    if (options_.use_lab.empty()) LAB_CHECK_OK(Provision());
    LAB_CHECK_OK(RecordFacts());
    if (sabotage_) LAB_CHECK_OK(BreakLab());
    return Phase("profiles", "load the suite's profiles on every worker",
                 [&]() -> Status {
                   LAB_TRY(faults_,
                           PrepareNodes(context_.home, file_, Wants(scenarios_),
                                        sabotage_, terminal_));
                   return {};
                 });
  }

  // The cases get a lab.json of their own, which may lie.
  Status BreakLab() {
    return Phase("sabotage", sabotage_->summary, [&]() -> Status {
      LabFile seen = file_;
      LAB_CHECK_OK(BeginSabotage(context_.home, *sabotage_, seen));
      lab_json_ = directory_ / "lab-under-sabotage.json";
      return seen.SaveTo(lab_json_);
    });
  }

  Status GetParts(LabParts& parts) {
    return Phase("parts", "components, from the cache or built", [&] {
      auto provided =
          ProvidePlannedParts(context_, options_.lab, plan_, terminal_);
      if (provided) parts = *provided;
      return provided ? Status() : Status(provided.error());
    });
  }

  Status Provision() {
    LAB_CHECK_OK(Phase("host", "what this machine must have",
                       [&] { return CheckHost(context_, plan_); }));
    LabParts parts;
    if (options_.from_saved.empty()) {
      if (options_.lab.lab == "auto") terminal_.Note(WhyTheVmLab());
      LAB_CHECK_OK(GetParts(parts));
    }
    return Phase("lab", "control plane and nodes", [&]() -> Status {
      const std::string name = "run-" + run_id_;
      if (options_.keep_lab) {
        LAB_CHECK_OK(StartKeeper({.lab = options_.lab,
                                  .name = name,
                                  .from_saved = options_.from_saved,
                                  .node = "",
                                  .command = {}},
                                 terminal_));
        LAB_TRY(file_, LabStore(context_.cache).Find(name));
        return {};
      }
      auto lab =
          options_.from_saved.empty()
              ? ProvisionLab(context_, options_.lab, plan_, parts, name,
                             terminal_)
              : ProvideSavedLab(context_, options_.from_saved, name, terminal_);
      if (lab) {
        lab_ = std::move(*lab);
        file_ = lab_->file();
        return {};
      }
      const Path remains = LabStore(context_.cache).DirectoryOf(name);
      KeepLogs(remains);
      LabStore(context_.cache).Forget(name);
      return Error{fmt::format("{}\n  logs: {}", lab.error().what,
                               (directory_ / "lab").string()),
                   lab.error().kind};
    });
  }

  // At once, so that a run whose lab does not come up can be repeated too.
  Status RecordOptions() {
    json facts = json::object();
    std::string repeat = plan_.options;
    if (sabotage_) {
      facts["sabotage"] = sabotage_->name;
      repeat += (repeat.empty() ? "" : " ") + ("--sabotage " + sabotage_->name);
    }
    if (!repeat.empty()) facts["reproduce-options"] = repeat;
    if (facts.empty()) return {};
    return journal_->Write({{"event", "facts"}, {"facts", facts}});
  }

  Status RecordFacts() {
    json facts = file_.facts;
    facts["lab"] = file_.kind;
    facts["lab-name"] = file_.name;
    facts["kubernetes"] = file_.kubernetes;
    return journal_->Write({{"event", "facts"}, {"facts", facts}});
  }

  // The lab could not be had: every case is an error that says why.
  void GiveUp(const Error& error) {
    for (const auto& scenario : scenarios_) {
      (void)journal_
          ->Write({{"event", "case-end"},
                   {"id", scenario.id},
                   {"verdict", "error"},
                   {"reason", "no-lab: " + error.what},
                   {"seconds", 0}})
          .has_value();
    }
  }

  // An empty run is as bad as a failing one: nothing was shown.
  ExitCode Verdict(const Status& prepared) const {
    if (stop::Requested()) return InterruptedExitCode();
    if (!prepared) return ExitCodeFor(prepared.error());
    const RunState& state = journal_->state();
    using V = lab::Verdict;
    const bool strict_skip = options_.strict && state.Count(V::kSkip) > 0;
    if (state.Count(V::kFail) + state.Count(V::kFixed) > 0) {
      return ExitCode::kFail;
    }
    if (state.Count(V::kError) + state.CountUnfinished() > 0 || strict_skip) {
      return ExitCode::kError;
    }
    if (state.Count(V::kPass) + state.Count(V::kKnown) == 0) {
      return ExitCode::kNothingRan;
    }
    return ExitCode::kOk;
  }

  void Finish(ExitCode code) {
    // First the report, then the lab: the report must survive a second signal.
    (void)journal_
        ->Write({{"event", "run-end"},
                 {"exit", static_cast<int>(code)},
                 {"seconds", watch_.Seconds()},
                 {"interrupted", stop::Signal()}})
        .has_value();
    if (const auto saved = journal_->SaveJunit(); !saved) {
      terminal_.Note(saved.error().what);
    }
    const auto page = journal_->SaveHtml(PageFrame(context_.home));
    if (!page) terminal_.Note(page.error().what);
    // A cluster that goes on must not keep what the run put on its nodes.
    std::optional<stop::Unheard> cleaning;
    if (lab_ && !lab_->throwaway()) cleaning.emplace();
    if ((!lab_ || !lab_->throwaway()) && !file_.name.empty() &&
        !stop::Requested()) {
      auto cleaned = CleanNodes(file_, Wants(scenarios_), sabotage_);
      if (!lab_json_.empty()) {
        const auto mended = EndSabotage(context_.home, *sabotage_, file_);
        if (!mended) cleaned = mended;
      }
      if (!cleaned) terminal_.Note("clean up: " + cleaned.error().what);
    }
    if (lab_) {
      KeepLogs(file_.directory);
      const auto down = lab_->Down();
      if (!down) terminal_.Note(down.error().what);
    }
    terminal_.Summary(journal_->state(),
                      {.junit = journal_->junit(),
                       .html = page ? journal_->html() : Path(),
                       .records = journal_->records()});
    if (options_.keep_lab && !file_.name.empty()) {
      fmt::print(stderr,
                 "the lab goes on: runner lab shell --lab {0} NODE, "
                 "runner lab down {0}\n",
                 file_.name);
    }
  }

  // The lab's logs outlive the lab, in the report.
  void KeepLogs(const Path& lab) const {
    std::error_code code;
    const auto options =
        fs::copy_options::recursive | fs::copy_options::overwrite_existing;
    fs::copy(lab / "logs", directory_ / "lab", options, code);
    fs::copy(lab / "lab.json", directory_ / "lab" / "lab.json", options, code);
  }

  int Jobs() const {
    if (options_.jobs > 0) return options_.jobs;
    return kJobsPerWorker * static_cast<int>(file_.Workers().size());
  }

  Path SuiteBinary() const {
    return OwnProgram().parent_path() / "suites" / ("suite-" + options_.suite);
  }

  const Context& context_;
  const RunOptions& options_;
  Terminal terminal_;
  const std::string run_id_;
  Stopwatch watch_;
  Catalog catalog_;
  std::vector<Scenario> scenarios_;
  std::vector<Statement> statements_;
  std::optional<Sabotage> sabotage_;
  Path lab_json_;  ///< not empty: another than the lab's own
  std::vector<KnownIssue> known_issues_;
  ProfileFaults faults_;
  LabPlan plan_;
  Path directory_;
  std::optional<Journal> journal_;
  std::unique_ptr<Lab> lab_;
  LabFile file_;
};

ExitCode PrintSabotages(const Context& context, const RunOptions& options) {
  const auto known = LoadSabotages(context.home, options.suite);
  if (!known) return Complain(known.error());
  for (const auto& one : *known) {
    fmt::print("{:<20} {}\n", one.name, one.summary);
  }
  return ExitCode::kOk;
}

}  // namespace

ExitCode RunSuite(const Context& context, const RunOptions& options) {
  if (options.suite.empty()) {
    return Complain(
        UsageError(fmt::format("which suite? --suite NAME; known: {}",
                               Join(SuiteNames(context.home), ", "))));
  }
  if (options.list_sabotage) return PrintSabotages(context, options);
  if (!options.matrix.empty()) return RunMatrix(context, options);
  if (options.resume) {
    return Complain(
        UsageError("--resume goes on with a matrix: --matrix NAME"));
  }
  SuiteRun run(context, options);
  return options.dry_run ? run.DryRun() : run.Run();
}

}  // namespace lab
