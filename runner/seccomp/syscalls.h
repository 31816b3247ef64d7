// SPDX-License-Identifier: Apache-2.0
// Names and numbers of system calls, and the ways in which a process of an
// x86_64 machine can make them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runner/base/version.h"

namespace lab::seccomp {

/// A system call table. x32 shares its AUDIT_ARCH with x86_64 and has bit 30
/// set in its numbers.
struct Architecture {
  std::string_view name;      ///< "x86_64"
  std::string_view oci_name;  ///< "SCMP_ARCH_X86_64"
  std::uint32_t audit;        ///< AUDIT_ARCH_*
  std::uint32_t token;        ///< libseccomp's SCMP_ARCH_*
  std::uint32_t number_bit;   ///< what is set in every number
  /// The part of an argument that libseccomp's rules look at: for x32 the lower
  /// half, though the kernel takes all of it.
  std::uint64_t width;
};

/// x86_64, i386, x32. The first is the native one.
const std::vector<Architecture>& Architectures();

struct Syscall {
  std::string name;
  std::uint32_t number = 0;  ///< as in seccomp_data, with its x32 bit
};

/// All named calls of an architecture, by number. Names are libseccomp's; those
/// younger than Debian 12's libseccomp are added from the kernel's table.
const std::vector<Syscall>& SyscallsOf(const Architecture& architecture);

/// Whether a libseccomp of this version has a name in its tables. A runtime
/// passes over the names that its libseccomp does not know. Right for Debian's
/// packages from 2.5.4 on.
bool LibseccompKnows(const std::string& name, const Version& libseccomp);

}  // namespace lab::seccomp
