// SPDX-License-Identifier: Apache-2.0
#include "runner/kernel/profiles.h"

#include <fmt/format.h>

#include <algorithm>

#include "runner/base/text.h"
#include "runner/kernel/label.h"

namespace lab {

Result<std::vector<LoadedProfile>> ParseProfiles(std::string_view text) {
  std::vector<LoadedProfile> profiles;
  std::size_t number = 0;
  for (const std::string& line : Lines(text)) {
    ++number;
    auto split = SplitMode(line);
    if (!split) {
      return Error{fmt::format(
          "parse list of profiles, line {}: \"{}\" is not \"name (mode)\"",
          number, Printable(line))};
    }
    profiles.push_back({std::move(split->first), std::move(split->second)});
  }
  return profiles;
}

const LoadedProfile* FindProfile(const std::vector<LoadedProfile>& profiles,
                                 std::string_view name) {
  const auto found = std::find_if(
      profiles.begin(), profiles.end(),
      [&](const LoadedProfile& profile) { return profile.name == name; });
  return found == profiles.end() ? nullptr : &*found;
}

}  // namespace lab
