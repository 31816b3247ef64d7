// SPDX-License-Identifier: Apache-2.0
// The content-addressed cache of parts: a part's directory is named by the
// digest of everything it is made from, and its files are checked each time it
// is used: against their own digests, unless the kernel says that nobody has
// touched them since that was done last.
//
//   CACHE/parts/NAME-KEY/{part.json, files...}   complete, or not there
//   CACHE/parts/NAME-KEY/checked.json            how the files were then
//   CACHE/tmp/NAME-KEY/                          being built
//   CACHE/locks/NAME-KEY.lock                    flock(2): one builder
//   CACHE/logs/NAME-KEY.log                      what the builder said
//
// A part appears by rename(2), so a kill -9 leaves a `tmp` directory that the
// next builder removes, and never half a part.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/progress.h"
#include "runner/base/result.h"

namespace lab {

/// What a part is made from.
struct PartRecipe {
  std::string name;  ///< for people and paths: "kubernetes-1.36.3"
  /// Everything that decides the content; hashed into the key in this order.
  std::vector<std::string> inputs;
  int cold_seconds = 0;  ///< expectation, for people; 0: not worth saying
  /// Fills `into`; what its programs say goes to `log`.
  std::function<Status(const Path& into, const Path& log)> build;
};

class Cache {
 public:
  /// `offline`: a part that is missing is an error instead of a build.
  Cache(Path root, Progress& progress, bool offline)
      : root_(std::move(root)), progress_(progress), offline_(offline) {}

  /// The directory of a complete, verified part; built first if it is missing
  /// or damaged. Safe against other processes doing the same. Errors are of
  /// kind kProvision and name the log.
  Result<Path> Provide(const PartRecipe& recipe);

  /// True if the part is there (its digests unchecked).
  bool Has(const PartRecipe& recipe) const;

  const Path& root() const { return root_; }

 private:
  Path PartDirectory(const PartRecipe& recipe) const;
  Result<Path> Build(const PartRecipe& recipe);
  Result<FileLock> Lock(const PartRecipe& recipe);

  Path root_;
  Progress& progress_;
  bool offline_;
};

/// NAME-KEY, the key being 12 digits of the digest of name and inputs.
std::string PartId(const PartRecipe& recipe);

/// CONFINEMENT_LAB_CACHE, else $XDG_CACHE_HOME/confinement-lab, else
/// ~/.cache/confinement-lab.
Result<Path> DefaultCacheRoot();

/// Writes part.json: size and digest of every file below `directory`.
Status SealPart(const Path& directory, const std::string& name);

/// Checks a part against its part.json; the error names the first file that
/// differs. Content is read of files only whose device, inode, size or times
/// are not those of the last check.
Status VerifyPart(const Path& directory);

}  // namespace lab
