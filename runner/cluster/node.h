// SPDX-License-Identifier: Apache-2.0
// Commands on a node, as root, by whatever way onto it the lab's file has.
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

  /// Removes those of these profiles that this lab has loaded.
  Status RemoveOwnProfiles(const std::vector<std::string>& names) const;
  Status RemoveAllOwnProfiles() const;

  /// The kernel's list, /sys/kernel/security/apparmor/profiles, as it is.
  Result<std::string> ProfilesText() const;

 private:
  Result<Finished> Send(const std::string& command, const std::string& input,
                        Duration timeout) const;
  Result<ProfileState> Profiles() const;

  std::vector<std::string> login_;
  std::string node_;
  std::string directory_;
};

}  // namespace lab
