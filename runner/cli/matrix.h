// SPDX-License-Identifier: Apache-2.0
// `runner --suite X --matrix NAME`: the suite in one lab after the other.
#pragma once

#include "runner/cli/exit_code.h"
#include "runner/cli/options.h"

namespace lab {

/// Runs every combination of `options.matrix` as a run of its own, with its
/// report in DIRECTORY/NAME, and keeps DIRECTORY/junit.xml, matrix.md and
/// matrix.json up to date. With `resume` those that have finished are kept;
/// with `dry_run` only the plan is shown.
ExitCode RunMatrix(const Context& context, const RunOptions& options);

}  // namespace lab
