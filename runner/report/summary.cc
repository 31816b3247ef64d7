// SPDX-License-Identifier: Apache-2.0
#include "runner/report/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "runner/base/text.h"

namespace lab {
namespace {

using StyledLines = std::vector<StyledLine>;

constexpr const char* kIndent = "      ";

void Append(StyledLines more, StyledLines& lines) {
  lines.insert(lines.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
}

bool WentWrong(const RunState& run) {
  return run.CountUnfinished() > 0 ||
         std::any_of(
             run.phases.begin(), run.phases.end(),
             [](const PhaseState& p) { return !p.ok.value_or(false); }) ||
         std::any_of(
             run.cases.begin(), run.cases.end(),
             [](const CaseState& c) { return c.verdict && IsBad(*c.verdict); });
}

StyledLine TotalsLine(const RunState& run) {
  const bool interrupted = run.end && run.end->interrupted != 0;
  return {StyleOf(run), "TOTAL ",
          fmt::format("{} in {}{} (suite {}, run {})", CountsText(run),
                      HumanSeconds(run.Seconds()),
                      interrupted ? ", interrupted" : "", OneLine(run.suite),
                      OneLine(run.id))};
}

StyledLines PhaseLines(const RunState& run) {
  StyledLines lines;
  for (const auto& phase : run.phases) {
    if (phase.ok.value_or(false)) continue;
    lines.push_back({Style::kBad, "ERROR ", "phase " + OneLine(phase.name)});
    Append(ExplainLines(phase.ok ? phase.text : "did not end", ""), lines);
  }
  return lines;
}

StyledLines BadCaseLines(const RunState& run) {
  StyledLines lines;
  for (const auto& c : run.cases) {
    if (!c.verdict || !IsBad(*c.verdict)) continue;
    lines.push_back({StyleOf(*c.verdict),
                     fmt::format("{:<6}", WordOf(*c.verdict)), OneLine(c.id)});
    Append(ExplainLines(c.Headline(), run.Reproduce(c.id)), lines);
  }
  return lines;
}

StyledLines UnfinishedLines(const RunState& run) {
  StyledLines lines;
  for (const auto& c : run.cases) {
    if (c.verdict) continue;
    lines.push_back({Style::kBad, "      ",
                     fmt::format("{} ({})", OneLine(c.id),
                                 c.started ? "was running" : "not started")});
  }
  if (!lines.empty()) {
    lines.insert(lines.begin(), {Style::kBad, "not finished", ""});
  }
  return lines;
}

// Cases that were skipped for the same reason share a line.
StyledLines SkipLines(const RunState& run) {
  std::map<std::string, std::vector<std::string>> ids_by_reason;
  for (const auto& c : run.cases) {
    if (c.verdict == Verdict::kSkip) {
      ids_by_reason[OneLine(c.reason)].push_back(OneLine(c.id));
    }
  }
  StyledLines lines;
  for (const auto& [reason, ids] : ids_by_reason) {
    lines.push_back({Style::kWarning, "SKIP  ",
                     reason.empty() ? "no reason was given" : reason});
    lines.push_back({Style::kDim, kIndent, Join(ids, " ")});
  }
  return lines;
}

StyledLines SlowestLines(const RunState& run) {
  constexpr std::size_t kShown = 3;
  std::vector<const CaseState*> ended;
  for (const auto& c : run.cases) {
    if (c.verdict && *c.verdict != Verdict::kSkip) ended.push_back(&c);
  }
  // With so few cases, the lines above have said it already.
  if (ended.size() <= kShown) return {};
  std::stable_sort(ended.begin(), ended.end(),
                   [](const CaseState* a, const CaseState* b) {
                     return a->seconds > b->seconds;
                   });
  ended.resize(kShown);
  StyledLines lines = {{Style::kPlain, "slowest", ""}};
  for (const auto* c : ended) {
    lines.push_back(
        {Style::kPlain, kIndent,
         fmt::format("{}  {}", OneLine(c->id), HumanSeconds(c->seconds))});
  }
  return lines;
}

}  // namespace

std::string CountsText(const RunState& run) {
  struct Total {
    std::size_t count;
    const char* what;
  };
  const Total totals[] = {
      {run.Count(Verdict::kPass), "passed"},
      {run.Count(Verdict::kFail), "failed"},
      {run.Count(Verdict::kError), "in error"},
      {run.Count(Verdict::kFixed), "fixed"},
      {run.Count(Verdict::kKnown), "known"},
      {run.Count(Verdict::kSkip), "skipped"},
      {run.CountUnfinished(), "not finished"},
  };
  std::vector<std::string> parts;
  for (const auto& [count, what] : totals) {
    if (count > 0) parts.push_back(fmt::format("{} {}", count, what));
  }
  return parts.empty() ? "no case ran" : Join(parts, ", ");
}

Style StyleOf(const RunState& run) {
  if (WentWrong(run)) return Style::kBad;
  return run.Count(Verdict::kPass) > 0 ? Style::kGood : Style::kWarning;
}

Style StyleOf(Verdict verdict) {
  if (verdict == Verdict::kPass) return Style::kGood;
  return IsBad(verdict) ? Style::kBad : Style::kWarning;
}

std::string WordOf(Verdict verdict) {
  std::string word(ToString(verdict));
  for (char& letter : word) {
    letter =
        static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  }
  return word;
}

StyledLines ExplainLines(const std::string& headline,
                         const std::string& reproduce) {
  StyledLines lines;
  for (const auto& line : Lines(headline)) {
    lines.push_back({Style::kPlain, kIndent, OneLine(line)});
  }
  if (!reproduce.empty()) {
    lines.push_back({Style::kDim, std::string(kIndent) + "reproduce: ",
                     OneLine(reproduce), /*unbroken=*/true});
  }
  return lines;
}

StyledLines SummaryLines(const RunState& run, const ReportFiles& files) {
  StyledLines lines = {{}};
  Append(PhaseLines(run), lines);
  Append(BadCaseLines(run), lines);
  Append(UnfinishedLines(run), lines);
  Append(SkipLines(run), lines);
  Append(SlowestLines(run), lines);
  const auto add = [&](const char* what, const Path& file) {
    if (file.empty()) return;
    lines.push_back({Style::kPlain, what, OneLine(file.string())});
  };
  add("junit    ", files.junit);
  add("report   ", files.html);
  add("records  ", files.records);
  lines.push_back(TotalsLine(run));
  return lines;
}

}  // namespace lab
