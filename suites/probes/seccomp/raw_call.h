// SPDX-License-Identifier: Apache-2.0
// The one instruction that makes the calls which are tried, in assembly: no
// library between, and an address by which a filter knows them.
#pragma once

extern "C" {

/// Makes system call `number` and returns what the kernel left in rax. If it
/// returned 0 and `forks` is set, this is the forked process, and it ends
/// here: it may share our stack.
long lab_raw_call(long number, const long* arguments, long forks);

/// The address behind its `syscall` instruction; what
/// seccomp_data.instruction_pointer holds for a call of lab_raw_call.
extern const char lab_raw_call_behind[];
}
