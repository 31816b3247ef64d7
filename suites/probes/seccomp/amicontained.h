// SPDX-License-Identifier: Apache-2.0
// What genuinetools/amicontained v0.4.9 would say here, for comparison with
// documents that quote it.
#pragma once

#include <string>
#include <vector>

#include "suites/probes/seccomp/facts.h"
#include "suites/probes/seccomp/survey.h"

namespace probe {

/// The calls that it skips, and so never lists.
extern const std::vector<std::string> kAmicontainedSkips;

/// What it would list as "Blocked Syscalls", run first in a new container:
/// calls 0 to 334 that fail with EPERM or EACCES with no arguments, whoever
/// says so. It makes them all in one process, where one call changes the next;
/// these effects are derived (amicontained.cc), not repeated, as are those of
/// calls that harm without arguments.
std::vector<std::string> AmicontainedBlocked(const Facts& facts,
                                             const Survey& survey);

/// Its output, up to and without "Looking for Docker.sock", which this program
/// does not do. Capability sets in a fixed order (there it is random).
std::string AmicontainedText(const Facts& facts,
                             const std::vector<std::string>& blocked);

}  // namespace probe
