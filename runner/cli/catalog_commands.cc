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

// `--node-os all` is every system there is.
Status FetchOne(const Context& context, LabOptions options,
                Terminal& terminal) {
  const bool all_systems = options.node_os == "all";
  if (all_systems) options.node_os.clear();
  LAB_TRY(auto plan, PlanLab(context, options));
  for (const auto& part : plan.table.node_os) {
    if (all_systems) plan.node_os.insert(part.name);
  }
  LAB_CHECK_OK(CheckHost(context, plan));
  LAB_TRY(const auto parts,
          ProvidePlannedParts(context, options, plan, terminal));
  terminal.Note(fmt::format(
      "all parts of Kubernetes {} on {} are in {}", plan.kubernetes.version,
      plan.lab == "kind" ? "kind"
                         : fmt::format("{}", fmt::join(plan.node_os, ", ")),
      context.cache.string()));
  return {};
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
