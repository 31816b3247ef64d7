// SPDX-License-Identifier: Apache-2.0
#include "runner/components/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <locale.h>

#include <algorithm>
#include <fstream>
#include <vector>

namespace lab {
namespace {

using ReadHandle = std::unique_ptr<archive, decltype(&archive_read_free)>;
using EntryHandle =
    std::unique_ptr<archive_entry, decltype(&archive_entry_free)>;

Error ArchiveError(archive* a, const std::string& what) {
  const char* text = archive_error_string(a);
  return Error{what + ": " + (text != nullptr ? text : "unknown error")};
}

std::string Plain(std::string name) {
  while (name.starts_with("./")) name.erase(0, 2);
  while (name.starts_with('/')) name.erase(0, 1);
  return name;
}

// libarchive takes names through the thread's locale, and in "C" refuses what
// is not ASCII; Debian's certificates have such names.
class Utf8Names {
 public:
  Utf8Names()
      : utf8_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)),
        before_(utf8_ != nullptr ? ::uselocale(utf8_) : nullptr) {}
  Utf8Names(const Utf8Names&) = delete;
  Utf8Names& operator=(const Utf8Names&) = delete;
  ~Utf8Names() {
    if (utf8_ == nullptr) return;
    ::uselocale(before_);
    ::freelocale(utf8_);
  }

 private:
  locale_t utf8_;
  locale_t before_;
};

Status CopyData(archive* from, archive* to) {
  const void* data = nullptr;
  std::size_t size = 0;
  la_int64_t offset = 0;
  while (true) {
    const int read = archive_read_data_block(from, &data, &size, &offset);
    if (read == ARCHIVE_EOF) return {};
    if (read < ARCHIVE_WARN) return ArchiveError(from, "read");
    if (archive_write_data_block(to, data, size, offset) < ARCHIVE_WARN) {
      return ArchiveError(to, "write");
    }
  }
}

}  // namespace

void ArchiveWriter::Free::operator()(archive* a) const {
  archive_write_fail(a);  // or archive_write_free would finish the archive
  archive_write_free(a);
}

ArchiveWriter::ArchiveWriter(archive* a) : archive_(a) {}
ArchiveWriter::ArchiveWriter(ArchiveWriter&&) noexcept = default;
ArchiveWriter::~ArchiveWriter() = default;

Result<ArchiveWriter> ArchiveWriter::Create(const Path& path, Format format) {
  ArchiveWriter writer(archive_write_new());
  archive* a = writer.archive_.get();
  if (format == Format::kTar) {
    archive_write_set_format_pax_restricted(a);
  } else {
    archive_write_set_format_cpio_newc(a);
    archive_write_add_filter_gzip(a);
    archive_write_set_options(a, "gzip:compression-level=1,gzip:!timestamp");
  }
  if (archive_write_open_filename(a, path.c_str()) != ARCHIVE_OK) {
    return ArchiveError(a, "create " + path.string());
  }
  return writer;
}

Status ArchiveWriter::Add(const std::string& name, unsigned type, int mode,
                          std::string_view content, const std::string& target) {
  const EntryHandle entry(archive_entry_new(), &archive_entry_free);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_filetype(entry.get(), type);
  archive_entry_set_perm(entry.get(), static_cast<mode_t>(mode));
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
  if (!target.empty()) archive_entry_set_symlink(entry.get(), target.c_str());
  archive* a = archive_.get();
  if (archive_write_header(a, entry.get()) != ARCHIVE_OK) {
    return ArchiveError(a, "add " + name);
  }
  if (!content.empty() &&
      archive_write_data(a, content.data(), content.size()) < 0) {
    return ArchiveError(a, "add " + name);
  }
  return {};
}

Status ArchiveWriter::AddDirectory(const std::string& name, int mode) {
  return Add(name, AE_IFDIR, mode, {}, {});
}

Status ArchiveWriter::AddFile(const std::string& name, std::string_view content,
                              int mode) {
  return Add(name, AE_IFREG, mode, content, {});
}

Status ArchiveWriter::AddFileFrom(const std::string& name, const Path& source,
                                  int mode) {
  std::error_code code;
  const auto size = std::filesystem::file_size(source, code);
  std::ifstream from(source, std::ios::binary);
  if (code || !from) return Error{"read " + source.string()};
  const EntryHandle entry(archive_entry_new(), &archive_entry_free);
  archive_entry_set_pathname(entry.get(), name.c_str());
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), static_cast<mode_t>(mode));
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
  archive* a = archive_.get();
  if (archive_write_header(a, entry.get()) != ARCHIVE_OK) {
    return ArchiveError(a, "add " + name);
  }
  std::string buffer(1 << 20, '\0');
  std::uintmax_t copied = 0;
  while (from) {
    from.read(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    const auto n = static_cast<std::size_t>(from.gcount());
    if (n > 0 && archive_write_data(a, buffer.data(), n) < 0) {
      return ArchiveError(a, "add " + name);
    }
    copied += n;
  }
  if (copied == size) return {};
  return Error{source.string() + ": its size changed while it was read"};
}

