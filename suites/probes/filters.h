// SPDX-License-Identifier: Apache-2.0
// lab-node filters: the seccomp filters of a process, read from the kernel.
#pragma once

namespace probe {

/// Prints a line about the process, then a line with each filter's
/// instructions, oldest first:
///
///   {"pid":4711,"comm":"sleep","kernel":"6.12.1","seccomp":"2",
///    "no-new-privs":"1","capabilities":"00000000a80425fb"}
///   {"filter":0,"log":0,"program":"0020000000000004..."}
///
/// An instruction is 16 hexadecimal digits: code, jt, jf, k. The process is
/// stopped for some microseconds (ptrace(2), PTRACE_SECCOMP_GET_FILTER) and
/// goes on as it was, also when this program is killed meanwhile: the kernel
/// detaches what a dead process traced.
///
/// Returns the exit status: 0; 2 nothing to be read there (no such process, or
/// one that has ended, or a 32-bit program); 3 could not find out; 4 this
/// kernel does not show filters. Anything but 0 comes with a line on stderr.
int Filters(const char* pid);

}  // namespace probe
