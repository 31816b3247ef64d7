// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/store.h"

#include <fmt/format.h>

#include <algorithm>

#include "runner/base/text.h"
#include "runner/lab/cluster_cleaning.h"
#include "runner/lab/container_engine.h"
#include "runner/lab/host_settings.h"
#include "runner/lab/marked_profiles.h"
#include "runner/lab/private_docker.h"

namespace lab {
namespace fs = std::filesystem;

namespace {

std::vector<Path> Entries(const Path& directory) {
  std::vector<Path> entries;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(directory, code)) {
    entries.push_back(entry.path());
  }
  std::sort(entries.begin(), entries.end());
  return entries;
}

// Somebody may just be making it: a lab before its first lab.json.
bool JustMade(const Path& path) {
  std::error_code code;
  const auto changed = fs::last_write_time(path, code);
  return !code && fs::file_time_type::clock::now() - changed < 60s;
}

void EndProcesses(const LabFile& lab, std::vector<std::string>& removed) {
  for (const auto& process : lab.processes) {
    if (!process.id.Alive()) continue;
    EndForeign(process.id, 0s);
    removed.push_back(fmt::format("process {} ({}) of lab {}", process.id.pid,
                                  process.name, lab.name));
  }
}

// Containers do not die with their owner.
Status EndContainers(const LabFile& lab, std::vector<std::string>& removed) {
  if (lab.engine.provider.empty()) return {};
  // An owner that removed them removes the directory after that.
  if (!fs::exists(lab.directory)) return {};
  const ContainerEngine engine(lab.engine);
  const Path cache = lab.directory.parent_path().parent_path();
  const bool own = IsPrivateDocker(cache, lab.engine);
  // One that is ending removes them itself, and both at once would fail.
  if (own) AwaitPrivateDockerEnd(cache);
  if (own && !engine.Version()) return {};
  const auto gone = engine.RemoveLab(lab);
  if (!gone) {
    return gone.error().Within(fmt::format(
        "lab {0} is kept, for its containers: mend {2} and run this again; if "
        "there is none any more: rm -r {1}",
        lab.name, lab.directory.string(), lab.engine.provider));
  }
  for (const auto& what : *gone) {
    removed.push_back(fmt::format("{} of lab {}", what, lab.name));
  }
  return {};
}

Status EndForeignParts(const LabFile& lab, std::vector<std::string>& removed) {
  EndProcesses(lab, removed);
  if (lab.kind == "kubeconfig") {
    LAB_TRY(const auto gone, RemoveFromCluster(lab));
    for (const auto& what : gone) {
      removed.push_back(fmt::format("{} of lab {}", what, lab.name));
    }
  }
  if (lab.kind == "kind") {
    LAB_TRY(const auto gone, RemoveMarkedProfiles(lab));
    for (const auto& what : gone) {
      removed.push_back(
          fmt::format("AppArmor profile {} of lab {}", what, lab.name));
    }
  }
  return EndContainers(lab, removed);
}

}  // namespace

std::vector<LabFile> LabStore::List() const {
  std::vector<LabFile> labs;
  for (const auto& path : Entries(root_)) {
    if (auto lab = LabFile::Load(path)) labs.push_back(std::move(*lab));
  }
  return labs;
}

Result<LabFile> LabStore::Find(const std::string& name) const {
  std::vector<std::string> names;
  for (auto& lab : List()) {
    if (lab.name == name) return lab;
    names.push_back(lab.name);
  }
  return UsageError(fmt::format("no lab \"{}\"; {}", name,
                                names.empty()
                                    ? "there is none: `runner lab up` makes one"
                                    : "there are: " + Join(names, ", ")));
}

Result<LabFile> LabStore::FindAlive(const std::string& name) const {
  LAB_TRY(auto lab, Find(name));
  if (lab.owner.Alive()) return lab;
  return ProvisionError(fmt::format(
      "lab {0} is dead; `runner lab gc` removes it, `runner lab up --name {0}` "
      "makes it anew",
      lab.name));
}

Result<LabFile> LabStore::Choose(const std::string& name) const {
  if (!name.empty()) return Find(name);
  auto labs = List();
  if (labs.size() == 1) return labs.front();
  return Find("lab");
}

void LabStore::Forget(const std::string& name) const {
  const auto lab = LabFile::Load(DirectoryOf(name));
  if (lab && lab->state == kLeftState) return;
  (void)RemoveTree(DirectoryOf(name)).has_value();
}

Status LabStore::Down(const std::string& name) const {
  LAB_TRY(const auto lab, Find(name));
  EndForeign(lab.owner, 10s);
  if (lab.owner.Alive()) {
    return Error{
        fmt::format("lab {}: process {} does not end", name, lab.owner.pid)};
  }
  std::vector<std::string> removed;
  LAB_CHECK_OK(EndForeignParts(lab, removed));
  LAB_CHECK_OK(RemoveTree(lab.directory));
  LAB_TRY(const auto settings, PutBackHostSettings(root_.parent_path()));
  return {};
}

Result<LabStore::Collected> LabStore::CollectGarbage() const {
  Collected result;
  for (const auto& path : Entries(root_)) {
    const auto lab = LabFile::Load(path);
    if (lab && lab->owner.Alive()) {
      result.kept.push_back(fmt::format("lab {} (in use by process {})",
                                        lab->name, lab->owner.pid));
      continue;
    }
    if (!lab && JustMade(path)) {
      result.kept.push_back(path.string() + " (just made)");
      continue;
    }
    if (lab) {
      if (const auto ended = EndForeignParts(*lab, result.removed); !ended) {
        result.left.push_back(ended.error().what);
        continue;
      }
    }
    LAB_CHECK_OK(RemoveTree(path));
    result.removed.push_back(path.string());
  }
  const Path cache = root_.parent_path();
  for (const auto& line : CleanUpAfterPrivateDocker(cache)) {
    result.removed.push_back(line);
  }
  const auto settings = PutBackHostSettings(cache);
  if (!settings) result.left.push_back(settings.error().what);
  for (const auto& line : settings ? *settings : std::vector<std::string>()) {
    result.removed.push_back("changed setting " + line);
  }
  for (const auto& path : Entries(cache / "tmp")) {
    // Whoever works here holds the lock of the same name.
    const Path lock_path =
        cache / "locks" / (path.filename().string() + ".lock");
    if (fs::exists(lock_path)) {
      LAB_TRY(const auto lock, FileLock::TryTake(lock_path));
      if (!lock.held()) {
        result.kept.push_back(path.string() + " (being built)");
        continue;
      }
      LAB_CHECK_OK(RemoveTree(path));
    } else {
      LAB_CHECK_OK(RemoveTree(path));
    }
    result.removed.push_back(path.string());
  }
  return result;
}

Status CheckLabName(const std::string& name) {
  const bool good =
      !name.empty() && name.size() <= 24 && name.front() != '-' &&
      name.back() != '-' &&
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
          std::string::npos;
  if (good) return {};
  return UsageError(fmt::format(
      "lab name \"{}\": at most 24 of a-z, 0-9 and -, not at the ends", name));
}

}  // namespace lab
