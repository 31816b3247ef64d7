// SPDX-License-Identifier: Apache-2.0
// What a virtual machine boots, made from the root file system that it is to
// run: the kernel, a small initramfs, and a disk.
#pragma once

#include <cstdint>

#include "runner/base/files.h"
#include "runner/base/result.h"

namespace lab {

/// The kernel of /boot, uncompressed (kernel_image.h). An error unless there is
/// exactly one.
Status MakeKernel(const Path& root, const Path& file);

/// An initramfs with busybox, `init`, and the modules of the root's kernel that
/// the file `wish` names, a line each (kernel_modules.h).
Status MakeInitramfs(const Path& root, const Path& init, const Path& wish,
                     const Path& file);

/// An ext4 file system of all that is below `root`, owned by root, with about
/// `room` bytes free. Without a journal and checksums: such a disk lives as
/// long as its machine, and each write goes through an emulated CPU.
Status MakeDisk(const Path& root, std::uintmax_t room, const Path& file);

}  // namespace lab
