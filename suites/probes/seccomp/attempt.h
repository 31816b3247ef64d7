// SPDX-License-Identifier: Apache-2.0
// Makes one system call in a child of its own, and says what became of it.
#pragma once

#include "suites/probes/seccomp/answer.h"
#include "suites/probes/seccomp/syscalls.h"

namespace probe {

/// Throws std::runtime_error when no child can be made. PrepareForChildren
/// first. `close_stdin`: descriptor 0 is not open in the child.
Answer Attempt(int number, const Arguments& arguments,
               bool close_stdin = false);

}  // namespace probe
