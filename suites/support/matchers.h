// SPDX-License-Identifier: Apache-2.0
// The words in which cases make their claims.
#pragma once

#include <gmock/gmock.h>

#include <cerrno>
#include <cstring>
#include <ios>
#include <ostream>
#include <string>

#include "suites/support/world.h"

namespace lab {

// How GoogleTest prints a label.
inline void PrintTo(const Label& label, std::ostream* os) {
  *os << '"' << label.ToString() << '"';
}

inline void PrintTo(const SeccompRecord& r, std::ostream* os) {
  *os << "comm=" << r.comm << " pid=" << r.pid << " sig=" << r.signal
      << " syscall=" << r.syscall << " code=0x" << std::hex << r.code
      << std::dec;
}

namespace suite {

inline void PrintTo(const Confinement& c, std::ostream* os) {
  *os << "inside \"" << c.inside.ToString() << "\", exec'd \""
      << c.exec.ToString() << "\", from the node \"" << c.outside.ToString()
      << '"';
}

/// Passes: all three labels are "profile (mode)". Fails with the labels seen:
///   Expected: is confined by lab-x (enforce) on all sides
///     Actual: inside "unconfined", exec'd "unconfined", from the node ...
MATCHER_P2(ConfinedBy, profile, mode,
           std::string(negation ? "is not" : "is") + " confined by " +
               std::string(profile) + " (" + mode + ") on all sides") {
  (void)result_listener;
  return arg.inside.Is(profile, mode) && arg.exec.Is(profile, mode) &&
         arg.outside.Is(profile, mode);
}

/// Passes: no policy applies, on any side.
MATCHER(Unconfined,
        std::string(negation ? "is not" : "is") + " unconfined on all sides") {
  (void)result_listener;
  return arg.inside.unconfined() && arg.exec.unconfined() &&
         arg.outside.unconfined();
}

inline void PrintTo(const SeccompState& state, std::ostream* os) {
  *os << "seccomp mode/filters " << state.ToString();
}

inline void PrintTo(const Filtering& f, std::ostream* os) {
  *os << "seccomp mode/filters inside " << f.inside.ToString() << ", exec'd "
      << f.exec.ToString() << ", from the node " << f.outside.ToString();
}

/// Passes: this many filters apply, on all sides.
MATCHER_P(FilteredBy, filters,
          std::string(negation ? "is not" : "is") + " filtered by " +
              std::to_string(filters) + " on all sides") {
  (void)result_listener;
  const SeccompState wanted = {2, filters};
  return arg.inside == wanted && arg.exec == wanted && arg.outside == wanted;
}

/// Passes: no filter applies, on any side.
MATCHER(Unfiltered,
        std::string(negation ? "is not" : "is") + " unfiltered on all sides") {
  (void)result_listener;
  const SeccompState wanted = {0, 0};
  return arg.inside == wanted && arg.exec == wanted && arg.outside == wanted;
}

/// Of an errno that Try returned. Passes: 0.
MATCHER(Allowed, negation ? "is refused" : "is allowed") {
  *result_listener << std::strerror(arg);
  return arg == 0;
}

/// Passes: exactly this errno.
MATCHER_P(RefusedWith, wanted,
          std::string("is refused with ") + strerrorname_np(wanted)) {
  *result_listener << std::strerror(arg);
  return arg == wanted;
}

}  // namespace suite
}  // namespace lab
