// SPDX-License-Identifier: Apache-2.0
// `runner list`: the cases, or with --coverage the documents' statements.
#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/base/version.h"
#include "runner/cli/catalog.h"
#include "runner/cli/commands.h"
#include "runner/cli/statements.h"
#include "runner/report/columns.h"

namespace lab {
namespace {

using nlohmann::json;
using Rows = std::vector<std::vector<std::string>>;

json ToJson(const Scenario& scenario) {
  json expect = json::array();
  for (const auto& [range, text] : scenario.expect) {
    expect.push_back({{"kubernetes", range}, {"text", text}});
  }
  return {{"id", scenario.id},
          {"suite", scenario.suite},
          {"test", scenario.TestName()},
          {"statements", scenario.statements},
          {"claim", scenario.claim},
          {"document", scenario.document},
          {"expect", expect},
          {"evidence", scenario.evidence},
          {"why", scenario.why},
          {"fixtures", scenario.fixtures},
          {"profiles", scenario.profiles},
          {"seccomp", scenario.seccomp},
          {"deadline_seconds", scenario.deadline.count() / 1000}};
}

Result<std::vector<Scenario>> ScenariosOfSuites(
    const Path& home, const std::vector<std::string>& suites) {
  std::vector<Scenario> all;
  for (const auto& suite : suites) {
    LAB_TRY(const auto catalog, LoadCatalog(home, suite));
    all.insert(all.end(), catalog.scenarios.begin(), catalog.scenarios.end());
  }
  return all;
}

// "<1.5, >=1.5 <1.24, >=1.24" as "<1.5 >=1.5 >=1.24": where each era begins
// says where the one before it ends.
std::string Eras(const Scenario& scenario) {
  std::vector<std::string> eras;
  for (const auto& [range, text] : scenario.expect) {
    eras.push_back(range.substr(0, range.find(' ')));
  }
  return Join(eras, " ");
}

void PrintRows(const Rows& rows) {
  for (const auto& line : ColumnLines(rows, ColumnsOf(STDOUT_FILENO))) {
    fmt::print("{}\n", line);
  }
}

struct Coverage {
  std::vector<Statement> statements;
  std::vector<Scenario> scenarios;
  std::map<std::string, std::string> reasons;

  std::vector<std::string> Of(const Statement& one) const {
    return ScenariosOf(one, statements, scenarios);
  }
  std::string WhyNot(const Statement& one) const {
    return ReasonNotTested(one, statements, reasons);
  }
};

json CoverageJson(const Coverage& coverage) {
  json all = json::array();
  for (const auto& one : coverage.statements) {
    const auto tested = coverage.Of(one);
    all.push_back({{"id", one.id},
                   {"document", one.document},
                   {"kind", one.kind},
                   {"claim", one.claim},
                   {"see", one.see},
                   {"repeats", one.repeats},
                   {"scenarios", tested},
                   {"not_tested", tested.empty() ? coverage.WhyNot(one) : ""}});
  }
  return all;
}

void PrintCoverage(const Coverage& coverage) {
  std::size_t tested = 0, excused = 0, repeats = 0, open = 0;
  Rows rows;
  for (const auto& one : coverage.statements) {
    if (one.repeats) {
      ++repeats;
      continue;
    }
    const auto scenarios = coverage.Of(one);
    const auto why = coverage.WhyNot(one);
    ++(!scenarios.empty() ? tested : !why.empty() ? excused : open);
    rows.push_back(
        {one.id, one.kind,
         !scenarios.empty() ? Join(scenarios, " ") : "not tested: " + why});
  }
  PrintRows(rows);
  fmt::print(
      "\n{} statements: {} tested by {} scenarios, {} not tested and said "
      "why, {} open; {} more repeat one of them\n",
      rows.size(), tested, coverage.scenarios.size(), excused, open, repeats);
}

}  // namespace

ExitCode ListScenarios(const Context& context, const std::string& suite,
                       bool as_json) {
  const auto suites = suite.empty() ? SuiteNames(context.home)
                                    : std::vector<std::string>{suite};
  const auto scenarios = ScenariosOfSuites(context.home, suites);
  if (!scenarios) return Complain(scenarios.error());
  json all = json::array();
  Rows rows;
  for (const auto& one : *scenarios) {
    all.push_back(ToJson(one));
    rows.push_back({one.id, Join(one.statements, " "), Eras(one), one.claim});
  }
  if (as_json) {
    fmt::print("{}\n", all.dump(2));
  } else {
    PrintRows(rows);
  }
  return ExitCode::kOk;
}

ExitCode ListCoverage(const Context& context, bool as_json) {
  Coverage coverage;
  auto statements = LoadStatements(context.home);
  if (!statements) return Complain(statements.error());
  auto scenarios = ScenariosOfSuites(context.home, SuiteNames(context.home));
  if (!scenarios) return Complain(scenarios.error());
  auto reasons = LoadNotTested(context.home);
  if (!reasons) return Complain(reasons.error());
  coverage = {std::move(*statements), std::move(*scenarios),
              std::move(*reasons)};
  if (as_json) {
    fmt::print("{}\n", CoverageJson(coverage).dump(2));
  } else {
    PrintCoverage(coverage);
  }
  return ExitCode::kOk;
}

}  // namespace lab
