// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/fixtures.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <map>

#include "runner/base/text.h"
#include "runner/cluster/node.h"

namespace lab {
namespace {

using Profiles = std::map<std::string, std::string>;  // name -> text

Result<Profiles> ReadProfiles(const Path& home,
                              const std::vector<std::string>& names) {
  Profiles profiles;
  for (const auto& name : names) {
    LAB_TRY(profiles[name], ReadFile(home / "profiles" / "apparmor" / name));
  }
  return profiles;
}

// What each worker is to get, in the order of lab.Workers().
Result<std::vector<Profiles>> PlanWorkers(
    const Path& home, const LabFile& lab, const std::vector<std::string>& names,
    const std::optional<Sabotage>& sabotage) {
  LAB_TRY(auto profiles, ReadProfiles(home, names));
  bool skip_last = false;
  for (const auto& action :
       sabotage ? sabotage->actions : std::vector<SabotageAction>()) {
    if (action.action == "replace-profile") {
      LAB_TRY(profiles[action.profile], ReadFile(home / action.with));
    } else if (action.action == "load-profile") {
      LAB_TRY(profiles[action.profile],
              ReadFile(home / "profiles" / "apparmor" / action.profile));
    } else if (action.action == "skip-node" && action.node == "last-worker") {
      skip_last = true;
    } else {
      return Error{fmt::format("sabotage {}: unknown action \"{}\"",
                               sabotage->name, action.action)};
    }
  }
  std::vector<Profiles> plan(lab.Workers().size(), profiles);
  if (skip_last && !plan.empty()) plan.back().clear();
  return plan;
}

// "8 loaded on each of 2 workers", and on which there is nothing to load into.
std::string WhatIsLoaded(const LabFile& lab,
                         const std::vector<Profiles>& plan) {
  std::size_t most = 0;
  std::vector<std::string> without;
  const auto workers = lab.Workers();
  for (std::size_t i = 0; i < workers.size(); ++i) {
    if (lab.HasAppArmor(workers[i].name)) {
      most = std::max(most, plan[i].size());
    } else {
      without.push_back(workers[i].name);
    }
  }
  if (without.empty()) {
    return fmt::format("{} loaded on each of {} workers", most, workers.size());
  }
  return fmt::format("{} loaded on each of {} workers; none on {}: no AppArmor",
                     most, workers.size() - without.size(),
                     Join(without, ", "));
}

// Those without AppArmor are left alone: they have no place for profiles.
template <typename Work>
Status OnEachWorker(const LabFile& lab, Work&& work) {
  const auto workers = lab.Workers();
  std::vector<std::future<Status>> all;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    if (!lab.HasAppArmor(workers[i].name)) continue;
    all.push_back(std::async(std::launch::async, [&, i] {
      return work(NodeShell(lab, workers[i].name), i);
    }));
  }
  Status result;
  for (auto& one : all) {
    if (auto status = one.get(); !status && result) result = status;
  }
  return result;
}

}  // namespace

Result<ProfileFaults> PrepareNodes(const Path& home, const LabFile& lab,
                                   const std::vector<std::string>& profiles,
                                   const std::optional<Sabotage>& sabotage,
                                   Progress& progress) {
  LAB_TRY(const auto plan, PlanWorkers(home, lab, profiles, sabotage));
  progress.Begin("profiles", "loading on every worker");
  std::vector<ProfileFaults> found(plan.size());
  const Status asked =
      OnEachWorker(lab, [&](const NodeShell& node, std::size_t i) -> Status {
        LAB_TRY(found[i], node.LoadProfiles(plan[i]));
        return {};
      });
  ProfileFaults faults;
  for (auto& some : found) faults.merge(some);
  std::vector<std::string> told;
  for (const auto& [profile, why] : faults) told.push_back(why);
  progress.End("profiles", asked.has_value() && faults.empty(),
               !asked            ? asked.error().what
               : !faults.empty() ? Join(told, "\n")
                                 : WhatIsLoaded(lab, plan));
  if (!asked) return asked.error();
  return faults;
}

Status CleanNodes(const LabFile& lab, const std::vector<std::string>& profiles,
                  const std::optional<Sabotage>& sabotage) {
  auto names = profiles;
  for (const auto& action :
       sabotage ? sabotage->actions : std::vector<SabotageAction>()) {
    if (action.action == "load-profile") names.push_back(action.profile);
  }
  return OnEachWorker(lab, [&](const NodeShell& node, std::size_t) -> Status {
    return node.RemoveOwnProfiles(names);
  });
}

}  // namespace lab
