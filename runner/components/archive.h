// SPDX-License-Identifier: Apache-2.0
// Archives by libarchive: written entry by entry, always owned by root and
// without times (so that equal content gives equal bytes), and unpacked.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "runner/base/files.h"
#include "runner/base/result.h"

struct archive;

namespace lab {

class ArchiveWriter {
 public:
  enum class Format {
    kTar,     ///< plain ustar/pax
    kCpioGz,  ///< what the kernel takes as initramfs: newc, gzip level 1
  };
  static Result<ArchiveWriter> Create(const Path& path, Format format);
  ArchiveWriter(ArchiveWriter&&) noexcept;
  ~ArchiveWriter();

  Status AddDirectory(const std::string& name, int mode = 0755);
  Status AddFile(const std::string& name, std::string_view content,
                 int mode = 0644);
  Status AddFileFrom(const std::string& name, const Path& source,
                     int mode = 0644);
  Status AddSymlink(const std::string& name, const std::string& target);
  /// All that is below `root`, under the names that it has there, with its
  /// modes; in a fixed order. Sockets and devices are left out.
  Status AddTree(const Path& root);
  /// Must be called; the destructor discards what was not closed.
  Status Close();

 private:
  explicit ArchiveWriter(archive* a);
  struct Free {
    void operator()(archive* a) const;
  };
  Status Add(const std::string& name, unsigned type, int mode,
             std::string_view content, const std::string& target);
  std::unique_ptr<archive, Free> archive_;
};

/// A tar archive in memory, of what `add` adds.
Result<std::string> PackTar(const std::function<Status(ArchiveWriter&)>& add);

/// Unpacks any archive libarchive reads below `into`, owned by the caller, for
/// entries that `wanted` accepts (its argument has no leading "./" or "/").
Status ExtractArchive(const Path& archive, const Path& into,
                      const std::function<bool(const std::string&)>& wanted);

/// The content of a single compressed file (.xz, .gz, .zst), or the file
/// itself if it is not compressed.
Result<std::string> Decompress(const Path& file);
/// The same for bytes in memory; `what` is for the error. Bytes behind the
/// compressed ones are ignored.
Result<std::string> DecompressBytes(std::string_view bytes,
                                    const std::string& what);

}  // namespace lab
