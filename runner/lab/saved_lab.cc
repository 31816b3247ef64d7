// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/saved_lab.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/components/cache.h"
#include "runner/lab/sparse_copy.h"
#include "runner/process/process.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr const char* kManifest = "saved.json";

json Arguments(const std::vector<Argument>& arguments) {
  json all = json::array();
  for (const auto& [name, value] : arguments) all.push_back({name, value});
  return all;
}

std::vector<Argument> ReadArguments(const json& all) {
  std::vector<Argument> arguments;
  for (const auto& one : all) arguments.push_back({one.at(0), one.at(1)});
  return arguments;
}

SavedLab Read(const json& j) {
  SavedLab saved;
  saved.name = j.at("name");
  saved.lab = j.at("lab");
  saved.created = j.at("created");
  saved.kubernetes = j.at("kubernetes");
  saved.accel = j.at("accel");
  saved.accel_reason = j.at("accel_reason");
  saved.qemu = j.at("qemu");
  saved.processor = j.at("processor");
  saved.machine = j.at("machine");
  saved.net_number = j.at("net_number");
  saved.kubernetes_part = j.at("kubernetes_part").get<std::string>();
  saved.etcd_part = j.at("etcd_part").get<std::string>();
  for (const auto& part : j.at("parts")) {
    saved.parts.push_back(part.get<std::string>());
  }
  for (const auto& f : j.at("files")) {
    saved.files.push_back({f.at("path").get<std::string>(), f.at("sha256")});
  }
  saved.apiserver_args = ReadArguments(j.at("apiserver_args"));
  saved.controller_manager_args =
      ReadArguments(j.at("controller_manager_args"));
  saved.scheduler_args = ReadArguments(j.at("scheduler_args"));
  for (const auto& n : j.at("nodes")) {
    saved.nodes.push_back(
        {n.at("name"),
         n.at("argv"),
         n.at("disk").get<std::string>(),
         n.at("lease"),
         {n.at("node_os"), n.at("runtime"), n.at("apparmor")}});
  }
  return saved;
}

std::string Differs(const std::string& what, const std::string& saved,
                    const std::string& now) {
  if (saved == now) return "";
  return fmt::format("{} was {}, is {}", what, saved, now);
}

}  // namespace

std::set<std::string> SavedLab::NodeOs() const {
  std::set<std::string> all;
  for (const auto& node : nodes) all.insert(node.choice.node_os);
  return all;
}

std::string SavedLab::ToJson() const {
  json j = {{"format", kFormat},
            {"name", name},
            {"lab", lab},
            {"created", created},
            {"kubernetes", kubernetes},
            {"accel", accel},
            {"accel_reason", accel_reason},
            {"qemu", qemu},
            {"processor", processor},
            {"machine", machine},
            {"net_number", net_number},
            {"kubernetes_part", kubernetes_part.string()},
            {"etcd_part", etcd_part.string()},
            {"parts", json::array()},
            {"files", json::array()},
            {"apiserver_args", Arguments(apiserver_args)},
            {"controller_manager_args", Arguments(controller_manager_args)},
            {"scheduler_args", Arguments(scheduler_args)},
            {"nodes", json::array()}};
  for (const auto& part : parts) j["parts"].push_back(part.string());
  for (const auto& file : files) {
    j["files"].push_back(
        {{"path", file.path.string()}, {"sha256", file.sha256}});
  }
  for (const auto& node : nodes) {
    j["nodes"].push_back({{"name", node.name},
                          {"argv", node.argv},
                          {"disk", node.disk.string()},
                          {"lease", node.lease},
                          {"node_os", node.choice.node_os},
                          {"runtime", node.choice.runtime},
                          {"apparmor", node.choice.apparmor}});
  }
  return j.dump(2) + "\n";
}

Result<SavedLab> SavedLab::Parse(const std::string& text,
                                 const std::string& where) try {
  const auto j = json::parse(text);
  if (const int format = j.at("format"); format != kFormat) {
    return ProvisionError(
        fmt::format("{}: format {}, this runner reads {}; save the lab anew",
                    where, format, kFormat));
  }
  return Read(j);
} catch (const json::exception& e) {
  return ProvisionError(where + ": " + e.what());
}

Result<Surroundings> LookAround(const Path& home, bool with_processor) {
  Surroundings now;
  LAB_TRY(const auto version,
          RunOk({.argv = {"qemu-system-x86_64", "--version"}}));
  now.qemu = version.substr(0, version.find('\n'));
  LAB_TRY(now.machine, Sha256OfFile(home / "fixtures/node/machine.json"));
  if (!with_processor) return now;
  LAB_TRY(const auto info, ReadFile("/proc/cpuinfo"));
  for (const auto& line : Lines(info)) {
    if (line.starts_with("model name")) now.processor = line;
  }
  return now;
}

Result<std::vector<PartFile>> FilesOfPart(const Path& part) {
  const Path seal = part / "part.json";
  LAB_TRY(const auto text, ReadFile(seal));
  std::vector<PartFile> files;
  try {
    const auto j = json::parse(text);
    for (const auto& [name, about] : j.at("files").items()) {
      files.push_back({part / name, about.at("sha256")});
    }
  } catch (const json::exception& e) {
    return Error{seal.string() + ": " + e.what()};
  }
  return files;
}

