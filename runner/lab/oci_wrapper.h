// SPDX-License-Identifier: Apache-2.0
// An OCI runtime for hosts whose root lacks capabilities: dockerd gives
// privileged containers all that the kernel knows, and runc refuses what it
// may not give ("unable to apply caps: operation not permitted").
#pragma once

#include <string>
#include <vector>

#include "runner/base/result.h"

namespace lab {

/// A set of capabilities, bit by number (linux/capability.h).
using CapabilityMask = unsigned long long;

/// What this process, and so its children, may have at most (CapBnd in
/// /proc/self/status).
Result<CapabilityMask> BoundingSet();

/// Whether it lacks any that the kernel knows.
Result<bool> LacksCapabilities();

/// `text`, an OCI config.json or the process of one, without the capabilities
/// that `bounding` lacks.
Result<std::string> WithoutMissingCapabilities(const std::string& text,
                                               CapabilityMask bounding);

/// The body of `runner __runc -- argv...`: runc, after it has been given what
/// it may do. Returns only if runc cannot be started.
int OciWrapperMain(const std::vector<std::string>& argv);

}  // namespace lab
