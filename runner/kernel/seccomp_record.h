// SPDX-License-Identifier: Apache-2.0
// Seccomp's lines in the kernel log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lab {

/// One record of type AUDIT_SECCOMP (kernel/auditsc.c, audit_seccomp()): a
/// filter has logged, trapped or killed.
struct SeccompRecord {
  std::string comm;
  std::int64_t pid = 0;
  int signal = 0;          ///< 0 if the call went on; 31 is SIGSYS
  std::uint32_t arch = 0;  ///< AUDIT_ARCH_*: 0xc000003e is x86_64
  int syscall = -1;        ///< number in that architecture
  /// What the filter returned, SECCOMP_RET_* of linux/seccomp.h: 0x7ffc0000 is
  /// SECCOMP_RET_LOG.
  std::uint32_t code = 0;

  bool operator==(const SeccompRecord&) const = default;
};

/// Reads one line of dmesg, /dev/kmsg or audit.log. nullopt if the line is no
/// seccomp record, or was cut off. Thread-safe.
std::optional<SeccompRecord> ParseSeccompLine(std::string_view line);

}  // namespace lab
