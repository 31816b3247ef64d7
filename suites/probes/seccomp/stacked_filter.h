// SPDX-License-Identifier: Apache-2.0
// Asks the filters of this process for their verdict without making the call.
//
// A child adds a filter of its own that answers SECCOMP_RET_USER_NOTIF to the
// calls of lab_raw_call, and this process answers the notification. Of several
// filters the strictest action counts (seccomp(2): KILL, TRAP, ERRNO,
// USER_NOTIF, TRACE, LOG, ALLOW), so the notification comes exactly when every
// other filter would let the call through, and the kernel never executes it.
// Hence this is harmless with any argument, tells an errno of the filter from
// the same one of the kernel, and needs neither a privilege nor a user
// namespace nor ptrace: only seccomp(2), which container profiles allow.
#pragma once

#include <string>
#include <vector>

#include "suites/probes/seccomp/answer.h"

namespace probe {

struct Verdicts {
  /// One for each number asked: kPassed, kErrno, kTrapped or kSignal. Empty
  /// when `trouble` is not.
  std::vector<Answer> answers;
  std::string trouble;  ///< why they could not be asked
};

/// With HarmlessArguments. PrepareForChildren first. Linux 5.2; not where a
/// filter has a listener already.
Verdicts AskFilters(const std::vector<int>& numbers);

}  // namespace probe
