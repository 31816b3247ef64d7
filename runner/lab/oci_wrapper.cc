// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/oci_wrapper.h"

#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/process/own_program.h"
#include "runner/process/process.h"

namespace lab {
namespace {

using nlohmann::json;

// By number, linux/capability.h.
constexpr std::array kNames = {"CAP_CHOWN",
                               "CAP_DAC_OVERRIDE",
                               "CAP_DAC_READ_SEARCH",
                               "CAP_FOWNER",
                               "CAP_FSETID",
                               "CAP_KILL",
                               "CAP_SETGID",
                               "CAP_SETUID",
                               "CAP_SETPCAP",
                               "CAP_LINUX_IMMUTABLE",
                               "CAP_NET_BIND_SERVICE",
                               "CAP_NET_BROADCAST",
                               "CAP_NET_ADMIN",
                               "CAP_NET_RAW",
                               "CAP_IPC_LOCK",
                               "CAP_IPC_OWNER",
                               "CAP_SYS_MODULE",
                               "CAP_SYS_RAWIO",
                               "CAP_SYS_CHROOT",
                               "CAP_SYS_PTRACE",
                               "CAP_SYS_PACCT",
                               "CAP_SYS_ADMIN",
                               "CAP_SYS_BOOT",
                               "CAP_SYS_NICE",
                               "CAP_SYS_RESOURCE",
                               "CAP_SYS_TIME",
                               "CAP_SYS_TTY_CONFIG",
                               "CAP_MKNOD",
                               "CAP_LEASE",
                               "CAP_AUDIT_WRITE",
                               "CAP_AUDIT_CONTROL",
                               "CAP_SETFCAP",
                               "CAP_MAC_OVERRIDE",
                               "CAP_MAC_ADMIN",
                               "CAP_SYSLOG",
                               "CAP_WAKE_ALARM",
                               "CAP_BLOCK_SUSPEND",
                               "CAP_AUDIT_READ",
                               "CAP_PERFMON",
                               "CAP_BPF",
                               "CAP_CHECKPOINT_RESTORE"};

constexpr int kSysResource = 24;

struct Limit {
  const char* name;
  __rlimit_resource resource;
};
constexpr Limit kLimits[] = {{"RLIMIT_AS", RLIMIT_AS},
                             {"RLIMIT_CORE", RLIMIT_CORE},
                             {"RLIMIT_CPU", RLIMIT_CPU},
                             {"RLIMIT_DATA", RLIMIT_DATA},
                             {"RLIMIT_FSIZE", RLIMIT_FSIZE},
                             {"RLIMIT_LOCKS", RLIMIT_LOCKS},
                             {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
                             {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
                             {"RLIMIT_NICE", RLIMIT_NICE},
                             {"RLIMIT_NOFILE", RLIMIT_NOFILE},
                             {"RLIMIT_NPROC", RLIMIT_NPROC},
                             {"RLIMIT_RSS", RLIMIT_RSS},
                             {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
                             {"RLIMIT_RTTIME", RLIMIT_RTTIME},
                             {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
                             {"RLIMIT_STACK", RLIMIT_STACK}};

bool Missing(const json& name, CapabilityMask bounding) {
  for (std::size_t number = 0; number < kNames.size(); ++number) {
    if (name == kNames[number]) return ((bounding >> number) & 1) == 0;
  }
  return false;  // newer than this list: runc is the judge
}

// Takes what `bounding` lacks out of every set; whether there was any.
bool DropCapabilities(json& process, CapabilityMask bounding) {
  bool changed = false;
  const auto sets = process.find("capabilities");
  if (sets == process.end()) return changed;
  for (auto& [set, names] : sets->items()) {
    json kept = json::array();
    for (const auto& name : names) {
      if (!Missing(name, bounding)) kept.push_back(name);
    }
    changed = changed || kept.size() != names.size();
    names = std::move(kept);
  }
  return changed;
}

// The container gets as much as there is, which is what it would inherit.
bool LowerLimits(json& process, const Grants& grants) {
  bool changed = false;
  const auto limits = process.find("rlimits");
  if (limits == process.end()) return changed;
  for (auto& limit : *limits) {
    const auto own = grants.limits.find(limit.value("type", ""));
    if (own == grants.limits.end()) continue;
    for (const char* bound : {"hard", "soft"}) {
      if (limit.value(bound, 0ULL) <= own->second) continue;
      limit[bound] = own->second;
      changed = true;
    }
  }
  return changed;
}

// The file with capabilities that this call of runc reads; empty if none.
Path FileOf(const std::vector<std::string>& argv) {
  for (std::size_t i = 0; i + 1 < argv.size(); ++i) {
    if (argv[i] == "--bundle" || argv[i] == "-b") {
      return Path(argv[i + 1]) / "config.json";
    }
    if (argv[i] == "--process" || argv[i] == "-p") return argv[i + 1];
  }
  return {};
}

Status Prepare(const std::vector<std::string>& argv) {
  const Path file = FileOf(argv);
  if (file.empty() || !std::filesystem::exists(file)) return {};
  LAB_TRY(const auto grants, OwnGrants());
  LAB_TRY(const auto text, ReadFile(file));
  LAB_TRY(const auto less, WithinGrants(text, grants));
  return less == text ? Status() : WriteFile(file, less);
}

}  // namespace

Result<CapabilityMask> BoundingSet() {
  LAB_TRY(const auto status, ReadFile("/proc/self/status"));
  for (const auto& line : Lines(status)) {
    if (line.starts_with("CapBnd:")) {
      return CapabilityMask{std::stoull(line.substr(7), nullptr, 16)};
    }
  }
  return Error{"no CapBnd in /proc/self/status"};
}

Result<bool> LacksCapabilities() {
  LAB_TRY(const auto bounding, BoundingSet());
  LAB_TRY(const auto last, ReadFile("/proc/sys/kernel/cap_last_cap"));
  const int count = std::stoi(last) + 1;
  const CapabilityMask all = (CapabilityMask{1} << count) - 1;
  return (bounding & all) != all;
}

Result<Grants> OwnGrants() {
  Grants own;
  LAB_TRY(own.bounding, BoundingSet());
  if ((own.bounding >> kSysResource) & 1) return own;
  for (const auto& [name, resource] : kLimits) {
    rlimit limit{};
    if (::getrlimit(resource, &limit) == 0) own.limits[name] = limit.rlim_max;
  }
  return own;
}

Result<std::string> WithinGrants(const std::string& text,
                                 const Grants& grants) {
  json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return Error{"no JSON object for runc"};
  json& process = document.contains("process") ? document["process"] : document;
  const bool fewer = DropCapabilities(process, grants.bounding);
  const bool lower = LowerLimits(process, grants);
  return fewer || lower ? document.dump() : text;
}

std::vector<std::string> OciWrapper() {
  return {OwnProgram().string(), "__runc", "--"};
}

Path WrappedRuntime() {
  const Path runc = FindProgram("runc");
  return runc.empty() ? FindProgram("crun") : runc;
}

int OciWrapperMain(const std::vector<std::string>& argv) {
  if (const auto ready = Prepare(argv); !ready) {
    std::fprintf(stderr, "runner __runc: %s\n", ready.error().what.c_str());
    return 1;
  }
  const std::string runc = WrappedRuntime().string();
  std::vector<char*> raw = {const_cast<char*>(runc.c_str())};
  for (const auto& argument : argv) {
    raw.push_back(const_cast<char*>(argument.c_str()));
  }
  raw.push_back(nullptr);
  ::execv(runc.c_str(), raw.data());
  std::fprintf(stderr, "runner __runc: runc: %s\n", std::strerror(errno));
  return 127;
}

}  // namespace lab
