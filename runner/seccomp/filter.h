// SPDX-License-Identifier: Apache-2.0
// What installed filters do with a call, whatever its arguments.
#pragma once

#include <vector>

#include "runner/seccomp/decision.h"

namespace lab::seccomp {

/// The filters of a process, oldest first. All of them see every call.
using Programs = std::vector<Program>;

/// The outcome of one concrete call, by running each program.
Outcome RunAll(const Programs& programs, const CallData& data);

/// All outcomes of a call of this number and architecture (AUDIT_ARCH_*), with
/// the conditions on its arguments: every path through the programs is walked,
/// arguments unknown, paths that contradict themselves left out. An Error if
/// there are more paths than can be told (65536).
Result<Decisions> Explore(const Programs& programs, std::uint32_t arch,
                          std::uint32_t number);

}  // namespace lab::seccomp
