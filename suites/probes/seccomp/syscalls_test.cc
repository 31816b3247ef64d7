// SPDX-License-Identifier: Apache-2.0
#include "suites/probes/seccomp/syscalls.h"

#include <gtest/gtest.h>
#include <seccomp.h>

#include <cstdlib>
#include <memory>

namespace probe {
namespace {

std::string NameInLibseccomp(int number) {
  const std::unique_ptr<char, decltype(&std::free)> name(
      seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, number), &std::free);
  return name == nullptr ? "" : name.get();
}

TEST(SyscallsTest, NamesAreThoseOfLibseccomp) {
  int known = 0;
  for (int number = 0; number <= kLastTriedSyscall; ++number) {
    const std::string theirs = NameInLibseccomp(number);
    if (theirs.empty()) continue;  // an older library
    EXPECT_EQ(SyscallName(number), theirs);
    EXPECT_EQ(SyscallNumber(theirs), number);
    ++known;
  }
  EXPECT_GT(known, 350);
}

TEST(SyscallsTest, NumbersWithoutNameGetOne) {
  EXPECT_EQ(SyscallName(337), "syscall_337");
  EXPECT_EQ(SyscallName(kLastKnownSyscall + 1),
            "syscall_" + std::to_string(kLastKnownSyscall + 1));
  EXPECT_EQ(SyscallNumber("no_such_call"), -1);
}

TEST(SyscallsTest, AtMostTwentyAreNotCalled) {
  int not_called = 0;
  for (int number = 0; number <= kLastTriedSyscall; ++number) {
    if (WhyNotCalled(number) != nullptr) ++not_called;
  }
  EXPECT_LE(not_called, 20);
  EXPECT_EQ(WhyNotCalled(SyscallNumber("mkdir")), nullptr);
  EXPECT_NE(WhyNotCalled(SyscallNumber("vhangup")), nullptr);
}

// What -1 would mean to these, or no argument could prevent.
TEST(SyscallsTest, NobodyIsSignalledAndNothingIsMade) {
  EXPECT_GT(HarmlessArguments(SyscallNumber("kill"))[0], 1 << 22);  // PID_MAX
  EXPECT_EQ(HarmlessArguments(SyscallNumber("kill"))[1], 0);
  constexpr long kIpcCreat = 01000;
  for (const char* name : {"msgget", "shmget"}) {
    EXPECT_EQ(HarmlessArguments(SyscallNumber(name))[1] & kIpcCreat, 0) << name;
  }
  EXPECT_TRUE(Forks(SyscallNumber("vfork")));
  EXPECT_FALSE(Forks(SyscallNumber("clone")));
}

}  // namespace
}  // namespace probe
