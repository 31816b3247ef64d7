// SPDX-License-Identifier: Apache-2.0
// The labs of this user on this machine: found, ended, cleaned up after.
#pragma once

#include <string>
#include <vector>

#include "runner/cluster/lab_file.h"

namespace lab {

class LabStore {
 public:
  explicit LabStore(Path cache) : root_(std::move(cache) / "labs") {}

  Path DirectoryOf(const std::string& name) const { return root_ / name; }

  /// Every lab whose lab.json can be read.
  std::vector<LabFile> List() const;

  /// A usage error names the labs that exist.
  Result<LabFile> Find(const std::string& name) const;
  /// As Find; a provision error if its owner is gone.
  Result<LabFile> FindAlive(const std::string& name) const;

  /// The lab of this name; without a name, the only one.
  Result<LabFile> Choose(const std::string& name) const;

  /// Removes the directory of a lab that did not come up, unless gc needs it.
  void Forget(const std::string& name) const;

  /// Ends the lab's owner, which ends the lab; waits for it.
  Status Down(const std::string& name) const;

  /// What was removed, a line each.
  struct Collected {
    std::vector<std::string> removed;
    std::vector<std::string> kept;
    /// What could not be, and the next step.
    std::vector<std::string> left;
  };
  /// Finishes what a kill -9 left: processes of labs whose owner is gone,
  /// their directories, half-built parts. A process counts as ours only if
  /// pid and start time are those that lab.json recorded.
  Result<Collected> CollectGarbage() const;

 private:
  Path root_;
};

/// Names may become host names, file names and socket names.
Status CheckLabName(const std::string& name);

}  // namespace lab
