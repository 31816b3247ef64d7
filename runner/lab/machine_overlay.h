// SPDX-License-Identifier: Apache-2.0
// What makes one machine different from others of the same disk: files in a
// small archive that is appended to the initramfs, which lays them over the
// root file system before the machine starts (fixtures/node/initramfs-init).
#pragma once

#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/result.h"

namespace lab {

struct OverlayFile {
  std::string target;  ///< "/etc/hostname"
  std::string content;
  int mode = 0644;
};

/// Writes `initramfs` and an archive of `files` to `into`, for its owner only:
/// keys are among them.
Status WriteOverlaidInitramfs(const Path& initramfs,
                              const std::vector<OverlayFile>& files,
                              const Path& into);

}  // namespace lab
