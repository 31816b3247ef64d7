// SPDX-License-Identifier: Apache-2.0
// What `runner seccomp` is asked about: processes, pods, files, profiles.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "runner/cli/options.h"
#include "runner/seccomp/dump.h"
#include "runner/seccomp/profile.h"

namespace lab {

/// A dump or a profile.
struct SeccompSubject {
  std::string name;
  std::optional<seccomp::Dump> dump;
  std::optional<seccomp::Profile> profile;
  /// What was measured on the pod's node (lab.json); empty of anything else.
  std::map<std::string, std::string> node_facts;
};

/// A PID of this machine, or a pod. What does not exist, has ended or cannot be
/// asked about is a usage error; what may not be read is an Error.
Result<SeccompSubject> FindDump(const Context& context,
                                const SeccompOptions& options,
                                const std::string& subject);

/// As FindDump(), and files and default profiles too.
Result<SeccompSubject> FindSide(const Context& context,
                                const SeccompOptions& options,
                                const std::string& subject);

/// The fate of every call. A profile is made into a filter for the process of
/// `other`, if that is one, else for a container with default capabilities.
Result<seccomp::View> ViewOfSide(const SeccompSubject& side,
                                 const SeccompSubject& other,
                                 const SeccompOptions& options);

}  // namespace lab
