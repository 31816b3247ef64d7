// SPDX-License-Identifier: Apache-2.0
#include "suites/probes/seccomp/child.h"

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <string>

namespace probe {
namespace {

alignas(64) char stack[64 << 10];

// rax still holds the number of the call; nobody shall take it for a pid.
void OnSigsys(int, siginfo_t* info, void* context) {
  constexpr int kSysSeccomp = 1;  // SYS_SECCOMP
  if (info->si_code == kSysSeccomp) trapped = true;
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RAX] = -ENOSYS;
}

void (*to_run)() = nullptr;

int RunInChild(void*) {
  // Not to be left behind by one that is killed.
  PlainCall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0);
  to_run();
  // Ends even if a filter forbids to end.
  PlainCall(SYS_exit_group, 0, 0, 0);
  PlainCall(SYS_exit, 0, 0, 0);
  __builtin_trap();
}

double Now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 +
         static_cast<double>(now.tv_nsec) / 1e6;
}

}  // namespace

volatile bool trapped = false;

void PrepareForChildren() {
  struct sigaction action {};
  action.sa_sigaction = OnSigsys;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSYS, &action, nullptr);
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGCHLD);
  sigprocmask(SIG_BLOCK, &blocked, nullptr);
  // Not RLIMIT_CORE: a core_pattern that is a pipe does not ask for it.
  prctl(PR_SET_DUMPABLE, 0);
}

pid_t StartChild(void (*function)(), int more_flags, int* pidfd) {
  to_run = function;
  const pid_t child = clone(RunInChild, stack + sizeof stack,
                            CLONE_VM | SIGCHLD | more_flags, nullptr, pidfd);
  return child < 0 ? -errno : child;
}

Ended AwaitChild(pid_t child, int milliseconds) {
  sigset_t sigchld;
  sigemptyset(&sigchld);
  sigaddset(&sigchld, SIGCHLD);
  const double deadline = Now() + milliseconds;
  Ended ended;
  while (true) {
    const timespec left{milliseconds / 1000, milliseconds % 1000 * 1000000L};
    // Where a filter forbids it, nothing bounds the wait below.
    const bool bounded = sigtimedwait(&sigchld, nullptr, &left) >= 0 ||
                         errno == EAGAIN || errno == EINTR;
    const pid_t got = waitpid(child, &ended.status, bounded ? WNOHANG : 0);
    if (got < 0) {
      throw std::runtime_error("cannot wait for a child: " +
                               std::string(std::strerror(errno)));
    }
    if (got > 0) return ended;
    if (Now() < deadline) continue;
    ended.hung = true;
    kill(child, SIGKILL);
    waitpid(child, &ended.status, 0);
    return ended;
  }
}

long PlainCall(long number, long first, long second, long third) {
  long result = 0;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(first), "S"(second), "d"(third)
               : "rcx", "r11", "memory");
  return result;
}

}  // namespace probe
