// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/fixtures.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <map>
#include <set>

#include "runner/base/text.h"
#include "runner/cluster/leftovers.h"
#include "runner/cluster/node.h"
#include "runner/cluster/seccomp_files.h"

namespace lab {
namespace {

using Profiles = std::map<std::string, std::string>;  // name -> text

Result<std::string> OwnText(const Path& home, const std::string& profile) {
  return ReadFile(home / "profiles" / "apparmor" / profile);
}

// The text of `file`, made to be called `profile`.
Result<std::string> TextAs(const Path& home, const std::string& file,
                           const std::string& profile) {
  LAB_TRY(const auto text, ReadFile(home / file));
  return ReplaceAll(text, "@PROFILE@", profile);
}

Status Falsify(const Path& home, const SabotageAction& action,
               const WantedProfiles& wanted, Profiles& profiles) {
  if (action.action == "replace-profile") {
    LAB_TRY(profiles[action.profile],
            TextAs(home, action.with, action.profile));
  } else if (action.action == "replace-all-profiles") {
    for (auto& [name, text] : profiles) {
      LAB_TRY(text, TextAs(home, action.with, name));
    }
  } else if (action.action == "load-profile") {
    LAB_TRY(profiles[action.profile], OwnText(home, action.profile));
  } else if (action.action == "load-withheld") {
    for (const auto& name : wanted.withheld) {
      LAB_TRY(profiles[name], OwnText(home, name));
    }
  }
  return {};
}

// The seccomp files, path -> text, or what a sabotage puts in their place.
Result<Profiles> PlanSeccomp(const Path& home, const WantedProfiles& wanted,
                             const std::optional<Sabotage>& sabotage) {
  Profiles files;
  for (const auto& path : wanted.seccomp) {
    LAB_TRY(files[path], ReadFile(home / "profiles" / "seccomp" / path));
  }
  for (const auto& action :
       sabotage ? sabotage->actions : std::vector<SabotageAction>()) {
    for (auto& [path, text] : files) {
      if (action.action == "replace-all-seccomp" ||
          (action.action == "replace-seccomp" && action.profile == path)) {
        LAB_TRY(text, ReadFile(home / action.with));
      }
    }
  }
  return files;
}

// What each worker is to get, in the order of lab.Workers().
Result<std::vector<Profiles>> PlanWorkers(
    const Path& home, const LabFile& lab, const WantedProfiles& wanted,
    const std::optional<Sabotage>& sabotage) {
  Profiles profiles;
  for (const auto& name : wanted.loaded) {
    LAB_TRY(profiles[name], OwnText(home, name));
  }
  bool skip_last = false;
  for (const auto& action :
       sabotage ? sabotage->actions : std::vector<SabotageAction>()) {
    LAB_CHECK_OK(Falsify(home, action, wanted, profiles));
    skip_last = skip_last || action.node == "last-worker";
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
  auto told = fmt::format("{} loaded on each of {} workers", most,
                          workers.size() - without.size());
  if (most > 0 && lab.profile_names.marked()) {
    told += ", as NAME" + lab.profile_names.mark();
  }
  if (without.empty()) return told;
  return fmt::format("{}; none on {}: no AppArmor", told, Join(without, ", "));
}

// Of AppArmor's profiles and seccomp's files, what the cases want.
std::string WhatIsThere(const LabFile& lab, const std::vector<Profiles>& plan,
                        std::size_t seccomp_files) {
  if (seccomp_files == 0) return WhatIsLoaded(lab, plan);
  const auto placed = fmt::format("{} seccomp files on each of {} workers",
                                  seccomp_files, plan.size());
  const bool only = std::all_of(plan.begin(), plan.end(),
                                [](const auto& one) { return one.empty(); });
  return only ? placed : WhatIsLoaded(lab, plan) + ", " + placed;
}

template <typename Work>
Status OnEachWorker(const LabFile& lab, Work&& work) {
  const auto workers = lab.Workers();
  std::vector<std::future<Status>> all;
  for (std::size_t i = 0; i < workers.size(); ++i) {
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

WantedProfiles Wants(const std::vector<Scenario>& scenarios) {
  std::set<std::string> withheld;
  std::set<std::string> seccomp;
  for (const auto& scenario : scenarios) {
    withheld.insert(scenario.withheld.begin(), scenario.withheld.end());
    seccomp.insert(scenario.seccomp.begin(), scenario.seccomp.end());
  }
  return {ProfilesOf(scenarios),
          {withheld.begin(), withheld.end()},
          {seccomp.begin(), seccomp.end()}};
}

Result<ProfileFaults> PrepareNodes(const Path& home, const LabFile& lab,
                                   const WantedProfiles& profiles,
                                   const std::optional<Sabotage>& sabotage,
                                   Progress& progress) {
  LAB_TRY(const auto plan, PlanWorkers(home, lab, profiles, sabotage));
  LAB_TRY(const auto files, PlanSeccomp(home, profiles, sabotage));
  const auto workers = lab.Workers();
  progress.Begin("profiles", "loading on every worker");
  std::vector<ProfileFaults> found(plan.size());
  const Status asked =
      OnEachWorker(lab, [&](const NodeShell& node, std::size_t i) -> Status {
        // A kernel without AppArmor has no place for profiles.
        if (lab.HasAppArmor(workers[i].name)) {
          LAB_TRY(found[i], node.LoadProfiles(plan[i]));
        }
        LAB_TRY(auto misplaced, PlaceSeccompFiles(node, files));
        found[i].merge(misplaced);
        return {};
      });
  ProfileFaults faults;
  for (auto& some : found) faults.merge(some);
  std::vector<std::string> told;
  for (const auto& [profile, why] : faults) told.push_back(why);
  progress.End("profiles", asked.has_value() && faults.empty(),
               !asked            ? asked.error().what
               : !faults.empty() ? Join(told, "\n")
                                 : WhatIsThere(lab, plan, files.size()));
  if (!asked) return asked.error();
  return faults;
}

Status CleanNodes(const LabFile& lab, const WantedProfiles& profiles,
                  const std::optional<Sabotage>& sabotage) {
  auto names = profiles.loaded;
  for (const auto& action :
       sabotage ? sabotage->actions : std::vector<SabotageAction>()) {
    if (action.action == "load-profile") names.push_back(action.profile);
    if (action.action == "load-withheld") {
      names.insert(names.end(), profiles.withheld.begin(),
                   profiles.withheld.end());
    }
  }
  const auto workers = lab.Workers();
  return OnEachWorker(lab, [&](const NodeShell& node, std::size_t i) -> Status {
    if (lab.HasAppArmor(workers[i].name)) {
      LAB_CHECK_OK(node.RemoveOwnProfiles(names));
    }
    // A cluster that exists takes its time, and has its own way of looking.
    if (lab.kind != "kubeconfig") {
      LAB_CHECK_OK(AwaitLeftovers(node, Api(lab.api_socket)));
    }
    return RemoveOwnSeccompFiles(node, profiles.seccomp);
  });
}

}  // namespace lab
