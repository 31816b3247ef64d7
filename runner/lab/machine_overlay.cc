// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/machine_overlay.h"

#include <set>

#include "runner/components/archive.h"

namespace lab {
namespace {

// The directories above an entry, each once.
Status AddParents(const std::string& name, std::set<std::string>& made,
                  ArchiveWriter& writer) {
  for (auto at = name.find('/'); at != std::string::npos;
       at = name.find('/', at + 1)) {
    const std::string directory = name.substr(0, at);
    if (!made.insert(directory).second) continue;
    // sshd refuses keys below a directory that others may read.
    const bool secret = directory.ends_with("/.ssh");
    LAB_CHECK_OK(writer.AddDirectory(directory, secret ? 0700 : 0755));
  }
  return {};
}

}  // namespace

Status WriteOverlaidInitramfs(const Path& initramfs,
                              const std::vector<OverlayFile>& files,
                              const Path& into) {
  const Path own = into.string() + ".node";
  LAB_TRY(auto writer,
          ArchiveWriter::Create(own, ArchiveWriter::Format::kCpioGz));
  std::set<std::string> made;
  for (const auto& file : files) {
    const std::string name = "config" + file.target;
    LAB_CHECK_OK(AddParents(name, made, writer));
    LAB_CHECK_OK(writer.AddFile(name, file.content, file.mode));
  }
  LAB_CHECK_OK(writer.Close());
  LAB_TRY(const auto base, ReadFile(initramfs));
  LAB_TRY(const auto overlay, ReadFile(own));
  LAB_CHECK_OK(RemoveTree(own));
  // The kernel wants each archive at a multiple of four bytes.
  const std::string padding((4 - base.size() % 4) % 4, '\0');
  return WriteFile(into, base + padding + overlay, 0600);
}

}  // namespace lab
