// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/marked_profiles.h"

#include <fmt/format.h>

#include "runner/base/stop.h"
#include "runner/base/text.h"
#include "runner/cluster/node.h"
#include "runner/components/parts.h"

namespace lab {
namespace {

// Of this host's kernel; none where it has no AppArmor, or does not tell.
std::vector<std::string> MarkedHere(const ProfileNames& names) {
  std::vector<std::string> marked;
  const auto list = ReadFile(kKernelProfiles).value_or("");
  for (const auto& profile : LoadedNames(list)) {
    if (names.IsMarked(profile)) marked.push_back(profile);
  }
  return marked;
}

Status RemoveHere(const std::vector<std::string>& profiles) {
  LAB_TRY(const auto probes, ProbesDirectory());
  std::vector<std::string> argv = {(probes / "node").string(),
                                   "remove-profiles"};
  argv.insert(argv.end(), profiles.begin(), profiles.end());
  const auto removed = RunOk({.argv = argv, .timeout = 20s, .stoppable = false});
  if (removed) return {};
  return Error{fmt::format(
      "AppArmor profiles of the lab are left in this host's kernel: {}; as "
      "root: {}",
      removed.error().what, ShellQuote(argv))};
}

}  // namespace

Result<std::vector<std::string>> RemoveMarkedProfiles(const LabFile& lab) {
  if (!lab.profile_names.marked()) return std::vector<std::string>();
  const stop::Unheard cleaning;
  for (const auto& node : lab.nodes) {
    if (!lab.HasAppArmor(node.name)) continue;
    auto removed = NodeShell(lab, node.name).RemoveAllOwnProfiles();
    if (removed) return removed;
  }
  auto left = MarkedHere(lab.profile_names);
  if (!left.empty()) LAB_CHECK_OK(RemoveHere(left));
  return left;
}

}  // namespace lab
