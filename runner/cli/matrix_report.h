// SPDX-License-Identifier: Apache-2.0
// What is left behind of a matrix: matrix.md, matrix.json, and the last lines
// for people, and what report.html has in common with them. All of it is
// derived from the records.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "runner/cli/exit_code.h"
#include "runner/cli/matrix_table.h"

namespace lab {

/// What is wrong in a matrix. Cases of one combination that went wrong for the
/// same reason are one trouble, so that a lab that did not come up is not a
/// page of the same line. A combination that never began is none: the summary
/// names these in one line.
struct MatrixTrouble {
  std::string combination;
  std::string word;  ///< "FAIL", "ERROR", "FIXED", "NOT RUN" (not finished)
  std::string id;    ///< the first case
  std::vector<std::string> also;  ///< names of further cases of that reason
  std::string headline;
  std::string reproduce;  ///< empty: nothing to repeat
};
std::vector<MatrixTrouble> TroublesOf(const std::vector<MatrixColumn>& matrix);

/// "" or ", also a, b and 3 more".
std::string AlsoOf(const MatrixTrouble& trouble);

/// Good only if something passed and nothing is wrong.
Style StyleOf(const std::vector<MatrixColumn>& matrix);

/// What a table of the combinations says of each: name, state, measured facts.
std::vector<std::string> CombinationHead();
std::vector<std::string> CombinationRow(const MatrixColumn& column);

/// "38 passed, 1 failed in 2 combinations".
std::string MatrixTotals(const std::vector<MatrixColumn>& matrix);

/// The worst over all combinations: interrupted, then a failure, then a lab
/// that could not be had, then an error, then one in which nothing ran.
ExitCode WorstOf(const std::vector<MatrixColumn>& matrix);

/// The table, what the combinations are, and the troubles.
std::string MatrixMarkdown(const std::string& title,
                           const std::vector<std::string>& cases,
                           const std::vector<MatrixColumn>& matrix);

/// For each combination its state, exit status, length and verdicts.
nlohmann::json MatrixResults(const std::vector<MatrixColumn>& matrix);

/// Troubles, totals, and where the reports are.
std::vector<StyledLine> MatrixSummary(const std::vector<MatrixColumn>& matrix,
                                      const Path& directory, const Path& junit);

}  // namespace lab
