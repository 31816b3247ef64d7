// SPDX-License-Identifier: Apache-2.0
// `runner doctor`, `runner fetch`.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/cli/commands.h"
#include "runner/cli/doctor.h"
#include "runner/cli/provision.h"

namespace lab {
namespace {

using nlohmann::json;

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
