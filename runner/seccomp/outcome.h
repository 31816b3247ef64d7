// SPDX-License-Identifier: Apache-2.0
// What a filter does with a call.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runner/base/result.h"

namespace lab::seccomp {

/// An action of linux/seccomp.h with its data, in one spelling only: two
/// filters do the same exactly if their outcomes are equal.
class Outcome {
 public:
  /// From the value that a filter returns. The kernel ignores the data of most
  /// actions, caps an errno at 4095, and takes an action that it does not know
  /// for kill-process (kernel/seccomp.c, __seccomp_filter()).
  static Outcome Of(std::uint32_t returned);
  static Outcome Allow();
  static Outcome Errno(int number);
  static Outcome KillThread();

  /// From OCI's word: "SCMP_ACT_ERRNO", with `data` where the action has any.
  static Result<Outcome> FromOci(std::string_view action, std::uint16_t data);

  bool IsAllow() const { return *this == Allow(); }
  /// The errno; -1 if the call is not answered with one.
  int errno_number() const;

  /// "allow", "errno 1 (EPERM)", "kill-process", "kill-thread", "trap",
  /// "log", "notify", "trace 7".
  std::string ToString() const;

  bool operator==(const Outcome&) const = default;

 private:
  explicit Outcome(std::uint32_t value) : value_(value) {}
  std::uint32_t value_;
};

/// What the kernel does where filters are stacked: the most restrictive action
/// wins, and of equal ones that of the newer filter
/// (Documentation/userspace-api/seccomp_filter.rst, "Return values").
std::uint32_t Combine(std::uint32_t older, std::uint32_t newer);

}  // namespace lab::seccomp
