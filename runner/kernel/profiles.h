// SPDX-License-Identifier: Apache-2.0
// The profiles that the kernel has loaded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runner/base/result.h"

namespace lab {

struct LoadedProfile {
  /// As listed: "parent//child" for a child, ":ns://name" in a sub-namespace.
  std::string name;
  std::string mode;

  bool operator==(const LoadedProfile&) const = default;
};

/// Reads the text of /sys/kernel/security/apparmor/profiles, lines of
/// "name (mode)", and keeps its order. The error names the line that is not
/// one.
Result<std::vector<LoadedProfile>> ParseProfiles(std::string_view text);

/// The profile of exactly this name, null if it is not loaded. Points into
/// `profiles`.
const LoadedProfile* FindProfile(const std::vector<LoadedProfile>& profiles,
                                 std::string_view name);

}  // namespace lab
