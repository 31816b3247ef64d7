// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/matrix_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "runner/base/text.h"
#include "runner/cli/catalog.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

Error At(const MatrixFile& file, const Combination& combination,
         const Error& error) {
  return error.Within(fmt::format("{}:{}: combination \"{}\"",
                                  file.path.string(), combination.line,
                                  combination.name));
}

LabOptions OptionsOf(const Combination& combination, const Path& home,
                     LabOptions options) {
  options.kubernetes = combination.kubernetes;
  options.node_os = combination.node_os;
  if (!combination.runtime.empty()) options.runtime = combination.runtime;
  if (!combination.accel.empty()) options.accel = combination.accel;
  // An absolute path replaces what stands before it.
  if (!combination.config.empty()) {
    options.config = (home / combination.config).string();
  }
  return options;
}

// What the matrix says of a lab cannot be said on the command line as well.
Status CheckOptions(const RunOptions& options) {
  const LabOptions usual;
  const LabOptions& lab = options.lab;
  const std::pair<const char*, bool> given[] = {
      {"--kubernetes", lab.kubernetes != usual.kubernetes},
      {"--node-os", lab.node_os != usual.node_os},
      {"--config", lab.config != usual.config},
      {"--runtime", lab.runtime != usual.runtime},
      {"--accel", lab.accel != usual.accel},
      {"--node-image", lab.node_image != usual.node_image},
      {"--use-lab", !options.use_lab.empty()},
      {"--keep-lab", options.keep_lab},
      {"--sabotage", !options.sabotage.empty()}};
  for (const auto& [name, is_given] : given) {
    if (!is_given) continue;
    return UsageError(
        fmt::format("--matrix {} says which labs there are; leave out {}",
                    options.matrix, name));
  }
  return {};
}

// The cases that both filters select.
Result<std::vector<std::string>> SelectCases(const Catalog& catalog,
                                             const std::string& filter,
                                             const std::string& further) {
  LAB_TRY(const auto selected, SelectScenarios(catalog, filter));
  if (selected.empty()) {
    return UsageError(fmt::format("filter \"{}\" matches no case of {}", filter,
                                  catalog.suite));
  }
  LAB_TRY(const auto wanted, SelectScenarios(catalog, further));
  std::set<std::string> ids;
  for (const auto& scenario : wanted) ids.insert(scenario.id);
  std::vector<std::string> cases;
  for (const auto& scenario : selected) {
    if (ids.contains(scenario.id)) cases.push_back(scenario.id);
  }
  return cases;
}

// Rows of the table: what any combination selects.
std::vector<std::string> CasesOfAny(const Catalog& catalog,
                                    const MatrixPlan& plan) {
  std::set<std::string> selected;
  for (const auto& one : plan.combinations) {
    selected.insert(one.cases.begin(), one.cases.end());
  }
  std::vector<std::string> cases;
  for (const auto& scenario : catalog.scenarios) {
    if (selected.contains(scenario.id)) cases.push_back(scenario.id);
  }
  return cases;
}

json ReadJsonFile(const Path& path) {
  return json::parse(ReadFile(path).value_or(""), nullptr, false);
}

bool IsOf(const json& kept, const MatrixPlan& plan) {
  return kept.is_object() && kept.value("suite", "") == plan.suite &&
         kept.value("file", "") == plan.file.path.string();
}

bool HasFinishedIn(const Path& directory) {
  const auto run = ReadRun(ReadFile(directory / "records.jsonl").value_or(""));
  return run && HasFinished(*run);
}

// By the plan of that time, whatever the plan is now.
bool AllFinished(const json& kept, const Path& directory) {
  const auto combinations = kept.value("combinations", json::array());
  return std::all_of(combinations.begin(), combinations.end(),
                     [&](const json& one) {
                       return HasFinishedIn(directory / one.value("name", ""));
                     });
}

}  // namespace

Result<MatrixPlan> PlanMatrix(const Context& context,
                              const RunOptions& options) {
  LAB_CHECK_OK(CheckOptions(options));
  LAB_TRY(const auto catalog, LoadCatalog(context.home, options.suite));
  MatrixPlan plan;
  plan.suite = options.suite;
  LAB_TRY(plan.file, LoadMatrix(context.home, options.matrix));
  plan.catalog_sha256 = catalog.sha256;
  for (const auto& one : plan.file.combinations) {
    auto cases = SelectCases(catalog, one.filter, options.filter);
    if (!cases) return At(plan.file, one, cases.error());
    const auto lab = OptionsOf(one, context.home, options.lab);
    auto planned = PlanLab(context, lab);
    if (!planned) return At(plan.file, one, planned.error());
    if (cases->empty()) {
      plan.left_out.push_back(one.name);
    } else {
      plan.combinations.push_back(
          {one, lab, std::move(*planned), std::move(*cases)});
    }
  }
  plan.cases = CasesOfAny(catalog, plan);
  return plan;
}

