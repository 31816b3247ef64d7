// SPDX-License-Identifier: Apache-2.0
// Starting one child, on the one thread that starts all of them.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "runner/process/process.h"

namespace lab::process {

struct Stdio {
  int in = -1;  ///< -1: /dev/null
  int out = -1;
  int err = -1;
};

/// Starts `command` and returns its pid; the caller reaps it.
Result<pid_t> Spawn(const Command& command, const Stdio& stdio);

}  // namespace lab::process
