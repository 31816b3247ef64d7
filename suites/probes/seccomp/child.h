// SPDX-License-Identifier: Apache-2.0
// Children that share our memory: cheap to make, and they leave their results
// where we read them. What they run must not touch errno or anything else of
// the C library's.
#pragma once

#include <sched.h>
#include <sys/types.h>

namespace probe {

/// Prepares this process: SIGCHLD blocked, a handler that notes SIGSYS, and no
/// core dumps of killed children. Call once; /proc/self becomes root's.
void PrepareForChildren();

/// Runs `function` in a child with CLONE_VM and `more_flags`, on a stack of its
/// own; one at a time. Its pid, or -errno. `pidfd` is for CLONE_PIDFD.
pid_t StartChild(void (*function)(), int more_flags, int* pidfd = nullptr);

struct Ended {
  bool hung = false;  ///< it had to be killed
  int status = 0;     ///< as of wait(2)
};

/// Waits at most `milliseconds` for the child, then kills it. Throws
/// std::runtime_error if it cannot wait.
Ended AwaitChild(pid_t child, int milliseconds);

/// Makes a call by number without the C library; -errno on failure. Not
/// through lab_raw_call: a stacked filter does not see it.
long PlainCall(long number, long first, long second, long third);

/// Whether the handler saw a SIGSYS of seccomp since this was last false.
extern volatile bool trapped;

}  // namespace probe
