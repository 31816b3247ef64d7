// SPDX-License-Identifier: Apache-2.0
// `--matrix NAME --dry-run`: what would be provisioned and run, on stdout.
#pragma once

#include "runner/cli/matrix_plan.h"

namespace lab {

/// The combinations with their cases and, where an earlier run tells it, their
/// time; then the parts, each with the combinations that need it. What has
/// finished in `resumed`, a report directory, is kept; empty: nothing is.
Status PrintMatrixPlan(const Context& context, const MatrixPlan& plan,
                       const Path& resumed);

}  // namespace lab
