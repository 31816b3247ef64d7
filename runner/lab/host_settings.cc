// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/host_settings.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "runner/base/text.h"
#include "runner/base/wait.h"

namespace lab {
namespace {

using nlohmann::json;

// Not those of a network namespace, of which each node has its own.
constexpr const char* kSettings[] = {
    // The kubelet's (pkg/kubelet/cm/container_manager_linux.go).
    "vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic",
    "kernel/panic_on_oops", "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
    // Of Debian's files for systemd-sysctl (/usr/lib/sysctl.d).
    "kernel/pid_max", "kernel/sysrq", "kernel/core_pattern",
    "kernel/core_pipe_limit", "kernel/core_uses_pid", "kernel/printk",
    "kernel/kptr_restrict", "kernel/dmesg_restrict", "fs/protected_fifos",
    "fs/protected_hardlinks", "fs/protected_regular", "fs/protected_symlinks",
    "fs/suid_dumpable", "fs/file-max", "fs/nr_open", "fs/aio-max-nr",
    "fs/inotify/max_user_instances", "fs/inotify/max_user_watches",
    "vm/max_map_count", "vm/swappiness", "kernel/printk_ratelimit"};

// Without an audit daemon the kernel writes audit records to its log, and drops
// them there when they come fast. The suites count records.
constexpr const char* kRateLimit = "kernel/printk_ratelimit";

struct Files {
  explicit Files(const Path& cache) : root(cache / "kind") {}
  Path root;
  Path lock = root / "use.lock";
  Path settings = root / "settings.json";
};

Status Note(const Path& proc_sys, const Path& file) {
  json noted = json::object();
  for (const char* name : kSettings) {
    // What this kernel lacks, nobody changes.
    if (const auto value = ReadFile(proc_sys / name)) {
      noted[name] = std::string(Trim(*value));
    }
  }
  return WriteFileAtomically(file, noted.dump(2) + "\n");
}

Result<std::vector<std::string>> PutBack(const Path& proc_sys,
                                         const Path& file) {
  std::vector<std::string> changed;
  const auto text = ReadFile(file);
  if (!text) return changed;
  const json noted = json::parse(*text, nullptr, false);
  std::string by_hand;
  std::vector<std::string> still;
  for (const auto& [name, value] : noted.items()) {
    if (!value.is_string()) continue;
    const auto now = ReadFile(proc_sys / name);
    const auto before = value.get<std::string>();
    if (!now || Trim(*now) == before) continue;
    if (!WriteFile(proc_sys / name, before + "\n")) {
      still.push_back(
          fmt::format("{} is {} and was {}", name, Trim(*now), before));
      by_hand += fmt::format(" {}='{}'", ReplaceAll(name, "/", "."), before);
      continue;
    }
    changed.push_back(
        fmt::format("{} from {} to {}", name, Trim(*now), before));
  }
  if (!still.empty()) {
    return Error{fmt::format(
        "settings of the host are changed: {}; put them back with: sudo sysctl "
        "-w{}",
        Join(still, ", "), by_hand)};
  }
  LAB_CHECK_OK(RemoveTree(file));
  return changed;
}

}  // namespace

Result<HostSettings> HostSettings::Hold(const Path& cache,
                                        const Path& proc_sys) {
  const Files files(cache);
  LAB_CHECK_OK(MakeDirectories(files.root));
  {
    LAB_TRY(const auto alone, FileLock::TryTake(files.lock));
    if (alone.held()) {
      // A lab that was killed may have left them changed. Where only root may
      // put them back, what they were is still what was noted then.
      if (PutBack(proc_sys, files.settings)) {
        LAB_CHECK_OK(Note(proc_sys, files.settings));
      }
    }
  }
  std::optional<FileLock> share;
  LAB_CHECK_OK(WaitUntil("another lab that looks at the host's settings",
                         Deadline::In(10s), 20ms, [&] {
                           auto got = FileLock::TryShare(files.lock);
                           if (got && got->held()) share = std::move(*got);
                           return share.has_value();
                         }));
  // The last other one has ended in between, and taken the note with it.
  if (!std::filesystem::exists(files.settings)) {
    LAB_CHECK_OK(Note(proc_sys, files.settings));
  }
  // Only root may; else some records may be missing.
  (void)WriteFile(proc_sys / kRateLimit, "0\n").has_value();
  return HostSettings(cache, proc_sys, std::move(*share));
}

Result<std::vector<std::string>> HostSettings::Release() {
  { const FileLock ended = std::move(share_); }
  return PutBackHostSettings(cache_, proc_sys_);
}

Result<std::vector<std::string>> PutBackHostSettings(const Path& cache,
                                                     const Path& proc_sys) {
  const Files files(cache);
  if (!std::filesystem::exists(files.settings)) {
    return std::vector<std::string>();
  }
  LAB_TRY(const auto alone, FileLock::TryTake(files.lock));
  if (!alone.held()) return std::vector<std::string>();
  return PutBack(proc_sys, files.settings);
}

}  // namespace lab
