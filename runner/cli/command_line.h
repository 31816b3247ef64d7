// SPDX-License-Identifier: Apache-2.0
// The command line: CLI11's grammar, and from it to one of commands.h.
#pragma once

#include <string>
#include <vector>

#include "runner/cli/exit_code.h"

namespace lab {

/// `arguments` without the program's name. `runner --suite X` means
/// `runner run --suite X`.
ExitCode RunCommandLine(std::vector<std::string> arguments);

}  // namespace lab
