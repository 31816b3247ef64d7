// SPDX-License-Identifier: Apache-2.0
// Commands on a node, as root, by whatever way onto it the lab's file has.
// AppArmor profiles are called here as in the documents, whatever the lab calls
// them on its nodes (profile_names.h): command lines go there, and what is said
// comes back, with names put right. Only `input` is handed on as it is.
#pragma once

#include <string>
#include <vector>

#include "runner/cluster/lab_file.h"
#include "runner/cluster/marks.h"
#include "runner/cluster/profile_loading.h"

namespace lab {

class NodeShell {
 public:
  NodeShell(const LabFile& lab, std::string node)
      : login_(lab.LoginTo(node).command),
        node_(std::move(node)),
        names_(lab.profile_names),
        directory_(NodeDirectory(lab.name)) {}

  const std::string& node() const { return node_; }
  /// The lab's own on the node; may not be there yet.
  const std::string& directory() const { return directory_; }

  /// Runs argv on the node; the far shell is given it quoted. An Error means
  /// that the node could not be asked, or not to the end.
  Result<Finished> Ask(const std::vector<std::string>& argv,
                       const std::string& input = "",
                       Duration timeout = 30s) const;

  /// Like Ask; any end but exit status 0 is an Error. Returns stdout.
  Result<std::string> AskOk(const std::vector<std::string>& argv,
                            const std::string& input = "",
                            Duration timeout = 30s) const;

  /// Several commands in one round trip, one after the other whatever became
  /// of those before; outputs are put together, the end is that of the last.
  Result<Finished> AskEach(
      const std::vector<std::vector<std::string>>& commands,
      const std::string& input = "", Duration timeout = 30s) const;

  /// Loads an AppArmor profile from its text, or replaces one that this lab
  /// has loaded, and makes sure that the kernel lists it. The parser's exit
  /// status is not to be trusted: anything on stderr is a failure, as
  /// upstream's own tests hold it.
  Status LoadProfile(const std::string& name, const std::string& text) const;

  /// The same for several (name -> text), in two round trips. One that cannot
  /// be loaded, or that somebody else has loaded, does not keep the others
  /// from it; it is not replaced, and nothing of it is left in the kernel. An
  /// Error means that the node could not be asked.
  Result<ProfileFaults> LoadProfiles(
      const std::map<std::string, std::string>& profiles) const;

  /// Removes a profile from the kernel, whoever has loaded it; success if it
  /// is not there.
  Status RemoveProfile(const std::string& name) const;

  /// Removes those of these profiles that this lab has loaded. On a kernel that
  /// nodes share, one of them removes what another has loaded.
  Status RemoveOwnProfiles(const std::vector<std::string>& names) const;
  /// All of them; says which.
  Result<std::vector<std::string>> RemoveAllOwnProfiles() const;

  /// The kernel's list, /sys/kernel/security/apparmor/profiles; without those
  /// that are called like the lab's own and are somebody else's.
  Result<std::string> ProfilesText() const;

 private:
  /// What it returns is in the names of the node.
  Result<Finished> Send(const std::string& command, const std::string& input,
                        Duration timeout) const;
  Finished InDocuments(Finished said) const;
  /// Takes `loaded` out of the kernel, and forgets that `own` were ours.
  Status Remove(const std::vector<std::string>& loaded,
                const std::vector<std::string>& own) const;
  Result<ProfileState> Profiles() const;

  std::vector<std::string> login_;
  std::string node_;
  ProfileNames names_;
  std::string directory_;
};

}  // namespace lab
