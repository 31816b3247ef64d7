// SPDX-License-Identifier: Apache-2.0
// The confinement of a task, as the kernel tells it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runner/base/result.h"

namespace lab {

/// One profile of a label.
struct LabelComponent {
  /// Policy namespace as written between the colons of ":ns://name"; empty if
  /// not written. In a stack, a component without one is in the namespace of
  /// the component before it, the first in that of the reader.
  std::string policy_namespace;
  /// May hold spaces, slashes and parentheses; "//" parts a child from its
  /// parent.
  std::string profile;

  bool operator==(const LabelComponent&) const = default;
};

/// What /proc/PID/attr/current says: "unconfined", "NAME (MODE)", or a stack
/// "A//&B (MODE)". Grammar: the kernel's security/apparmor/label.c.
struct Label {
  /// Never empty.
  std::vector<LabelComponent> stack;
  /// "enforce", "complain", "kill", "unconfined", "user"; "mixed" for a stack
  /// of unlike modes. Kernels add words, so this is no enumeration. Empty if
  /// no policy applies; a profile with flags=(unconfined) has the *mode*
  /// "unconfined", and is still a profile.
  std::string mode;

  /// True if no policy applies to the task.
  bool unconfined() const { return mode.empty(); }
  /// True for exactly this one profile, of the reader's namespace, in exactly
  /// this mode.
  bool Is(std::string_view profile, std::string_view wanted_mode) const;
  /// As the kernel would write it, without the newline.
  std::string ToString() const;

  bool operator==(const Label&) const = default;
};

/// Reads the content of an attr file; newlines and NULs at its end are
/// ignored. Anything AppArmor does not write (nothing at all, the context of
/// another security module) is an error.
Result<Label> ParseLabel(std::string_view text);

/// "name (mode)" in two: the kernel writes a profile and its mode so
/// everywhere. The last " (" parts them, because names may hold one too.
std::optional<std::pair<std::string, std::string>> SplitMode(
    std::string_view text);

}  // namespace lab
