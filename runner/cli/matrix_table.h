// SPDX-License-Identifier: Apache-2.0
// The verdicts of a matrix as a table: a row for each case, a column for each
// combination.
#pragma once

#include <string>
#include <vector>

#include "runner/report/display.h"
#include "runner/report/record.h"

namespace lab {

/// A combination, and what its records say.
struct MatrixColumn {
  std::string name;
  RunState run;
};

/// What stands for a cell. Bad marks are in capitals, and so survive without
/// colour.
struct MatrixMark {
  std::string letter;
  std::string word;
  std::string meaning;  ///< for the legend
  Style style = Style::kPlain;
};

/// Of the case `id`: its verdict; "not run" if it has none; "-" if the
/// combination does not select it.
MatrixMark MarkOf(const MatrixColumn& column, const std::string& id);

/// Lines of at most `columns`. With words below full names where these fit,
/// else with letters below a, b, c and a list of who they are; more than fit
/// even then go into further tables below each other. Then the legend of the
/// marks that occur. Colour does not count as width.
std::vector<std::string> MatrixTable(const std::vector<std::string>& cases,
                                     const std::vector<MatrixColumn>& matrix,
                                     int columns, bool color);

}  // namespace lab
