// SPDX-License-Identifier: Apache-2.0
// JUnit XML, derived from what the records say of a run.
#pragma once

#include <string>

#include "runner/report/record.h"

namespace lab {

/// A JUnit document that reports/schema/junit.xsd accepts: what Jenkins'
/// junit-10 schema and the other common readers have in common. The phases of
/// the lab are cases of a suite "lab". A case or phase without an end is an
/// error, so a run that was killed is never green. `hostname` is the machine
/// that ran the tests.
std::string DeriveJunit(const RunState& run, const std::string& hostname);

}  // namespace lab
