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
          {"suite", scenario.suite},
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
      Join(scenario->evidence, ", "), scenario->why, scenario->suite,
      scenario->Name());
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

ExitCode Fetch(const Context& context, const LabOptions& asked) {
  LabOptions options = asked;
  const bool all_systems = asked.node_os == "all";
  if (all_systems) options.node_os.clear();
  auto plan = PlanLab(context, options);
  if (!plan) return Complain(plan.error());
  for (const auto& part : plan->table.node_os) {
    if (all_systems) plan->node_os.insert(part.name);
  }
  if (const auto host = CheckHost(context, *plan); !host) {
    return Complain(host.error());
  }
  Terminal terminal(context.terminal);
  const auto parts = ProvidePlannedParts(context, options, *plan, terminal);
  if (!parts) return Complain(parts.error());
  const std::vector<std::string> systems(plan->node_os.begin(),
                                         plan->node_os.end());
  terminal.Note(fmt::format("all parts of Kubernetes {} on {} are in {}",
                            plan->kubernetes.version, Join(systems, ", "),
                            context.cache.string()));
  return ExitCode::kOk;
}

ExitCode Complain(const Error& error) {
  fmt::print(stderr, "runner: {}\n", error.what);
  return ExitCodeFor(error);
}

}  // namespace lab
