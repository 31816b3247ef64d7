// SPDX-License-Identifier: Apache-2.0
#include "suites/probes/seccomp/attempt.h"

#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>
#include <cstring>
#include <stdexcept>

#include "suites/probes/seccomp/child.h"
#include "suites/probes/seccomp/raw_call.h"

namespace probe {
namespace {

constexpr int kPatienceMs = 2000;

struct Task {
  int number;
  const long* arguments;
  bool close_stdin;
  volatile bool came_back;
  volatile long result;
};
Task task;

void MakeCall() {
  if (task.close_stdin) PlainCall(SYS_close, 0, 0, 0);
  trapped = false;
  const long result =
      lab_raw_call(task.number, task.arguments, Forks(task.number) ? 1 : 0);
  task.result = result;
  task.came_back = true;
  // Nobody else would reap it before the container ends.
  if (Forks(task.number) && result > 0) {
    PlainCall(SYS_wait4, result, 0, 0);
  }
}

Answer FromResult(long result) {
  if (result < 0 && result >= -4095) {
    return {Answer::Kind::kErrno, static_cast<int>(-result)};
  }
  return {Answer::Kind::kReturned, 0};
}

}  // namespace

Answer Attempt(int number, const Arguments& arguments, bool close_stdin) {
  task = {number, arguments.data(), close_stdin, false, 0};
  trapped = false;
  const pid_t child = StartChild(MakeCall, 0);
  if (child < 0) {
    throw std::runtime_error("cannot make a child: " +
                             std::string(std::strerror(-child)));
  }
  const Ended ended = AwaitChild(child, kPatienceMs);
  // First what the child wrote down: a filter may also have killed it later.
  // What forked may have been trapped at its end, which says nothing.
  const bool forked = task.came_back && task.result > 0;
  if (trapped && !forked) return {Answer::Kind::kTrapped, 0};
  if (task.came_back) return FromResult(task.result);
  if (ended.hung) return {Answer::Kind::kHung, 0};
  if (WIFSIGNALED(ended.status)) {
    return {Answer::Kind::kSignal, WTERMSIG(ended.status)};
  }
  return {Answer::Kind::kExited, 0};
}

}  // namespace probe
