// SPDX-License-Identifier: Apache-2.0
// What loading profiles on a node says and leaves, apart from the node: which
// are whose, and what the parser's complaints are about.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runner/base/result.h"
#include "runner/cluster/profile_names.h"

namespace lab {

/// Where a lab keeps, on each node, the texts of the profiles that it has
/// loaded there: one file a profile, called as the profile. A profile whose
/// file is not there was loaded by somebody else. Gone with the node's boot, as
/// the profiles are.
inline constexpr const char* kOwnProfiles = "/run/confinement-lab/profiles";
/// The kernel's list.
inline constexpr const char* kKernelProfiles =
    "/sys/kernel/security/apparmor/profiles";

/// The file of a profile in kOwnProfiles; a name may hold slashes.
std::string OwnProfileFile(const std::string& profile);

struct ProfileState {
  std::set<std::string> loaded;  ///< in the kernel, whatever their mode
  /// The files that this lab has loaded, and what each declares: more than
  /// what it is called after, as a rule nothing else.
  std::map<std::string, std::set<std::string>> own;

  bool Foreign(const std::string& profile) const {
    return loaded.contains(profile) && !own.contains(profile);
  }
};

/// Reads what `grep -sr "" kKernelProfiles kOwnProfiles` prints on a node, into
/// the names of the documents. A profile with the lab's mark is its own, also
/// where another node has loaded it; a namesake is passed over.
ProfileState ParseProfileState(std::string_view text,
                               const ProfileNames& names = {});

/// Names of the kernel's list, "NAME (MODE)" a line.
std::set<std::string> LoadedNames(std::string_view list);

/// Why profiles are not loaded, by name.
using ProfileFaults = std::map<std::string, std::string>;

/// What became of `wanted`, by the parser's stderr and the kernel's list after
/// it. A complaint that names the file of one is that one's fault, and is told
/// with "profiles/apparmor/NAME:LINE". An error if there are complaints that
/// cannot be told apart from success.
Result<ProfileFaults> FindFaults(const std::set<std::string>& wanted,
                                 std::string_view complaints,
                                 std::string_view list);

/// The profiles (name -> text) as a tar archive to be unpacked in /run, called
/// as on the node.
Result<std::string> PackProfiles(
    const std::map<std::string, std::string>& profiles,
    const ProfileNames& names = {});

}  // namespace lab
