// SPDX-License-Identifier: Apache-2.0
// `runner explain`: a scenario, or a statement of the documents.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "runner/base/text.h"
#include "runner/base/version.h"
#include "runner/cli/catalog.h"
#include "runner/cli/commands.h"
#include "runner/cli/statements.h"
#include "runner/components/table.h"
#include "runner/report/columns.h"

namespace lab {
namespace {

struct Knowledge {
  std::vector<Statement> statements;
  std::vector<Scenario> scenarios;
  std::map<std::string, std::string> reasons;
  std::string kubernetes;  ///< the default version
};

Result<Knowledge> Gather(const Path& home) {
  Knowledge known;
  LAB_TRY(known.statements, LoadStatements(home));
  for (const auto& suite : SuiteNames(home)) {
    LAB_TRY(const auto catalog, LoadCatalog(home, suite));
    known.scenarios.insert(known.scenarios.end(), catalog.scenarios.begin(),
                           catalog.scenarios.end());
  }
  LAB_TRY(known.reasons, LoadNotTested(home));
  LAB_TRY(const auto table, LoadComponentTable(home));
  LAB_TRY(const auto kubernetes,
          table.FindKubernetes(table.default_kubernetes));
  known.kubernetes = kubernetes.version;
  return known;
}

void PrintLabelled(const std::string& label, const std::string& text) {
  for (const auto& line :
       Labelled(fmt::format("{:<12}", label), text, ColumnsOf(STDOUT_FILENO))) {
    fmt::print("{}\n", line);
  }
}

void PrintRows(const std::vector<std::vector<std::string>>& rows) {
  for (const auto& line : ColumnLines(rows, ColumnsOf(STDOUT_FILENO))) {
    fmt::print("{}\n", line);
  }
}

// What a scenario must show of each kind before it may pass.
std::string MeaningOf(const std::string& evidence) {
  static const std::map<std::string, std::string> kMeanings = {
      {"control",
       "where the policy does not apply, the same check comes out "
       "the other way"},
      {"label",
       "the confinement that the kernel itself names, inside and on "
       "the node"},
      {"effect", "what acts in the container come to, by errno"},
      {"filter",
       "the seccomp state that the kernel itself names, inside and on the "
       "node"},
      {"trace", "the record in the kernel's log"},
      {"api", "what the API shows: status, events, answers, warnings"},
      {"node", "what is seen on the node: profiles, files, processes"}};
  const auto known = kMeanings.find(evidence);
  return known == kMeanings.end() ? "" : known->second;
}

// Marks the eras that hold for the default version.
void PrintExpectations(const Scenario& scenario,
                       const std::string& kubernetes) {
  const auto version = Version::In(kubernetes);
  std::vector<std::vector<std::string>> rows;
  for (const auto& [text, outcome] : scenario.expect) {
    const auto range = VersionRange::Parse(text);
    const bool now = version && range && range->Contains(*version);
    rows.push_back({(now ? "* " : "  ") + text, outcome});
  }
  fmt::print("\nexpected of Kubernetes (* holds for {}, the default)\n",
             kubernetes);
  PrintRows(rows);
}

void PrintStatements(const Scenario& scenario, const Knowledge& known) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& id : scenario.statements) {
    const auto* one = FindStatement(known.statements, id);
    if (one == nullptr) continue;
    rows.push_back({"  " + id, one->document, one->claim});
  }
  if (rows.empty()) return;
  fmt::print("\nstatements of the documents\n");
  PrintRows(rows);
}

void PrintFile(const std::string& title, const Path& path) {
  const auto text = ReadFile(path);
  fmt::print("\n--- {} ---\n{}", title,
             text ? *text : "(" + text.error().what + ")\n");
}

void ExplainScenario(const Path& home, const Scenario& scenario,
                     const Knowledge& known) {
  fmt::print("{}\n\n", scenario.id);
  PrintLabelled("claim", scenario.claim);
  PrintLabelled("documents", scenario.document);
  PrintStatements(scenario, known);
  PrintExpectations(scenario, known.kubernetes);
  fmt::print("\nevidence that a pass owes\n");
  std::vector<std::vector<std::string>> evidence;
  for (const auto& kind : scenario.evidence) {
    evidence.push_back({"  " + kind, MeaningOf(kind)});
  }
  PrintRows(evidence);
  fmt::print("\n");
  PrintLabelled("why", scenario.why);
  fmt::print("{:<12}build/runner --suite {} --filter {}\n", "run it",
             scenario.suite, scenario.Name());
  for (const auto& fixture : scenario.fixtures) {
    PrintFile(fixture, home / fixture);
  }
  for (const auto* names : {&scenario.profiles, &scenario.withheld}) {
    for (const auto& name : *names) {
      const auto file = Path("profiles") / "apparmor" / name;
      PrintFile(
          file.string() +
              (names == &scenario.withheld ? " (not loaded beforehand)" : ""),
          home / file);
    }
  }
  for (const auto& name : scenario.seccomp) {
    const auto file = Path("profiles") / "seccomp" / name;
    PrintFile(file.string(), home / file);
  }
}

void ExplainStatement(const Statement& statement, const Knowledge& known) {
  fmt::print("{}\n\n", statement.id);
  PrintLabelled("says", statement.claim);
  PrintLabelled("document", statement.document);
  PrintLabelled("kind", statement.kind);
  std::vector<std::string> related = statement.see;
  for (const auto& other : known.statements) {
    if (std::count(other.see.begin(), other.see.end(), statement.id) > 0) {
      related.push_back(other.id);
    }
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& id : related) {
    const auto* other = FindStatement(known.statements, id);
    rows.push_back({"  " + id, other->document, other->claim});
  }
  if (!rows.empty()) {
    fmt::print("\nsee also\n");
    PrintRows(rows);
  }
  const auto tested = ScenariosOf(statement, known.statements, known.scenarios);
  fmt::print("\n");
  if (tested.empty()) {
    PrintLabelled("not tested",
                  ReasonNotTested(statement, known.statements, known.reasons));
    return;
  }
  fmt::print("tested by (`runner explain ID` shows one)\n");
  rows.clear();
  for (const auto& scenario : known.scenarios) {
    if (std::count(tested.begin(), tested.end(), scenario.id) > 0) {
      rows.push_back({"  " + scenario.id, scenario.claim});
    }
  }
  PrintRows(rows);
}

// Statements are called by a capital letter, scenarios never are.
bool IsStatementId(const std::string& id) {
  return !id.empty() && id[0] >= 'A' && id[0] <= 'Z';
}

Error UnknownStatement(const std::string& id, const Knowledge& known) {
  std::vector<std::string> ids;
  for (const auto& one : known.statements) ids.push_back(one.id);
  return UsageError(
      fmt::format("no statement \"{}\"; closest: {}; `runner list --coverage` "
                  "shows all",
                  id, Join(ClosestTo(id, std::move(ids), 3), ", ")));
}

}  // namespace

ExitCode Explain(const Context& context, const std::string& id) {
  const auto known = Gather(context.home);
  if (!known) return Complain(known.error());
  if (const auto* one = FindStatement(known->statements, id)) {
    ExplainStatement(*one, *known);
    return ExitCode::kOk;
  }
  if (IsStatementId(id)) return Complain(UnknownStatement(id, *known));
  const auto scenario = FindScenario(context.home, id);
  if (!scenario) return Complain(scenario.error());
  ExplainScenario(context.home, *scenario, *known);
  return ExitCode::kOk;
}

}  // namespace lab
