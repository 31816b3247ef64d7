// SPDX-License-Identifier: Apache-2.0
// Unwrapping results in a test body. Whose fault a failure is decides the
// verdict: `error` is ours, `fail` is the system's under test.
#pragma once

#include <source_location>
#include <utility>

#include "runner/base/result.h"

namespace lab::suite {

/// Ends the test with the verdict `error` (the lab could not find out).
[[noreturn]] void EndAsError(const Error& error,
                             const std::source_location& where);
/// Ends the test with the verdict `fail` (the system disagrees).
[[noreturn]] void EndAsFail(const Error& error,
                            const std::source_location& where);
/// Ends the test as skipped; `reason` reads "token: sentence".
[[noreturn]] void EndAsSkip(const std::string& reason,
                            const std::source_location& where);

/// The value; any error is ours. For controls and for looking.
template <typename T>
T Must(Result<T> result,
       std::source_location where = std::source_location::current()) {
  if (!result) EndAsError(result.error(), where);
  return std::move(result).value();
}
inline void Must(Status status,
                 std::source_location where = std::source_location::current()) {
  if (!status) EndAsError(status.error(), where);
}

/// The value of a claim about what the system gets to: that it did not in time
/// is its failure, anything else ours.
template <typename T>
T Claim(Result<T> result,
        std::source_location where = std::source_location::current()) {
  if (!result) {
    if (result.error().kind == ErrorKind::kTimeout) {
      EndAsFail(result.error(), where);
    }
    EndAsError(result.error(), where);
  }
  return std::move(result).value();
}

inline void Claim(Status status, std::source_location where =
                                     std::source_location::current()) {
  if (status) return;
  if (status.error().kind == ErrorKind::kTimeout) {
    EndAsFail(status.error(), where);
  }
  EndAsError(status.error(), where);
}

/// Goes on only if `met`; otherwise the case is skipped with what was seen.
inline void Require(
    bool met, const std::string& reason,
    std::source_location where = std::source_location::current()) {
  if (!met) EndAsSkip(reason, where);
}

}  // namespace lab::suite
