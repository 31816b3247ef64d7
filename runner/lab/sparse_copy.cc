// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/sparse_copy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace lab {
namespace fs = std::filesystem;
namespace {

Error Errno(const char* what, const Path& path) {
  return Error{
      fmt::format("{} {}: {}", what, path.string(), std::strerror(errno))};
}

// The bytes [begin, end).
bool CopyRange(int from, int to, off_t begin, off_t end) {
  if (::lseek(to, begin, SEEK_SET) < 0) return false;
  while (begin < end) {
    const ssize_t n =
        ::sendfile(to, from, &begin, static_cast<std::size_t>(end - begin));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    if (n == 0) {  // shorter than its holes said
      errno = EIO;
      return false;
    }
  }
  return true;
}

Status Sync(const Path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Errno("open", path);
  if (::fsync(fd.get()) != 0) return Errno("sync", path);
  return {};
}

}  // namespace

Status CopySparse(const Path& from, const Path& to) {
  const UniqueFd in(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!in.valid()) return Errno("open", from);
  struct stat about {};
  if (::fstat(in.get(), &about) != 0) return Errno("stat", from);
  const UniqueFd out(::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                            about.st_mode & 0666));
  if (!out.valid()) return Errno("create", to);
  for (off_t at = 0; at < about.st_size;) {
    const off_t begin = ::lseek(in.get(), at, SEEK_DATA);
    if (begin < 0 && errno == ENXIO) break;  // a hole up to the end
    if (begin < 0) return Errno("read", from);
    const off_t end = ::lseek(in.get(), begin, SEEK_HOLE);
    if (end < 0) return Errno("read", from);
    if (!CopyRange(in.get(), out.get(), begin, end)) return Errno("write", to);
    at = end;
  }
  if (::ftruncate(out.get(), about.st_size) != 0) return Errno("write", to);
  return {};
}

Status CopyTreeSparse(const Path& from, const Path& to) {
  LAB_CHECK_OK(MakeDirectories(to));
  std::error_code code;
  for (auto it = fs::recursive_directory_iterator(from, code);
       !code && it != fs::recursive_directory_iterator(); it.increment(code)) {
    const Path target = to / fs::relative(it->path(), from);
    if (it->is_directory()) {
      LAB_CHECK_OK(MakeDirectories(target));
      fs::permissions(target, it->status().permissions());
    } else if (it->is_regular_file()) {
      LAB_CHECK_OK(CopySparse(it->path(), target));
    }
  }
  if (!code) return {};
  return Error{fmt::format("read {}: {}", from.string(), code.message())};
}

Status SyncTree(const Path& directory) {
  std::error_code code;
  for (auto it = fs::recursive_directory_iterator(directory, code);
       !code && it != fs::recursive_directory_iterator(); it.increment(code)) {
    if (it->is_regular_file() || it->is_directory()) {
      LAB_CHECK_OK(Sync(it->path()));
    }
  }
  if (code) {
    return Error{
        fmt::format("read {}: {}", directory.string(), code.message())};
  }
  return Sync(directory);
}

}  // namespace lab
