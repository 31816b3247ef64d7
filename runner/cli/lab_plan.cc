// SPDX-License-Identifier: Apache-2.0
// `runner lab plan`: what a lab makes of a config. Nothing is built or started.
#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "runner/cli/commands.h"
#include "runner/cli/provision.h"
#include "runner/report/columns.h"

namespace lab {
namespace {

using nlohmann::json;

void PrintTable(const OutlinedLab& lab) {
  for (const auto& line :
       ColumnLines(ToRows(lab.outline, lab.gates), ColumnsOf(STDOUT_FILENO))) {
    fmt::print("{}\n", line);
  }
}

void PrintJson(const OutlinedLab& lab) {
  json plan = ToJson(lab.outline, lab.gates);
  plan["problems"] = json::array();
  for (const auto& problem : lab.problems) {
    plan["problems"].push_back(problem.what);
  }
  fmt::print("{}\n", plan.dump(2));
}

}  // namespace

ExitCode ShowLabPlan(const Context& context, const LabOptions& options,
                     bool json) {
  const auto lab = OutlineLab(context, options);
  if (!lab) return Complain(lab.error());
  if (json) {
    PrintJson(*lab);
  } else {
    PrintTable(*lab);
  }
  auto exit = ExitCode::kOk;
  for (const auto& problem : lab->problems) exit = Complain(problem);
  return exit;
}

}  // namespace lab
