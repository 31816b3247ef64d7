// SPDX-License-Identifier: Apache-2.0
// What a person wants to read at the end of a run.
#pragma once

#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/report/display.h"
#include "runner/report/record.h"

namespace lab {

/// The style in which a verdict is shown, and its word: "PASS", "FAIL", ...
Style StyleOf(Verdict verdict);
std::string WordOf(Verdict verdict);

/// Lines for a headline (may be several lines) and the command that
/// reproduces a case, indented below the case.
std::vector<StyledLine> ExplainLines(const std::string& headline,
                                     const std::string& reproduce);

/// "20 passed, 1 failed", without the verdicts that no case has.
std::string CountsText(const RunState& run);

/// How the whole run went: good only if something passed and nothing is wrong.
Style StyleOf(const RunState& run);

/// What a run leaves behind. A path that is empty was not written.
struct ReportFiles {
  Path junit;
  Path html;
  Path records;
};

/// Totals; failed phases; the cases that went wrong or did not end, each with
/// its headline and the command that reproduces it; the reasons of skips; the
/// three slowest cases; where the reports are.
std::vector<StyledLine> SummaryLines(const RunState& run,
                                     const ReportFiles& files);

}  // namespace lab
