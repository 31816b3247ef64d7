// SPDX-License-Identifier: Apache-2.0
#include "suites/probes/seccomp/syscalls.h"

#include <linux/fanotify.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>

#include <iterator>

#ifndef __x86_64__
#error "the table of names and the way to make a call are those of x86_64"
#endif

namespace probe {
namespace {

struct Named {
  int number;
  const char* name;
};

constexpr Named kNames[] = {
#include "suites/probes/seccomp/syscall_names.inc"
};

constexpr long kNobody = 0x7fffffff;  // above every pid
constexpr int kUserModeOnly = 1;      // UFFD_USER_MODE_ONLY, Linux 5.11

struct Special {
  int number;
  Arguments arguments;
};

// Where all bits set would do something, say ENOSYS though the call is there,
// or meet a capability check or a rule of a profile that others avoid.
constexpr Special kSpecial[] = {
    // An unaligned address; an unknown operation would be ENOSYS.
    {SYS_futex, {-1, FUTEX_WAKE, 0, 0, 0, 0}},
    // Reads nothing; an unknown function would be ENOSYS.
    {SYS_modify_ldt, {0, 0, 0, 0, 0, 0}},
    // Valid flags of a thread without what a thread needs: EINVAL. No
    // namespace, which profiles look at.
    {SYS_clone, {CLONE_THREAD, 0, 0, 0, 0, 0}},
    {SYS_clone3, {0, 0, 0, 0, 0, 0}},
    {SYS_kill, {kNobody, 0, 0, 0, 0, 0}},
    // Asks only. Profiles compare all 64 bits.
    {SYS_personality, {0xffffffff, 0, 0, 0, 0, 0}},
    // -1 has IPC_CREAT.
    {SYS_msgget, {kNobody, 0, 0, 0, 0, 0}},
    {SYS_shmget, {0, 0, 0, 0, 0, 0}},
    // -1 bytes are an allocation that fails with a stack trace in the log.
    {SYS_init_module, {-1, 0, -1, 0, 0, 0}},
    // What anybody may ask for, and a flag that does not exist.
    {SYS_fanotify_init, {FAN_REPORT_FID | 0x40000000, 0, 0, 0, 0, 0}},
    {SYS_userfaultfd, {kUserModeOnly | 0x40000000, 0, 0, 0, 0, 0}},
};

struct NotCalled {
  int number;
  const char* why;
};

constexpr NotCalled kNotCalled[] = {
    {SYS_rt_sigreturn, "it restores registers that nobody saved"},
    {SYS_pause, "it ends with a signal only"},
    {SYS_vhangup, "it has no arguments, and hangs up the terminal"},
    {SYS_sync, "it has no arguments, and waits for every disk"},
};

}  // namespace

const int kLastKnownSyscall = std::end(kNames)[-1].number;

std::string SyscallName(int number) {
  for (const auto& [known, name] : kNames) {
    if (known == number) return name;
  }
  return "syscall_" + std::to_string(number);
}

int SyscallNumber(const std::string& name) {
  for (const auto& known : kNames) {
    if (name == known.name) return known.number;
  }
  return -1;
}

Arguments HarmlessArguments(int number) {
  for (const auto& [special, arguments] : kSpecial) {
    if (special == number) return arguments;
  }
  return {-1, -1, -1, -1, -1, -1};
}

const char* WhyNotCalled(int number) {
  for (const auto& [one, why] : kNotCalled) {
    if (one == number) return why;
  }
  return nullptr;
}

bool Forks(int number) { return number == SYS_fork || number == SYS_vfork; }

}  // namespace probe
