// SPDX-License-Identifier: Apache-2.0
// The JSON document of this program, written and read back.
#pragma once

#include <string>
#include <vector>

#include "suites/probes/seccomp/facts.h"
#include "suites/probes/seccomp/survey.h"

namespace probe {

/// One document, one line for each call. docs/seccomp-probe.md has the fields.
std::string JsonReport(const Facts& facts, const Survey& survey,
                       const std::vector<std::string>& amicontained);

/// The answers in the report of a run without a filter on this kernel. Throws
/// std::runtime_error, which says what is wrong with the file.
Control ReadControl(const std::string& path, const Facts& facts);

}  // namespace probe