namespace {

// Why the part is not the one that was saved with; empty if it is. One of the
// same key that was built again need not have the same bytes.
std::string Change(const SavedLab& saved, const Path& part) {
  if (const auto whole = VerifyPart(part); !whole) return whole.error().what;
  const auto files = FilesOfPart(part);
  if (!files) return files.error().what;
  for (const auto& file : *files) {
    if (std::find(saved.files.begin(), saved.files.end(), file) ==
        saved.files.end()) {
      return file.path.string() + " has changed (sha256)";
    }
  }
  return "";
}

}  // namespace

Status CheckRestorable(const SavedLab& saved, const Surroundings& now) {
  std::vector<std::string> differences = {
      Differs("QEMU", saved.qemu, now.qemu),
      Differs("the processor", saved.processor, now.processor),
      Differs("fixtures/node/machine.json", saved.machine.substr(0, 12),
              now.machine.substr(0, 12))};
  for (const auto& part : saved.parts) {
    if (std::find(now.parts.begin(), now.parts.end(), part) !=
        now.parts.end()) {
      continue;
    }
    differences.push_back(
        fmt::format("it was made with part {}, a new lab has another",
                    part.filename().string()));
  }
  for (const auto& part : saved.parts) {
    differences.push_back(Change(saved, part));
  }
  std::erase(differences, "");
  if (differences.empty()) return {};
  return ProvisionError(fmt::format(
      "saved lab {0} does not fit any more: {1}; save it anew: `runner lab "
      "forget {0}`, `runner lab up`, `runner lab save LAB --as {0}`",
      saved.name, Join(differences, "; ")));
}

std::vector<SavedLab> SavedStore::List() const {
  std::vector<SavedLab> all;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(cache_ / "saved", code)) {
    if (auto saved = Find(entry.path().filename())) {
      all.push_back(std::move(*saved));
    }
  }
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return all;
}

std::set<int> SavedStore::NetNumbers() const {
  std::set<int> numbers;
  for (const auto& saved : List()) numbers.insert(saved.net_number);
  return numbers;
}

Result<SavedLab> SavedStore::Find(const std::string& name) const {
  const Path manifest = DirectoryOf(name) / kManifest;
  if (!name.empty() && fs::exists(manifest)) {
    LAB_TRY(const auto text, ReadFile(manifest));
    return SavedLab::Parse(text, manifest.string());
  }
  std::vector<std::string> names;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(cache_ / "saved", code)) {
    names.push_back(entry.path().filename());
  }
  if (names.empty()) {
    return UsageError(fmt::format(
        "no saved lab \"{}\"; there is none: `runner lab save LAB` makes one",
        name));
  }
  return UsageError(fmt::format("no saved lab \"{}\"; closest: {}", name,
                                Join(ClosestTo(name, names, 3), ", ")));
}

double SavedStore::BytesOf(const std::string& name) const {
  double bytes = 0;
  std::error_code code;
  for (auto it = fs::recursive_directory_iterator(DirectoryOf(name), code);
       !code && it != fs::recursive_directory_iterator(); it.increment(code)) {
    struct stat about {};
    if (::lstat(it->path().c_str(), &about) == 0) {
      bytes += static_cast<double>(about.st_blocks) * 512;
    }
  }
  return bytes;
}

Result<FileLock> SavedStore::Lock(const std::string& name) const {
  LAB_CHECK_OK(MakeDirectories(cache_ / "locks"));
  LAB_TRY(auto lock,
          FileLock::TryTake(cache_ / "locks" / ("saved-" + name + ".lock")));
  if (lock.held()) return lock;
  return ProvisionError(fmt::format(
      "saved lab {}: another runner is saving or removing it", name));
}

Result<SavedStore::Draft> SavedStore::Begin(const std::string& name) const {
  if (fs::exists(DirectoryOf(name))) {
    return UsageError(fmt::format(
        "there is a saved lab {0}; `runner lab forget {0}` removes it, --as "
        "gives another name",
        name));
  }
  LAB_TRY(auto lock, Lock(name));
  const Path path = cache_ / "tmp" / ("saved-" + name);
  LAB_CHECK_OK(RemoveTree(path));
  LAB_CHECK_OK(MakeDirectories(path));
  std::error_code code;
  fs::permissions(path, fs::perms::owner_all, code);  // keys, and all of RAM
  return Draft(path, std::move(lock));
}

SavedStore::Draft::~Draft() {
  if (lock_.held()) (void)RemoveTree(path_).has_value();
}

Status SavedStore::Draft::Commit(const Path& into) {
  LAB_CHECK_OK(SyncTree(path_));
  LAB_CHECK_OK(MakeDirectories(into.parent_path()));
  std::error_code code;
  fs::rename(path_, into, code);
  if (!code) return {};
  return Error{fmt::format("move into {}: {}", into.string(), code.message())};
}

Status SavedStore::Forget(const std::string& name) const {
  const Path directory = DirectoryOf(name);
  // Also one whose manifest this runner cannot read.
  if (name.empty() || !fs::exists(directory)) {
    const auto known = Find(name);
    return known ? Status() : Status(known.error());
  }
  LAB_TRY(const auto lock, Lock(name));
  const Path going = cache_ / "tmp" / ("saved-" + name);
  LAB_CHECK_OK(RemoveTree(going));
  LAB_CHECK_OK(MakeDirectories(going.parent_path()));
  std::error_code code;
  fs::rename(directory, going, code);
  if (code) {
    return Error{
        fmt::format("move {}: {}", directory.string(), code.message())};
  }
  return RemoveTree(going);
}

}  // namespace lab
