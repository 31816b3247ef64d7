// SPDX-License-Identifier: Apache-2.0
// Every system call, tried.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "suites/probes/seccomp/answer.h"
#include "suites/probes/seccomp/classify.h"
#include "suites/probes/seccomp/facts.h"

namespace probe {

struct Probed {
  int number;
  Evidence seen;
  Finding finding;
};

struct Survey {
  /// From 0 to the last of the table, and to the last above it that is
  /// answered differently from a number that no kernel has.
  std::vector<Probed> calls;
  Probed beyond;  ///< kNoSuchSyscall
  /// How filter and kernel were told apart: "no filter", "verdict",
  /// "control", "answers".
  std::string method;
  std::string trouble;  ///< why the filters were not asked, if they were not
};

using Control = std::map<int, Answer>;

/// May end the process by SIGSYS if a filter kills it for making children.
Survey Probe(const Facts& facts, const Control& control);

/// The call of that number; it must be one of the table.
const Probed& FindCall(const Survey& survey, int number);

}  // namespace probe
