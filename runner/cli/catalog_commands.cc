// SPDX-License-Identifier: Apache-2.0
// `runner list`, `runner explain`, `runner doctor`, `runner fetch`.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/cli/catalog.h"
#include "runner/cli/commands.h"
#include "runner/cli/doctor.h"
#include "runner/cli/provision.h"

namespace lab {
namespace {

using nlohmann::json;

json ToJson(const Scenario& scenario) {
  json expect = json::array();
  for (const auto& [range, text] : scenario.expect) {
    expect.push_back({{"kubernetes", range}, {"text", text}});
  }
  return {{"id", scenario.id},
          {"statements", scenario.statements},
          {"claim", scenario.claim},
          {"document", scenario.document},
          {"expect", expect},
          {"evidence", scenario.evidence},
          {"why", scenario.why},
          {"fixtures", scenario.fixtures},
          {"profiles", scenario.profiles},
          {"deadline_seconds", scenario.deadline.count() / 1000}};
}

void PrintFile(const std::string& title, const Path& path) {
  const auto text = ReadFile(path);
  fmt::print("\n--- {} ---\n{}", title,
             text ? *text : "(" + text.error().what + ")\n");
}

const char* Mark(Finding::Level level) {
  switch (level) {
    case Finding::Level::kGood:
      return "ok";
    case Finding::Level::kNote:
      return "note";
    case Finding::Level::kMissing:
      return "MISSING";
  }
  return "";
}

// `--kubernetes all` is every version there is.
Result<std::vector<LabOptions>> EachVersion(const Context& context,
                                            const LabOptions& options) {
  if (options.kubernetes != "all") return std::vector{options};
  LAB_TRY(const auto table, LoadComponentTable(context.home));
  std::vector<LabOptions> each;
  for (const auto& version : table.kubernetes) {
    each.push_back(options);
    each.back().kubernetes = version.version;
  }
  return each;
}

Status FetchOne(const Context& context, const LabOptions& options,
                Terminal& terminal) {
  LAB_TRY(const auto plan, PlanLab(context, options));
  LAB_CHECK_OK(CheckHost(context, plan));
  LAB_TRY(const auto parts,
          ProvidePlannedParts(context, options, plan, terminal));
  terminal.Note("all parts of Kubernetes " + plan.kubernetes.version +
                " are in " + context.cache.string());
  return {};
}

}  // namespace

ExitCode ListScenarios(const Context& context, const std::string& suite,
                       bool as_json) {
  const auto suites = suite.empty() ? SuiteNames(context.home)
                                    : std::vector<std::string>{suite};
  json all = json::array();
  for (const auto& name : suites) {
    const auto catalog = LoadCatalog(context.home, name);
    if (!catalog) return Complain(catalog.error());
    for (const auto& scenario : catalog->scenarios) {
      if (as_json) {
        all.push_back(ToJson(scenario));
        continue;
      }
      fmt::print("{:<38} {:<16} {}\n", scenario.id,
                 Join(scenario.statements, ","), scenario.claim);
    }
  }
  if (as_json) fmt::print("{}\n", all.dump(2));
  return ExitCode::kOk;
}

ExitCode Explain(const Context& context, const std::string& id) {
  const auto scenario = FindScenario(context.home, id);
  if (!scenario) return Complain(scenario.error());
  fmt::print("{}\n\nclaim:     {}\ndocuments: {} ({})\n\nexpected:\n",
             scenario->id, scenario->claim, scenario->document,
             Join(scenario->statements, ", "));
  for (const auto& [range, text] : scenario->expect) {
    fmt::print("  Kubernetes {}: {}\n", range, text);
  }
  fmt::print(
      "\nevidence:  {}\nwhy:       {}\nrun it:    build/runner --suite "
      "{} --filter {}\n",
      Join(scenario->evidence, ", "), scenario->why,
      scenario->id.substr(0, scenario->id.find('.')), scenario->Name());
  for (const auto& fixture : scenario->fixtures) {
    PrintFile(fixture, context.home / fixture);
  }
  for (const auto& profile : scenario->profiles) {
    PrintFile("profiles/apparmor/" + profile,
              context.home / "profiles" / "apparmor" / profile);
  }
  return ExitCode::kOk;
}

ExitCode Doctor(const Context& context, const LabOptions& options,
                bool as_json) {
  const auto plan = PlanLab(context, options);
  if (!plan) return Complain(plan.error());
  json all = json::array();
  bool missing = false;
  for (const auto& finding : Diagnose(context, *plan)) {
    missing = missing || finding.level == Finding::Level::kMissing;
    if (as_json) {
      all.push_back({{"name", finding.name},
                     {"state", Mark(finding.level)},
                     {"seen", finding.seen},
                     {"mend", finding.mend}});
      continue;
    }
    fmt::print("{:<8} {:<26} {}\n", Mark(finding.level), finding.name,
               finding.seen);
    if (!finding.mend.empty()) {
      fmt::print("{:<8} {:<26} mend it with: {}\n", "", "", finding.mend);
    }
  }
  if (as_json) {
    fmt::print("{}\n", json{{"ok", !missing}, {"findings", all}}.dump(2));
  }
  return missing ? ExitCode::kProvision : ExitCode::kOk;
}

ExitCode Fetch(const Context& context, const LabOptions& options) {
  const auto wanted = EachVersion(context, options);
  if (!wanted) return Complain(wanted.error());
  Terminal terminal(context.terminal);
  for (const auto& one : *wanted) {
    const auto fetched = FetchOne(context, one, terminal);
    if (!fetched) return Complain(fetched.error());
  }
  return ExitCode::kOk;
}

ExitCode Complain(const Error& error) {
  fmt::print(stderr, "runner: {}\n", error.what);
  return ExitCodeFor(error);
}

}  // namespace lab
