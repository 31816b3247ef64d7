// SPDX-License-Identifier: Apache-2.0
// What a profile promises: OCI's seccomp profiles, and the default profiles of
// container runtimes, computed for a container. Format:
// docs/seccomp-filters.md.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/version.h"
#include "runner/seccomp/decision.h"
#include "runner/seccomp/syscalls.h"

namespace lab::seccomp {

/// One condition of a rule. SCMP_CMP_MASKED_EQ: (argument & mask) == value;
/// the others have a full mask.
struct ProfileArgument {
  int index = 0;
  std::uint64_t mask = 0;
  Relation relation = Relation::kEqual;
  std::uint64_t value = 0;
};

struct ProfileRule {
  std::vector<std::string> names;
  Outcome action = Outcome::Allow();
  std::vector<ProfileArgument> arguments;
  /// Only default profiles have conditions. The rule is there if the container
  /// has all of `with`, none of `without`, and the kernel is `kernel` or newer.
  std::set<std::string> with;
  std::set<std::string> without;
  Version kernel;  ///< without numbers: any
};

struct Profile {
  std::string name;     ///< "containerd-2.4.2", or a file's
  std::string source;   ///< where the facts are from; empty for a plain file
  std::string runtime;  ///< "containerd", "cri-o"; empty for a plain file
  Version version;      ///< of the runtime
  Outcome default_action = Outcome::Allow();
  std::set<std::string> architectures;  ///< OCI's names
  std::vector<ProfileRule> rules;
};

/// An OCI profile (runtime-spec, config-linux.md#seccomp) as containerd
/// unmarshals it: unknown fields are passed over, among them "name", Docker's
/// former spelling of "names".
Result<Profile> ParseProfile(const std::string& text, const std::string& name);
Result<Profile> LoadProfile(const Path& file);

/// The default profile of a runtime's version, from fixtures/seccomp/defaults
/// below the project's root: that version's, else that of the newest of its
/// minor release. A usage error names what there is.
Result<Profile> LoadDefaultProfile(const Path& home, const std::string& runtime,
                                   const Version& version);
/// All of them.
Result<std::vector<Profile>> LoadDefaultProfiles(const Path& home);

/// Whom a profile is made for, and who makes a filter of it.
struct Environment {
  std::set<std::string> capabilities;  ///< bounding set, "CAP_CHOWN"
  Version kernel;
  Version libseccomp;                ///< of the OCI runtime
  std::string oci_runtime = "crun";  ///< or "runc"
  Version oci_version;               ///< its own; without numbers: the newest
};

/// What a pod gets that says nothing about capabilities (containerd's
/// pkg/oci/spec.go, defaultUnixCaps).
std::set<std::string> DefaultCapabilities();

/// What the container's filter is to do with each call.
///
/// A rule of a name that libseccomp does not know is passed over; of several
/// rules for a call one without conditions wins; conditions on the same
/// argument are alternatives (both runtimes say so in their sources); calls of
/// an architecture that the profile does not list kill the thread (libseccomp's
/// SCMP_FLTATR_ACT_BADARCH); on i386 socket and IPC calls have a second way,
/// through socketcall and ipc. runc answers ENOSYS to numbers above the highest
/// that the profile names (libcontainer/seccomp/patchbpf), on architectures
/// that the profile lists and since 1.1.15 on the native one; crun does not.
class Expectation {
 public:
  Expectation(const Profile& profile, const Environment& environment);

  /// `number` as in seccomp_data.
  Decisions At(const Architecture& architecture, std::uint32_t number) const;

 private:
  struct Rule {
    std::vector<Comparison> when;
    Outcome then;
  };
  void AddRule(const ProfileRule& rule, const std::string& name,
               const Architecture& architecture);
  void Insert(std::size_t architecture, std::uint32_t number, Rule rule);
  bool Lists(const Architecture& architecture) const;
  bool HasStub(const Architecture& architecture,
               const Environment& environment) const;

  Outcome default_action_;
  std::set<std::string> architectures_;
  /// By architecture and number.
  std::vector<std::map<std::uint32_t, std::vector<Rule>>> rules_;
  /// Numbers above are ENOSYS; by architecture; nullopt: no such limit.
  std::vector<std::optional<std::uint32_t>> last_;
};

}  // namespace lab::seccomp
