// SPDX-License-Identifier: Apache-2.0
// report.html of a matrix: the table of verdicts, with links into the pages of
// the combinations.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runner/base/result.h"
#include "runner/cli/matrix_table.h"

namespace lab {

/// `title` as in matrix.md, `cases` are the rows of the table. A combination
/// that has ended has a page of its own, NAME/report.html. `frame` as in
/// DeriveHtml.
Result<std::string> MatrixPage(const std::string& title,
                               const std::vector<std::string>& cases,
                               const std::vector<MatrixColumn>& matrix,
                               std::string_view frame);

}  // namespace lab
