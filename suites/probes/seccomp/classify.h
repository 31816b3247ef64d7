// SPDX-License-Identifier: Apache-2.0
// From what was seen of a call to what is said of it.
#pragma once

#include <string>

#include "suites/probes/seccomp/answer.h"

namespace probe {

/// What was seen of one system call. All with the same arguments.
struct Evidence {
  Answer call;     ///< made for real, under the filters
  Answer verdict;  ///< of the filters, see stacked_filter.h; kNone: not asked
  Answer control;  ///< made on the same kernel without a filter; kNone: unknown
  std::string why_not_called;  ///< empty if it was
};

enum class Class {
  kAllowed,         ///< the filters let it through
  kErrno,           ///< a filter answers an errno
  kTrap,            ///< a filter sends SIGSYS, which can be handled
  kKill,            ///< a filter kills the caller
  kNotImplemented,  ///< let through, and the kernel says ENOSYS
  kUnknown,         ///< filter or kernel? `why` has the reason
  kNotProbed,       ///< neither called nor asked; `why` has the reason
};

struct Finding {
  Class kind = Class::kUnknown;
  int error = 0;    ///< of kErrno; 0: a filter fakes success
  std::string why;  ///< of kUnknown and kNotProbed
};

/// The verdict decides, if there is one, and must agree with the call. Else the
/// control run does: an answer that it does not show is the filter's, except
/// that a control with fewer privileges proves nothing by its EPERM. Without
/// either, EPERM, EACCES and ENOSYS stay unknown, as both sides give them.
Finding Classify(const Evidence& seen);

/// "allowed", "errno", "trap", "kill", "not-implemented", "unknown",
/// "not-probed".
const char* ClassName(Class kind);

}  // namespace probe
