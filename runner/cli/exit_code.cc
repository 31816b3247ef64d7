// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/exit_code.h"

#include <signal.h>

#include "runner/base/stop.h"

namespace lab {

ExitCode InterruptedExitCode() {
  return stop::Signal() == SIGINT ? ExitCode::kInterrupted
                                  : ExitCode::kTerminated;
}

ExitCode ExitCodeFor(const Error& error) {
  if (stop::Requested()) return InterruptedExitCode();
  switch (error.kind) {
    case ErrorKind::kUsage:
      return ExitCode::kUsage;
    case ErrorKind::kProvision:
      return ExitCode::kProvision;
    case ErrorKind::kInterrupted:
      return InterruptedExitCode();
    case ErrorKind::kGeneric:
    case ErrorKind::kTimeout:
      return ExitCode::kError;
  }
  return ExitCode::kBug;
}

}  // namespace lab
