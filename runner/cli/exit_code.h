// SPDX-License-Identifier: Apache-2.0
// Every exit status of the runner. Documented in docs/exit-codes.md and in
// `runner --help`.
#pragma once

#include "runner/base/result.h"

namespace lab {

enum class ExitCode : int {
  kOk = 0,             ///< every selected case passed (or failed as known)
  kFail = 1,           ///< a case failed, or passed although listed as known
  kUsage = 2,          ///< asked for something that does not exist
  kError = 3,          ///< the lab could not find out, for one case or more
  kNothingRan = 4,     ///< nothing was selected, or everything was skipped
  kProvision = 5,      ///< a component or a lab could not be provided
  kBug = 70,           ///< a bug in the runner
  kInterrupted = 130,  ///< SIGINT
  kTerminated = 143,   ///< SIGTERM
};

/// The exit status for an Error, the signal received considered.
ExitCode ExitCodeFor(const Error& error);
/// 130 or 143, by the signal received.
ExitCode InterruptedExitCode();

}  // namespace lab
