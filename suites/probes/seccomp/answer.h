// SPDX-License-Identifier: Apache-2.0
// What became of one system call.
#pragma once

#include <string>

namespace probe {

struct Answer {
  enum class Kind {
    kNone,      ///< not made, or not known
    kReturned,  ///< it succeeded
    kErrno,     ///< it failed with `number`
    kTrapped,   ///< SIGSYS that a handler got: SECCOMP_RET_TRAP
    kSignal,    ///< the caller was killed by signal `number`
    kExited,    ///< the caller is gone, as exit(2) wants it
    kHung,      ///< it did not come back in time
    kPassed,    ///< a stacked filter saw it: every other filter allows it
  };
  Kind kind = Kind::kNone;
  int number = 0;

  bool operator==(const Answer&) const = default;
  bool IsErrno(int error) const {
    return kind == Kind::kErrno && number == error;
  }
};

/// "EPERM", "ok", "SIGILL", "trap", "exit", "hang", "passed"; "" for kNone.
std::string AnswerName(const Answer& answer);
/// The inverse; kNone for a text that is no answer.
Answer ParseAnswer(const std::string& text);
/// "EPERM"; "errno 4000" for one without a name, "0" for none.
std::string ErrnoName(int error);

}  // namespace probe
