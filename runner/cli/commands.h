// SPDX-License-Identifier: Apache-2.0
// The commands of the runner, one function each; see `runner --help`.
#pragma once

#include "runner/cli/exit_code.h"
#include "runner/cli/options.h"

namespace lab {

/// Provisions (or takes) a lab, runs a suite in it, reports, ends the lab.
ExitCode RunSuite(const Context& context, const RunOptions& options);

/// Gets all parts ahead of time.
ExitCode Fetch(const Context& context, const LabOptions& options);

ExitCode ListScenarios(const Context& context, const std::string& suite,
                       bool json);
/// Statement by statement: what tests it, or why nothing does.
ExitCode ListCoverage(const Context& context, bool json);
/// A scenario, by id or name, or a statement of the documents.
ExitCode Explain(const Context& context, const std::string& id);
ExitCode Doctor(const Context& context, const LabOptions& options, bool json);

ExitCode LabUp(const Context& context, const LabCommandOptions& options);
/// What a lab makes of a config, and what is wrong with it: kUsage then.
ExitCode ShowLabPlan(const Context& context, const LabOptions& options,
                     bool json);
ExitCode LabDown(const Context& context, const std::string& name);
ExitCode LabLs(const Context& context, bool json);
ExitCode LabShell(const Context& context, const LabCommandOptions& options);
ExitCode LabLogs(const Context& context, const LabCommandOptions& options);
ExitCode LabGc(const Context& context);
ExitCode LabSave(const Context& context, const LabCommandOptions& options);
ExitCode LabRestore(const Context& context, const LabCommandOptions& options);
ExitCode LabSaved(const Context& context, bool json);
ExitCode LabForget(const Context& context, const std::string& name);

/// What the filters of a process do, call by call.
ExitCode SeccompDump(const Context& context, const SeccompOptions& options);
/// Two of them, or of profiles: kFail where they differ.
ExitCode SeccompDiff(const Context& context, const SeccompOptions& options);

/// The process that owns a lab which outlives the command that made it; news
/// go to `news_fd` as JSON lines until it is up. Not for people.
ExitCode Keep(const Context& context, const LabCommandOptions& options,
              int news_fd);

/// Starts a keeper for `options.name` and shows its news until the lab is up.
Status StartKeeper(const LabCommandOptions& options, Progress& progress);

/// Prints "runner: WHAT" to stderr and returns the error's exit status.
ExitCode Complain(const Error& error);

}  // namespace lab
