// SPDX-License-Identifier: Apache-2.0
#include "suites/probes/seccomp/facts.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "suites/probes/proc_file.h"

namespace probe {
namespace {

// linux/capability.h, in its order.
constexpr const char* kCapabilities[] = {"chown",
                                         "dac_override",
                                         "dac_read_search",
                                         "fowner",
                                         "fsetid",
                                         "kill",
                                         "setgid",
                                         "setuid",
                                         "setpcap",
                                         "linux_immutable",
                                         "net_bind_service",
                                         "net_broadcast",
                                         "net_admin",
                                         "net_raw",
                                         "ipc_lock",
                                         "ipc_owner",
                                         "sys_module",
                                         "sys_rawio",
                                         "sys_chroot",
                                         "sys_ptrace",
                                         "sys_pacct",
                                         "sys_admin",
                                         "sys_boot",
                                         "sys_nice",
                                         "sys_resource",
                                         "sys_time",
                                         "sys_tty_config",
                                         "mknod",
                                         "lease",
                                         "audit_write",
                                         "audit_control",
                                         "setfcap",
                                         "mac_override",
                                         "mac_admin",
                                         "syslog",
                                         "wake_alarm",
                                         "block_suspend",
                                         "audit_read",
                                         "perfmon",
                                         "bpf",
                                         "checkpoint_restore"};

// linux/proc_ns.h: the first namespaces that always have the same number.
struct Known {
  const char* name;
  const char* initial;
};
constexpr Known kNamespaces[] = {
    {"cgroup", "4026531835"}, {"ipc", "4026531839"}, {"mnt", nullptr},
    {"net", nullptr},         {"pid", "4026531836"}, {"time", "4026531834"},
    {"user", "4026531837"},   {"uts", "4026531838"}};

// genuinetools/bpfd, proc.go: the first of these that a text holds.
constexpr const char* kRuntimes[] = {"docker", "rkt",         "systemd-nspawn",
                                     "lxc",    "lxc-libvirt", "openvz",
                                     "kube",   "garden",      "podman"};

std::string RuntimeIn(const std::string& text) {
  for (const char* runtime : kRuntimes) {
    if (text.find(runtime) != std::string::npos) return runtime;
  }
  return "";
}

std::string Runtime() {
  std::string found = RuntimeIn(ReadTrimmed("/proc/self/cgroup"));
  if (!found.empty()) return found;
  // /proc/bc is there outside of its containers only.
  if (access("/proc/vz", F_OK) == 0 && access("/proc/bc", F_OK) != 0) {
    return "openvz";
  }
  const char* container = std::getenv("container");
  found = RuntimeIn(container != nullptr ? container : "");
  if (found.empty()) found = RuntimeIn(ReadTrimmed("/run/systemd/container"));
  return found.empty() ? "not-found" : found;
}

std::vector<Namespace> Namespaces() {
  std::vector<Namespace> all;
  for (const auto& [name, initial] : kNamespaces) {
    char link[64];
    const std::string path = std::string("/proc/self/ns/") + name;
    const ssize_t n = readlink(path.c_str(), link, sizeof link);
    if (n <= 0) continue;
    const std::string text(link, static_cast<std::size_t>(n));
    const auto begin = text.find('[') + 1;
    const std::string id = text.substr(begin, text.find(']') - begin);
    all.push_back({name, id,
                   initial == nullptr ? ""
                   : id == initial    ? "yes"
                                      : "no"});
  }
  return all;
}

std::vector<IdRange> IdMap(const char* path) {
  std::vector<IdRange> map;
  const std::string text = ReadTrimmed(path);
  const char* at = text.c_str();
  long long inside = 0, outside = 0, count = 0;
  int length = 0;
  while (std::sscanf(at, "%lld %lld %lld%n", &inside, &outside, &count,
                     &length) == 3) {
    map.push_back({inside, outside, count});
    at += length;
  }
  return map;
}

std::string SeccompMode(const std::string& number) {
  constexpr const char* kModes[] = {"disabled", "strict", "filtering"};
  if (number.size() == 1 && number[0] >= '0' && number[0] <= '2') {
    return kModes[number[0] - '0'];
  }
  return "unknown";
}

}  // namespace

Facts ReadFacts() {
  Facts facts;
  utsname name{};
  uname(&name);
  facts.kernel = name.release;
  facts.machine = name.machine;
  facts.runtime = Runtime();
  facts.namespaces = Namespaces();
  facts.uid_map = IdMap("/proc/self/uid_map");
  facts.gid_map = IdMap("/proc/self/gid_map");
  const std::string status = ReadTrimmed("/proc/self/status");
  constexpr const char* kSets[][2] = {{"inheritable", "CapInh"},
                                      {"permitted", "CapPrm"},
                                      {"effective", "CapEff"},
                                      {"bounding", "CapBnd"},
                                      {"ambient", "CapAmb"}};
  for (const auto& [set, field] : kSets) {
    facts.capabilities.push_back(
        {set, std::strtoull(StatusField(status, field).c_str(), nullptr, 16)});
  }
  facts.seccomp = SeccompMode(StatusField(status, "Seccomp"));
  const std::string filters = StatusField(status, "Seccomp_filters");
  if (!filters.empty()) facts.filters = std::atoi(filters.c_str());
  facts.no_new_privs = StatusField(status, "NoNewPrivs") == "1";
  facts.apparmor = ReadTrimmed("/proc/self/attr/current");
  facts.session_leader = getsid(0) == getpid();
  struct stat seen {};
  facts.first_pid_namespace_device = lstat("/proc/1/ns/pid", &seen) == 0
                                         ? static_cast<long>(seen.st_dev)
                                         : -errno;
  return facts;
}

const CapabilitySet& Capabilities(const Facts& facts, const std::string& name) {
  for (const auto& set : facts.capabilities) {
    if (set.name == name) return set;
  }
  static const CapabilitySet kNone{"", 0};
  return kNone;
}

std::string CapabilityName(int number) {
  if (number < static_cast<int>(std::size(kCapabilities))) {
    return kCapabilities[number];
  }
  return "capability_" + std::to_string(number);
}

std::vector<std::string> CapabilityNames(std::uint64_t bits, int last) {
  std::vector<std::string> names;
  for (int number = 0; number <= last; ++number) {
    if ((bits >> number & 1) != 0) names.push_back(CapabilityName(number));
  }
  return names;
}

bool HasOwnIds(const Facts& facts) {
  constexpr std::int64_t kAll = 4294967295;
  return !(facts.uid_map.size() == 1 && facts.uid_map[0].inside == 0 &&
           facts.uid_map[0].outside == 0 && facts.uid_map[0].count == kAll);
}

}  // namespace probe
