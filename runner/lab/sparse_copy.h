// SPDX-License-Identifier: Apache-2.0
// Copies of large files that are mostly holes: guest RAM, disk overlays, the
// logs that etcd allocates ahead.
#pragma once

#include "runner/base/files.h"
#include "runner/base/result.h"

namespace lab {

/// Copies data, and leaves holes where `from` has them. `to` must not exist.
Status CopySparse(const Path& from, const Path& to);

/// The same for every regular file below `from`; makes `to`.
Status CopyTreeSparse(const Path& from, const Path& to);

/// Writes all files below `directory` to the disk, and the directories: what
/// is renamed into place afterwards is whole, whatever happens to the machine.
Status SyncTree(const Path& directory);

}  // namespace lab
