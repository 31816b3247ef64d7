// SPDX-License-Identifier: Apache-2.0
// Saved labs: what is needed to go on with a lab from the moment it was saved,
// in a directory that nobody changes any more.
//
//   CACHE/saved/NAME/saved.json        this manifest
//   CACHE/saved/NAME/NODE.{ram,devices,qcow2,img}   see saved_machine.h
//   CACHE/saved/NAME/lab/              etcd's data, certificates, keys,
//   lab.json CACHE/tmp/saved-NAME/              being saved, or being removed
//   CACHE/locks/saved-NAME.lock        flock(2): one at a time
//
// A saved lab appears and goes by rename(2): a kill -9 leaves a `tmp` directory
// for `runner lab gc`, and never half a saved lab.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/result.h"
#include "runner/lab/vm_shape.h"

namespace lab {

struct SavedNode {
  std::string name;
  std::vector<std::string> argv;  ///< QEMU's, see SavableMachine
  Path disk;                      ///< the part's, below the node's overlay
  std::string lease;              ///< renewTime of its Lease when it was saved
  NodeChoice choice;              ///< what it runs
};

/// A file of a part.
struct PartFile {
  Path path;
  std::string sha256;

  bool operator==(const PartFile&) const = default;
};

struct SavedLab {
  static constexpr int kFormat = 1;
  std::string name;
  std::string lab;      ///< which lab it was
  std::string created;  ///< UTC
  std::string kubernetes;
  std::string accel;  ///< "tcg" or "kvm"
  std::string accel_reason;
  std::string qemu;       ///< first line of --version
  std::string processor;  ///< the host's; empty unless KVM showed it to guests
  std::string machine;    ///< digest of fixtures/node/machine.json
  int net_number = 0;
  Path kubernetes_part;
  Path etcd_part;
  std::vector<Path> parts;  ///< all that are used
  std::vector<PartFile> files;
  std::vector<Argument> apiserver_args;
  std::vector<Argument> controller_manager_args;
  std::vector<Argument> scheduler_args;
  std::vector<SavedNode> nodes;

  std::set<std::string> NodeOs() const;
  std::string ToJson() const;
  /// `where` names the text in errors.
  static Result<SavedLab> Parse(const std::string& text,
                                const std::string& where);
};

/// What must be the same for a lab to go on; compared by CheckRestorable.
struct Surroundings {
  std::string qemu;
  std::string processor;
  std::string machine;
  /// Directories of the parts that a new lab of the same version would use.
  std::vector<Path> parts;
};
/// This machine's. `with_processor` asks for the host's model too.
Result<Surroundings> LookAround(const Path& home, bool with_processor);

/// Every file of a part, with the digests of its part.json.
Result<std::vector<PartFile>> FilesOfPart(const Path& part);

/// A provision error says what differs, and how to mend it.
Status CheckRestorable(const SavedLab& saved, const Surroundings& now);

class SavedStore {
 public:
  explicit SavedStore(Path cache) : cache_(std::move(cache)) {}

  Path DirectoryOf(const std::string& name) const {
    return cache_ / "saved" / name;
  }
  std::vector<SavedLab> List() const;
  /// Those that saved labs will ask for, see NetNumber.
  std::set<int> NetNumbers() const;
  /// A usage error names the closest.
  Result<SavedLab> Find(const std::string& name) const;
  /// Bytes on the disk, holes not counted.
  double BytesOf(const std::string& name) const;
  Status Forget(const std::string& name) const;

  /// A directory to fill; it is removed unless Commit() is reached.
  class Draft {
   public:
    Draft(Draft&&) noexcept = default;
    ~Draft();
    const Path& path() const { return path_; }
    /// Puts it into its place, whole and on the disk.
    Status Commit(const Path& into);

   private:
    friend class SavedStore;
    Draft(Path path, FileLock lock)
        : path_(std::move(path)), lock_(std::move(lock)) {}
    Path path_;
    FileLock lock_;
  };
  /// An error if there is one of that name, or somebody is making it.
  Result<Draft> Begin(const std::string& name) const;

 private:
  Result<FileLock> Lock(const std::string& name) const;
  Path cache_;
};

}  // namespace lab
