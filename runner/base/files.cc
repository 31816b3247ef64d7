// SPDX-License-Identifier: Apache-2.0
#include "runner/base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace lab {
namespace fs = std::filesystem;
namespace {

Error Errno(const std::string& what, const Path& path) {
  return Error{
      fmt::format("{} {}: {}", what, path.string(), std::strerror(errno))};
}

Status WriteAll(int fd, std::string_view content, const Path& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return Errno("write", path);
    }
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), &EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  }
  void Add(const void* data, std::size_t size) {
    EVP_DigestUpdate(context_.get(), data, size);
  }
  std::string Hex() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), digest, &size);
    std::string hex;
    for (unsigned int i = 0; i < size; ++i) {
      hex += fmt::format("{:02x}", digest[i]);
    }
    return hex;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

}  // namespace

Result<std::string> ReadFile(const Path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Errno("open", path);
  std::string content;
  char buffer[1 << 16];
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n == 0) return content;
    if (n < 0) {
      if (errno == EINTR) continue;
      return Errno("read", path);
    }
    content.append(buffer, static_cast<std::size_t>(n));
  }
}

Status WriteFile(const Path& path, std::string_view content, int mode) {
  const UniqueFd fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!fd.valid()) return Errno("create", path);
  return WriteAll(fd.get(), content, path);
}

Status WriteFileAtomically(const Path& path, std::string_view content) {
  std::string name = path.string() + ".XXXXXX";
  UniqueFd fd(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd.valid()) return Errno("create a file beside", path);
  auto written = WriteAll(fd.get(), content, name);
  if (written && ::fchmod(fd.get(), 0644) != 0) written = Errno("chmod", name);
  if (written && ::rename(name.c_str(), path.c_str()) != 0) {
    written = Errno("rename to", path);
  }
  if (!written) ::unlink(name.c_str());
  return written;
}

Status AppendLine(const Path& path, std::string_view line) {
  const UniqueFd fd(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!fd.valid()) return Errno("open", path);
  return WriteAll(fd.get(), std::string(line) + "\n", path);
}

Status MakeDirectories(const Path& path) {
  std::error_code code;
  fs::create_directories(path, code);
  if (code) {
    return Error{
        fmt::format("make directory {}: {}", path.string(), code.message())};
  }
  return {};
}

Status RemoveTree(const Path& path) {
  std::error_code code;
  fs::remove_all(path, code);
  if (!code) return {};
  for (auto it = fs::recursive_directory_iterator(
           path, fs::directory_options::skip_permission_denied, code);
       !code && it != fs::recursive_directory_iterator(); it.increment(code)) {
    if (it->is_directory() && !it->is_symlink()) {
      std::error_code ignored;
      fs::permissions(it->path(), fs::perms::owner_all, fs::perm_options::add,
                      ignored);
    }
  }
  fs::remove_all(path, code);
  if (code) {
    return Error{fmt::format("remove {}: {}", path.string(), code.message())};
  }
  return {};
}

Result<std::string> Sha256OfFile(const Path& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Errno("open", path);
  Sha256 digest;
  std::vector<char> buffer(1 << 20);
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n == 0) return digest.Hex();
    if (n < 0) {
      if (errno == EINTR) continue;
      return Errno("read", path);
    }
    digest.Add(buffer.data(), static_cast<std::size_t>(n));
  }
}

std::string Sha256OfText(std::string_view text) {
  Sha256 digest;
  digest.Add(text.data(), text.size());
  return digest.Hex();
}

Result<double> FreeBytes(const Path& path) {
  struct statvfs vfs {};
  if (::statvfs(path.c_str(), &vfs) != 0) return Errno("statvfs", path);
  return static_cast<double>(vfs.f_bavail) * static_cast<double>(vfs.f_frsize);
}

Result<TempDir> TempDir::In(const Path& parent, const std::string& prefix) {
  LAB_CHECK_OK(MakeDirectories(parent));
  std::string name = (parent / (prefix + "XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr) {
    return Errno("make a temporary directory in", parent);
  }
  return TempDir(name);
}

TempDir::TempDir(TempDir&& other) noexcept
    : path_(std::exchange(other.path_, Path())) {}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TempDir::~TempDir() {
  if (!path_.empty()) (void)RemoveTree(path_).has_value();
}

Path TempDir::Release() { return std::exchange(path_, Path()); }

Result<FileLock> FileLock::Try(const Path& path, int operation) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd.valid()) return Errno("open lock", path);
  while (::flock(fd.get(), operation) != 0) {
    if (errno == EWOULDBLOCK) return FileLock(UniqueFd());
    if (errno != EINTR) return Errno("lock", path);
  }
  return FileLock(std::move(fd));
}

Result<FileLock> FileLock::TryTake(const Path& path) {
  return Try(path, LOCK_EX | LOCK_NB);
}

Result<FileLock> FileLock::TryShare(const Path& path) {
  return Try(path, LOCK_SH | LOCK_NB);
}

Result<FileLock> FileLock::Take(const Path& path) { return Try(path, LOCK_EX); }

}  // namespace lab
