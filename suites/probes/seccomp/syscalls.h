// SPDX-License-Identifier: Apache-2.0
// What is known of each system call: its name, and with which arguments it may
// be called without harm by a process that has every privilege.
#pragma once

#include <array>
#include <string>

namespace probe {

/// The last number that has a name in the table.
extern const int kLastKnownSyscall;
/// The numbers above the table that are tried as well: a kernel may be newer.
/// 512 and up are calls of the x32 ABI.
inline constexpr int kLastTriedSyscall = 511;
/// No kernel has it: how it is answered is how the filter answers what it does
/// not know.
inline constexpr int kNoSuchSyscall = 4000;

using Arguments = std::array<long, 6>;

/// "mount"; "syscall_337" for a number without a name.
std::string SyscallName(int number);
/// As in the table; -1 if there is none.
int SyscallNumber(const std::string& name);

/// All bits set, with few exceptions: a descriptor is not open, a pointer leads
/// nowhere, flags are not valid, so that a call that gets through fails early,
/// and where possible before the kernel asks for a capability. It is a filter
/// that is asked first.
Arguments HarmlessArguments(int number);

/// Why the call is not made at all, or nullptr. At most 20 calls.
const char* WhyNotCalled(int number);

/// fork and vfork take no argument that would make them fail.
bool Forks(int number);

}  // namespace probe
