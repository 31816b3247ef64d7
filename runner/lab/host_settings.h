// SPDX-License-Identifier: Apache-2.0
// Settings of the host's kernel that privileged containers change: a kubelet
// sets some, systemd in a node others. They are noted when the first kind lab
// begins, and put back when the last one ends, however that ends:
//
//   CACHE/kind/use.lock       shared by every kind lab
//   CACHE/kind/settings.json  what they were before the first
#pragma once

#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/result.h"

namespace lab {

/// One lab's share in them.
class HostSettings {
 public:
  /// `proc_sys` is /proc/sys, but for tests.
  static Result<HostSettings> Hold(const Path& cache,
                                   const Path& proc_sys = "/proc/sys");
  /// Call when the lab's containers are gone: puts everything back if this was
  /// the last lab; says what, a line each.
  Result<std::vector<std::string>> Release();

 private:
  HostSettings(Path cache, Path proc_sys, FileLock share)
      : cache_(std::move(cache)),
        proc_sys_(std::move(proc_sys)),
        share_(std::move(share)) {}
  Path cache_;
  Path proc_sys_;
  FileLock share_;
};

/// The same for labs that were killed; nothing while a kind lab is up.
Result<std::vector<std::string>> PutBackHostSettings(
    const Path& cache, const Path& proc_sys = "/proc/sys");

}  // namespace lab
