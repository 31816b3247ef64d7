// SPDX-License-Identifier: Apache-2.0
// AppArmor's lines in the kernel log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace lab {

enum class AuditEvent {
  kAudit,    ///< allowed, and the policy asks for a record
  kAllowed,  ///< would have been denied; the profile only complains
  kDenied,
  kKilled,  ///< denied, and the task was killed for it
  kHint,
  kStatus,  ///< policy was loaded, replaced or removed
  kError,
};

/// The kernel's word: "DENIED".
std::string_view AuditEventName(AuditEvent event);

/// One record. Texts are empty and numbers 0 if the line does not have them;
/// which ones it has depends on the operation.
struct AuditRecord {
  AuditEvent event = AuditEvent::kError;
  std::string operation;  ///< "open", "mknod", "capable", "create", ...
  std::string profile;
  /// The path; for "capable" the capability ("chown"); for "profile_load" the
  /// profile that was loaded.
  std::string name;
  std::string comm;
  std::string requested_mask;
  std::string denied_mask;
  std::string info;
  std::string peer;    ///< the other side's label (signal, ptrace)
  std::string family;  ///< of a socket: "inet"
  std::int64_t pid = 0;
  int error = 0;              ///< errno, positive
  std::int64_t epoch_ms = 0;  ///< milliseconds since the epoch
  /// Counts the kernel's audit records; together with the time it names one.
  std::uint64_t serial = 0;

  bool operator==(const AuditRecord&) const = default;
};

/// Reads one line of dmesg, /dev/kmsg, journalctl -k or audit.log. Names that
/// the kernel wrote in hexadecimal are decoded; fields that are not in
/// AuditRecord are passed over, and so is one that the log cut off. nullopt if
/// the line is no AppArmor record. Thread-safe.
std::optional<AuditRecord> ParseAuditLine(std::string_view line);

}  // namespace lab
