// SPDX-License-Identifier: Apache-2.0
// Runs for the tests of what is derived from them.
#pragma once

#include <optional>
#include <string>

#include "runner/report/record.h"

namespace lab {

/// A case that has started, and ended if there is a verdict.
inline CaseState& AddCase(RunState& run, const std::string& id,
                          std::optional<Verdict> verdict,
                          const std::string& reason = "") {
  auto& c = run.cases.emplace_back();
  c.id = id;
  c.started = true;
  c.verdict = verdict;
  c.reason = reason;
  c.seconds = 3.2104;
  return c;
}

}  // namespace lab
