// SPDX-License-Identifier: Apache-2.0
// report.html: what the records say of a run, for people.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runner/report/display.h"
#include "runner/report/record.h"
#include "runner/report/verdict.h"

namespace lab {

/// One page without scripts and without anything to load: totals, the cases by
/// verdict with those that went wrong first, the lab and its steps, and the
/// statements of the documents. Long texts are cut, and say where the rest is.
/// `frame` is the text of reports/page.html; an error says what it lacks.
Result<std::string> DeriveHtml(const RunState& run, std::string_view frame);

/// The verdict as it is spelled in the records, and "unfinished" for none: the
/// class that has its colour in the frame.
std::string CssOf(std::optional<Verdict> verdict);

/// The class that has the colour of an outcome.
std::string OutcomeCss(Style style);

/// The id that the element of a case has.
std::string AnchorOf(const std::string& case_id);

}  // namespace lab
