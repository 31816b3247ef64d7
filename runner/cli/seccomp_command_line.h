// SPDX-License-Identifier: Apache-2.0
// `runner seccomp ...` on the command line.
#pragma once

#include <functional>

#include "runner/cli/exit_code.h"
#include "runner/cli/options.h"

namespace CLI {
class App;
}

namespace lab {

/// What a command does when it is its turn.
using ChosenAction = std::function<ExitCode(const Context&)>;

/// Adds the commands; `choose` is called with that which was given. `options`
/// must outlive the parsing and the action.
void AddSeccompCommands(CLI::App& app, SeccompOptions& options,
                        const std::function<void(ChosenAction)>& choose);

}  // namespace lab
