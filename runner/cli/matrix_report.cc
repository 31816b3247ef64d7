// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/matrix_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runner/base/stop.h"
#include "runner/base/text.h"
#include "runner/report/summary.h"

namespace lab {
namespace {

using nlohmann::json;

std::vector<MatrixTrouble> TroublesOf(const MatrixColumn& column) {
  std::vector<MatrixTrouble> troubles;
  const auto add = [&](const std::string& word, const CaseState& c,
                       const std::string& headline) {
    for (auto& one : troubles) {
      if (one.word == word && one.headline == headline) {
        one.also.push_back(SplitCaseId(c.id).name);
        return;
      }
    }
    troubles.push_back(
        {column.name, word, c.id, {}, headline, column.run.Reproduce(c.id)});
  };
  for (const auto& c : column.run.cases) {
    if (!c.verdict) {
      add("NOT RUN", c, "the run ended before this case did");
    } else if (IsBad(*c.verdict)) {
      add(WordOf(*c.verdict), c, c.Headline());
    }
  }
  return troubles;
}

bool HasBegun(const RunState& run) { return !run.id.empty(); }

std::string StateWord(const RunState& run) {
  if (!run.end) return HasBegun(run) ? "not finished" : "not run";
  return run.end->interrupted != 0 ? "interrupted" : "finished";
}

std::vector<std::string> NotBegun(const std::vector<MatrixColumn>& matrix) {
  std::vector<std::string> names;
  for (const auto& column : matrix) {
    if (!HasBegun(column.run)) names.push_back(OneLine(column.name));
  }
  return names;
}

std::size_t CountOf(const std::vector<MatrixColumn>& matrix, Verdict verdict) {
  std::size_t count = 0;
  for (const auto& column : matrix) count += column.run.Count(verdict);
  return count;
}

std::size_t CountUnfinished(const std::vector<MatrixColumn>& matrix) {
  std::size_t count = 0;
  for (const auto& column : matrix) count += column.run.CountUnfinished();
  return count;
}

ExitCode ExitOf(const RunState& run) {
  // Something else ended it.
  if (!run.end || run.end->interrupted != 0) return ExitCode::kError;
  switch (static_cast<ExitCode>(run.end->exit)) {
    case ExitCode::kOk:
    case ExitCode::kFail:
    case ExitCode::kProvision:
    case ExitCode::kNothingRan:
      return static_cast<ExitCode>(run.end->exit);
    case ExitCode::kUsage:
      // What was wrong with the plan only when its turn came.
      return ExitCode::kProvision;
    default:
      return ExitCode::kError;
  }
}

std::string MarkdownCell(const std::string& text) {
  return ReplaceAll(OneLine(text), "|", "\\|");
}

std::string MarkdownRow(const std::vector<std::string>& cells) {
  std::string row = "|";
  for (const auto& cell : cells) row += " " + MarkdownCell(cell) + " |";
  return row + "\n";
}

std::string MarkdownHead(const std::vector<std::string>& cells) {
  return MarkdownRow(cells) +
         MarkdownRow(std::vector<std::string>(cells.size(), "---"));
}

constexpr const char* kFacts[] = {"kubernetes", "node-os", "runtime",
                                  "default-runtime", "kernel"};

std::string FactOf(const RunState& run, const std::string& name) {
  const auto fact = run.facts.find(name);
  return fact == run.facts.end() ? "" : fact->second;
}

std::string MarkdownCombinations(const std::vector<MatrixColumn>& matrix) {
  std::string text = MarkdownHead(CombinationHead());
  for (const auto& column : matrix) {
    text += MarkdownRow(CombinationRow(column));
  }
  return text;
}

std::string MarkdownTroubles(const std::vector<MatrixColumn>& matrix) {
  std::string text;
  for (const auto& trouble : TroublesOf(matrix)) {
    text += fmt::format("- **{}** {} [{}]", trouble.word, trouble.id,
                        trouble.combination);
    text += AlsoOf(trouble) + ": " + OneLine(trouble.headline);
    text += "\n\n      " + OneLine(trouble.reproduce) + "\n";
  }
  if (const auto names = NotBegun(matrix); !names.empty()) {
    text += "- **NOT RUN** " + Join(names, ", ") + "\n";
  }
  return text.empty() ? "" : "\n## What went wrong\n\n" + text;
}

}  // namespace

std::vector<MatrixTrouble> TroublesOf(const std::vector<MatrixColumn>& matrix) {
  std::vector<MatrixTrouble> troubles;
  for (const auto& column : matrix) {
    if (!HasBegun(column.run)) continue;
    auto more = TroublesOf(column);
    troubles.insert(troubles.end(), std::make_move_iterator(more.begin()),
                    std::make_move_iterator(more.end()));
  }
  return troubles;
}

std::string AlsoOf(const MatrixTrouble& trouble) {
  constexpr std::size_t kNamed = 4;
  if (trouble.also.empty()) return "";
  auto names = trouble.also;
  if (names.size() > kNamed) names.resize(kNamed);
  auto text = ", also " + Join(names, ", ");
  if (trouble.also.size() > kNamed) {
    text += fmt::format(" and {} more", trouble.also.size() - kNamed);
  }
  return text;
}

Style StyleOf(const std::vector<MatrixColumn>& matrix) {
  if (!TroublesOf(matrix).empty() || !NotBegun(matrix).empty()) {
    return Style::kBad;
  }
  return CountOf(matrix, Verdict::kPass) > 0 ? Style::kGood : Style::kWarning;
}

std::vector<std::string> CombinationHead() {
  std::vector<std::string> head = {"combination", "state"};
  head.insert(head.end(), std::begin(kFacts), std::end(kFacts));
  return head;
}

std::vector<std::string> CombinationRow(const MatrixColumn& column) {
  std::vector<std::string> row = {column.name, StateWord(column.run)};
  for (const auto* fact : kFacts) row.push_back(FactOf(column.run, fact));
  return row;
}

std::string MatrixTotals(const std::vector<MatrixColumn>& matrix) {
  const std::pair<std::size_t, const char*> totals[] = {
      {CountOf(matrix, Verdict::kPass), "passed"},
      {CountOf(matrix, Verdict::kFail), "failed"},
      {CountOf(matrix, Verdict::kError), "in error"},
      {CountOf(matrix, Verdict::kFixed), "fixed"},
      {CountOf(matrix, Verdict::kKnown), "known"},
      {CountOf(matrix, Verdict::kSkip), "skipped"},
      {CountUnfinished(matrix), "not run"}};
  std::vector<std::string> parts;
  double seconds = 0;
  for (const auto& [count, what] : totals) {
    if (count > 0) parts.push_back(fmt::format("{} {}", count, what));
  }
  for (const auto& column : matrix) seconds += column.run.Seconds();
  return fmt::format("{} in {} combination{}, {}",
                     parts.empty() ? "no case ran" : Join(parts, ", "),
                     matrix.size(), matrix.size() == 1 ? "" : "s",
                     HumanSeconds(seconds));
}

ExitCode WorstOf(const std::vector<MatrixColumn>& matrix) {
  if (stop::Requested()) return InterruptedExitCode();
  if (matrix.empty()) return ExitCode::kNothingRan;
  for (const auto code : {ExitCode::kFail, ExitCode::kProvision,
                          ExitCode::kError, ExitCode::kNothingRan}) {
    if (std::any_of(matrix.begin(), matrix.end(), [&](const auto& column) {
          return ExitOf(column.run) == code;
        })) {
      return code;
    }
  }
  return ExitCode::kOk;
}

std::string MatrixMarkdown(const std::string& title,
                           const std::vector<std::string>& cases,
                           const std::vector<MatrixColumn>& matrix) {
  std::vector<std::string> head = {"case"};
  for (const auto& column : matrix) head.push_back(column.name);
  std::string text =
      "# " + OneLine(title) + "\n\n" + MatrixTotals(matrix) + "\n\n";
  text += MarkdownHead(head);
  for (const auto& id : cases) {
    std::vector<std::string> row = {SplitCaseId(id).name};
    for (const auto& column : matrix) {
      const auto mark = MarkOf(column, id);
      row.push_back(mark.style == Style::kBad ? "**" + mark.word + "**"
                                              : mark.word);
    }
    text += MarkdownRow(row);
  }
  return text + "\n" + MarkdownCombinations(matrix) + MarkdownTroubles(matrix);
}

json MatrixResults(const std::vector<MatrixColumn>& matrix) {
  json results = json::object();
  for (const auto& column : matrix) {
    const RunState& run = column.run;
    json verdicts = json::object();
    for (const auto& c : run.cases) {
      verdicts[c.id] = c.verdict ? json(ToString(*c.verdict)) : json();
    }
    results[column.name] = {{"state", StateWord(run)},
                            {"seconds", run.Seconds()},
                            {"exit", run.end ? json(run.end->exit) : json()},
                            {"verdicts", verdicts}};
  }
  return results;
}

std::vector<StyledLine> MatrixSummary(const std::vector<MatrixColumn>& matrix,
                                      const Path& directory,
                                      const Path& junit) {
  std::vector<StyledLine> lines;
  const auto troubles = TroublesOf(matrix);
  for (const auto& trouble : troubles) {
    auto text = fmt::format("{} [{}]", OneLine(trouble.id),
                            OneLine(trouble.combination));
    text += OneLine(AlsoOf(trouble));
    lines.push_back(
        {Style::kBad, fmt::format("{:<6}", trouble.word + " "), text});
    for (auto& line : ExplainLines(trouble.headline, trouble.reproduce)) {
      lines.push_back(std::move(line));
    }
  }
  const auto not_run = NotBegun(matrix);
  if (!not_run.empty()) {
    lines.push_back({Style::kBad, "NOT RUN  ", Join(not_run, ", ")});
  }
  const auto add = [&](const char* what, const Path& file) {
    lines.push_back({Style::kPlain, what, OneLine(file.string())});
  };
  add("junit    ", junit);
  add("report   ", directory / "report.html");
  add("table    ", directory / "matrix.md");
  add("records  ", directory / "*/records.jsonl");
  lines.push_back({StyleOf(matrix), "TOTAL ", MatrixTotals(matrix)});
  return lines;
}

}  // namespace lab
