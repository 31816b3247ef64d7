// SPDX-License-Identifier: Apache-2.0
// Matrices for the tests of what is derived from them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner/cli/matrix_table.h"

namespace lab {

/// A combination that has ended: s.case-0, s.case-1, ... with these verdicts.
inline MatrixColumn Column(
    const std::string& name, int exit,
    const std::vector<std::optional<Verdict>>& verdicts = {}) {
  MatrixColumn column{name, {}};
  column.run.id = "r1";
  column.run.suite = "s";
  column.run.end = RunEnd{exit, 10, 0};
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    auto& c = column.run.cases.emplace_back();
    c.id = "s.case-" + std::to_string(i);
    c.verdict = verdicts[i];
    c.reason = "because";
  }
  return column;
}

}  // namespace lab