json PlanToJson(const MatrixPlan& plan) {
  json combinations = json::array();
  for (const auto& one : plan.combinations) {
    combinations.push_back({{"name", one.name()},
                            {"kubernetes", one.lab.kubernetes.version},
                            {"node-os", one.lab.node_os},
                            {"runtime", one.options.runtime},
                            {"config", one.combination.config},
                            {"accel", one.options.accel},
                            {"cases", one.cases}});
  }
  return {{"suite", plan.suite},
          {"file", plan.file.path.string()},
          {"file-sha256", plan.file.sha256},
          {"catalog-sha256", plan.catalog_sha256},
          {"combinations", combinations}};
}

Status CheckSamePlan(const json& kept, const MatrixPlan& plan,
                     const Path& directory) {
  const auto differs = [&](const std::string& what) {
    return UsageError(fmt::format(
        "--resume: {} since {} was begun; without --resume a new run begins",
        what, directory.string()));
  };
  if (!IsOf(kept, plan)) {
    return UsageError(
        fmt::format("--resume: {} holds no run of matrix {} and suite {}",
                    directory.string(), plan.file.name, plan.suite));
  }
  const json now = PlanToJson(plan);
  const auto changed = [&](const char* field) {
    return kept.value(field, json()) != now.at(field);
  };
  if (changed("file-sha256")) {
    return differs(plan.file.path.string() + " has changed");
  }
  if (changed("catalog-sha256")) {
    return differs("the catalog of " + plan.suite + " has changed");
  }
  if (changed("combinations")) {
    return differs(
        "--filter or the versions in the component table have "
        "changed");
  }
  return {};
}

RunState ReadCombination(const PlannedCombination& combination,
                         const std::string& suite, const Path& directory) {
  const auto text = ReadFile(directory / combination.name() / "records.jsonl");
  auto read = ReadRun(text.value_or(""));
  RunState run;
  if (read) {
    run = std::move(*read);
  } else {
    run.phases.push_back({"records", read.error().what, false, 0});
  }
  if (run.suite.empty()) run.suite = suite;
  for (const auto& id : combination.cases) {
    if (run.Find(id) == nullptr) run.cases.emplace_back().id = id;
  }
  // What was measured wins.
  run.facts.emplace("combination", combination.name());
  run.facts.emplace("kubernetes", combination.lab.kubernetes.version);
  run.facts.emplace("node-os", Join({combination.lab.node_os.begin(),
                                     combination.lab.node_os.end()},
                                    " and "));
  run.facts.emplace("default-runtime", combination.options.runtime);
  run.facts.emplace("reproduce-options", combination.lab.options);
  return run;
}

bool HasFinished(const RunState& run) {
  return run.end && run.end->interrupted == 0;
}

std::vector<Path> EarlierRuns(const Path& home, const MatrixPlan& plan) {
  std::vector<Path> runs;
  std::error_code code;
  for (const auto& entry :
       fs::directory_iterator(home / "reports" / "runs", code)) {
    if (IsOf(ReadJsonFile(entry.path() / kMatrixJson), plan)) {
      runs.push_back(entry.path());
    }
  }
  // They are named by the time of their start.
  std::sort(runs.rbegin(), runs.rend());
  return runs;
}

Result<Path> FindResumable(const Path& home, const std::string& report_dir,
                           const MatrixPlan& plan) {
  if (!report_dir.empty()) {
    const Path directory = fs::absolute(report_dir);
    LAB_CHECK_OK(
        CheckSamePlan(ReadJsonFile(directory / kMatrixJson), plan, directory));
    return directory;
  }
  for (const auto& directory : EarlierRuns(home, plan)) {
    const json kept = ReadJsonFile(directory / kMatrixJson);
    if (AllFinished(kept, directory)) continue;
    LAB_CHECK_OK(CheckSamePlan(kept, plan, directory));
    return directory;
  }
  return UsageError(fmt::format(
      "--resume: no unfinished run of matrix {} and suite {} in {}; leave out "
      "--resume to begin one",
      plan.file.name, plan.suite, (home / "reports" / "runs").string()));
}

std::map<std::string, double> LastSeconds(const Path& home,
                                          const MatrixPlan& plan) {
  std::map<std::string, double> seconds;
  for (const auto& directory : EarlierRuns(home, plan)) {
    for (const auto& one : plan.combinations) {
      const RunState run = ReadCombination(one, plan.suite, directory);
      // The cases that are planned, no others, and all of them ended.
      if (HasFinished(run) && run.cases.size() == one.cases.size() &&
          run.CountUnfinished() == 0 && run.Count(Verdict::kPass) > 0) {
        seconds.emplace(one.name(), run.Seconds());
      }
    }
  }
  return seconds;
}

}  // namespace lab
