// SPDX-License-Identifier: Apache-2.0
// What this process is confined by, as /proc tells it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace probe {

struct Namespace {
  std::string name;  ///< of /proc/self/ns
  std::string id;    ///< "4026531836"
  /// "yes", "no", or "" where the first one's number is not fixed.
  std::string initial;
};

/// A line of uid_map or gid_map.
struct IdRange {
  std::int64_t inside, outside, count;
};

struct CapabilitySet {
  std::string name;  ///< "effective"
  std::uint64_t bits;
};

struct Facts {
  std::string kernel;   ///< "6.12.48+deb13-amd64"
  std::string machine;  ///< "x86_64"
  /// "kube", "docker", ...; "not-found". As amicontained finds it, which is
  /// from the names of cgroups: not from within a cgroup namespace.
  std::string runtime;
  std::vector<Namespace> namespaces;
  std::vector<IdRange> uid_map, gid_map;
  /// inheritable, permitted, effective, bounding, ambient
  std::vector<CapabilitySet> capabilities;
  std::string seccomp;  ///< "disabled", "strict", "filtering", "unknown"
  int filters = -1;     ///< -1: before Linux 5.9
  bool no_new_privs = false;
  std::string apparmor;  ///< the label; empty: the kernel tells none
  bool session_leader = false;
  /// lstat(2) of /proc/1/ns/pid: the device's number, or -errno.
  std::int64_t first_pid_namespace_device = 0;
};

Facts ReadFacts();

const CapabilitySet& Capabilities(const Facts& facts, const std::string& name);

/// "chown", "sys_admin"; "capability_50" for one without a name.
std::string CapabilityName(int number);
/// By number.
std::vector<std::string> CapabilityNames(std::uint64_t bits, int last = 63);

/// True if ids of this user namespace are not those of the first one.
bool HasOwnIds(const Facts& facts);

}  // namespace probe