Status ArchiveWriter::AddTree(const Path& root) {
  namespace fs = std::filesystem;
  const Utf8Names names;
  std::vector<Path> paths;
  std::error_code code;
  for (fs::recursive_directory_iterator it(root, code), end; it != end;
       it.increment(code)) {
    paths.push_back(it->path());
  }
  if (code) return Error{"read " + root.string() + ": " + code.message()};
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) {
    const std::string name = path.lexically_relative(root).string();
    const auto status = fs::symlink_status(path, code);
    const int mode = static_cast<int>(status.permissions());
    if (fs::is_symlink(status)) {
      LAB_CHECK_OK(AddSymlink(name, fs::read_symlink(path, code).string()));
    } else if (fs::is_directory(status)) {
      LAB_CHECK_OK(AddDirectory(name, mode));
    } else if (fs::is_regular_file(status)) {
      LAB_CHECK_OK(AddFileFrom(name, path, mode));
    }
    if (code) return Error{"read " + path.string() + ": " + code.message()};
  }
  return {};
}

Status ArchiveWriter::AddSymlink(const std::string& name,
                                 const std::string& target) {
  return Add(name, AE_IFLNK, 0777, {}, target);
}

Status ArchiveWriter::Close() {
  if (archive_write_close(archive_.get()) != ARCHIVE_OK) {
    return ArchiveError(archive_.get(), "close archive");
  }
  return {};
}

Result<std::string> PackTar(const std::function<Status(ArchiveWriter&)>& add) {
  LAB_TRY(const auto directory,
          TempDir::In(std::filesystem::temp_directory_path(), "pack-"));
  const Path file = directory.path() / "packed.tar";
  LAB_TRY(auto tar, ArchiveWriter::Create(file, ArchiveWriter::Format::kTar));
  LAB_CHECK_OK(add(tar));
  LAB_CHECK_OK(tar.Close());
  return ReadFile(file);
}

Status ExtractArchive(const Path& path, const Path& into,
                      const std::function<bool(const std::string&)>& wanted) {
  const ReadHandle from(archive_read_new(), &archive_read_free);
  archive_read_support_format_all(from.get());
  archive_read_support_filter_all(from.get());
  if (archive_read_open_filename(from.get(), path.c_str(), 1 << 20) !=
      ARCHIVE_OK) {
    return ArchiveError(from.get(), "open " + path.string());
  }
  const std::unique_ptr<archive, decltype(&archive_write_free)> to(
      archive_write_disk_new(), &archive_write_free);
  // "into" may hold symbolic links of its own making only; ".." never.
  archive_write_disk_set_options(
      to.get(), ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_SECURE_NODOTDOT);
  archive_entry* entry = nullptr;
  while (true) {
    const int next = archive_read_next_header(from.get(), &entry);
    if (next == ARCHIVE_EOF) return {};
    if (next < ARCHIVE_WARN) {
      return ArchiveError(from.get(), "read " + path.string());
    }
    const std::string name = Plain(archive_entry_pathname(entry));
    if (name.empty() || !wanted(name)) continue;
    archive_entry_set_pathname(entry, (into / name).c_str());
    if (const char* link = archive_entry_hardlink(entry)) {
      const std::string target = (into / Plain(link)).string();
      archive_entry_set_hardlink(entry, target.c_str());
    }
    if (archive_write_header(to.get(), entry) < ARCHIVE_WARN) {
      return ArchiveError(to.get(), "unpack " + name);
    }
    LAB_CHECK_OK(CopyData(from.get(), to.get()));
  }
}

Result<std::string> Decompress(const Path& file) {
  LAB_TRY(const auto bytes, ReadFile(file));
  return DecompressBytes(bytes, file.string());
}

Result<std::string> DecompressBytes(std::string_view bytes,
                                    const std::string& what) {
  const ReadHandle from(archive_read_new(), &archive_read_free);
  archive_read_support_format_raw(from.get());
  archive_read_support_filter_all(from.get());
  archive_entry* entry = nullptr;
  if (archive_read_open_memory(from.get(), bytes.data(), bytes.size()) !=
          ARCHIVE_OK ||
      archive_read_next_header(from.get(), &entry) != ARCHIVE_OK) {
    return ArchiveError(from.get(), "decompress " + what);
  }
  std::string content;
  std::string buffer(1 << 20, '\0');
  while (true) {
    const auto n = archive_read_data(from.get(), buffer.data(), buffer.size());
    if (n == 0) return content;
    if (n < 0) return ArchiveError(from.get(), "decompress " + what);
    content.append(buffer, 0, static_cast<std::size_t>(n));
  }
}

}  // namespace lab
