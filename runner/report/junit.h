// SPDX-License-Identifier: Apache-2.0
// JUnit XML, derived from what the records say of a run.
#pragma once

#include <string>
#include <vector>

#include "runner/report/record.h"

namespace lab {

/// A JUnit document that reports/schema/junit.xsd accepts: what Jenkins'
/// junit-10 schema and the other common readers have in common. The phases of
/// the lab are cases of a suite "lab". A case or phase without an end is an
/// error, so a run that was killed is never green. `hostname` is the machine
/// that ran the tests.
std::string DeriveJunit(const RunState& run, const std::string& hostname);

/// One of several runs of a document.
struct NamedRun {
  std::string name;  ///< unique among them
  RunState run;
};

/// The same of several runs, of which each has its two suites. The suites and
/// their cases are called "apparmor [NAME]" and "enforce-deny-write [NAME]":
/// readers tell cases apart by class and name alone. `title` is the name of
/// the whole.
std::string DeriveJunit(const std::vector<NamedRun>& runs,
                        const std::string& title, const std::string& hostname);

/// The name of this machine, as the kernel has it.
std::string ThisHost();

}  // namespace lab
