// SPDX-License-Identifier: Apache-2.0
// A call's fate as a list of decisions on its arguments: the common language
// of filters that were read and of profiles that were promised.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner/seccomp/expression.h"
#include "runner/seccomp/outcome.h"

namespace lab::seccomp {

/// Where all of `when` hold, the call has this outcome.
struct Decision {
  std::vector<Comparison> when;
  Outcome then = Outcome::Allow();
};

/// First match wins; the last one always matches. A call whose arguments do
/// not matter has one decision.
using Decisions = std::vector<Decision>;

Outcome OutcomeAt(const Decisions& decisions, const CallData& data);

/// Whether `path`, taken as true, settles `comparison`.
std::optional<bool> Settled(const std::vector<Comparison>& path,
                            const Comparison& comparison);

/// The same function, with as few comparisons as can be told from their form:
/// what earlier decisions have dealt with is left out, and the two 32-bit
/// halves in which BPF looks at an argument become one comparison.
Decisions Simplified(Decisions decisions);

/// "allow"; "arg0 == 40: errno 1 (EPERM); else allow".
std::string ToString(const Decisions& decisions);

/// Arguments at which two lists may tell different things: every constant that
/// either compares with, its neighbours and its single bits, combined over the
/// arguments. For comparisons of masked arguments with constants, which is all
/// that libseccomp generates, two lists that agree on all of them are equal.
std::vector<CallData> Samples(const Decisions& a, const Decisions& b);

}  // namespace lab::seccomp
