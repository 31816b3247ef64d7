// SPDX-License-Identifier: Apache-2.0
// Runs the selected cases of a suite, several at a time, each in a process of
// its own: a crash or a hang costs one case. Everything happens in one thread
// that waits for: a case's end, a case's deadline, the end of a process of the
// lab, the person's wish to stop.
#pragma once

#include <string>
#include <vector>

#include "runner/cli/catalog.h"
#include "runner/cli/known_issues.h"
#include "runner/cluster/lab_file.h"
#include "runner/cluster/profile_loading.h"
#include "runner/process/process.h"
#include "runner/report/journal.h"
#include "runner/report/terminal.h"

namespace lab {

struct ScheduleRequest {
  Path home;
  Path suite_binary;
  Path log_directory;  ///< one log per case
  const LabFile* lab = nullptr;
  Path lab_json;  ///< what the cases are told of it
  /// The lab ends with the run: cases need not tidy up.
  bool throwaway = false;
  int jobs = 1;
  /// Rule on failures and passes as the suites report them; never on errors.
  std::vector<KnownIssue> known_issues;
  /// Profiles that could not be loaded: cases that need one are errors.
  ProfileFaults faults;
};

/// Runs `scenarios` in their order. A case that passes without the kinds of
/// evidence that the catalog says it owes is an error. When the lab is damaged,
/// the running cases are errors with the last words of what died, and so are
/// the rest.
void RunCases(const ScheduleRequest& request,
              const std::vector<Scenario>& scenarios, Journal& journal,
              Terminal& terminal);

}  // namespace lab
