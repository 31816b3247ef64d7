// SPDX-License-Identifier: Apache-2.0
// What a suite finds on the nodes when its first case begins: its profiles,
// loaded and seen in the kernel's list, or, under sabotage, something else.
#pragma once

#include <optional>

#include "runner/base/progress.h"
#include "runner/cli/catalog.h"
#include "runner/cli/sabotage.h"
#include "runner/cluster/lab_file.h"
#include "runner/cluster/profile_loading.h"

namespace lab {

/// What the cases of a run want of the nodes: names of profiles and files.
struct WantedProfiles {
  std::vector<std::string> loaded;    ///< on every worker
  std::vector<std::string> withheld;  ///< on none
  std::vector<std::string> seccomp;   ///< files, on every worker
};
WantedProfiles Wants(const std::vector<Scenario>& scenarios);

/// Loads these files of profiles/apparmor on every worker whose kernel has
/// AppArmor, and puts those of profiles/seccomp on every worker, side by side.
/// The faults are of those that could not be had somewhere, by name; only the
/// cases that need them suffer.
Result<ProfileFaults> PrepareNodes(const Path& home, const LabFile& lab,
                                   const WantedProfiles& profiles,
                                   const std::optional<Sabotage>& sabotage,
                                   Progress& progress);

/// Removes what PrepareNodes loaded, and nothing that was there before; for
/// labs that live on.
Status CleanNodes(const LabFile& lab, const WantedProfiles& profiles,
                  const std::optional<Sabotage>& sabotage);

}  // namespace lab
