// SPDX-License-Identifier: Apache-2.0
// An OCI runtime for hosts whose root lacks capabilities: Docker and Podman
// give privileged containers all that the kernel knows, and Podman resource
// limits above those of the host's root, and runc refuses what it may not give
// ("unable to apply caps: operation not permitted", "error setting rlimit type
// 7: operation not permitted").
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/result.h"

namespace lab {

/// A set of capabilities, bit by number (linux/capability.h).
using CapabilityMask = unsigned long long;

/// What this process, and so its children, may have at most (CapBnd in
/// /proc/self/status).
Result<CapabilityMask> BoundingSet();

/// Whether it lacks any that the kernel knows.
Result<bool> LacksCapabilities();

/// What a process may give to containers.
struct Grants {
  CapabilityMask bounding = 0;
  /// Its hard limits by their names ("RLIMIT_NOFILE"), above which it cannot
  /// set any; empty with CAP_SYS_RESOURCE, which can.
  std::map<std::string, unsigned long long> limits{};
};

/// Of this process.
Result<Grants> OwnGrants();

/// `text`, an OCI config.json or the process of one, without the capabilities
/// that `grants` lacks, and with resource limits no higher than its.
Result<std::string> WithinGrants(const std::string& text, const Grants& grants);

/// This program as an OCI runtime, whose arguments are to follow.
std::vector<std::string> OciWrapper();

/// What the wrapper becomes: runc, else crun; empty if there is neither.
Path WrappedRuntime();

/// The body of `runner __runc -- argv...`: runc, after it has been given what
/// it may do. Returns only if runc cannot be started.
int OciWrapperMain(const std::vector<std::string>& argv);

}  // namespace lab
