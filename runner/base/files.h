// SPDX-License-Identifier: Apache-2.0
// Files: whole reads, atomic writes, temporary directories, locks, digests.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "runner/base/clock.h"
#include "runner/base/result.h"
#include "runner/base/unique_fd.h"

namespace lab {

using Path = std::filesystem::path;

/// The whole file, also for files of /proc and /sys whose size is unknown.
Result<std::string> ReadFile(const Path& path);
/// Creates or truncates. Not atomic.
Status WriteFile(const Path& path, std::string_view content, int mode = 0644);
/// Writes a sibling and renames it over `path`: a reader, or a kill -9, sees
/// the old content or the new, never a part.
Status WriteFileAtomically(const Path& path, std::string_view content);
/// Appends with one write(2) on an O_APPEND descriptor, so that lines of
/// several processes do not mix.
Status AppendLine(const Path& path, std::string_view line);
Status MakeDirectories(const Path& path);
/// Removes a tree; success if it is not there. Directories without write
/// permission (as Go's module cache makes them) are opened up first.
Status RemoveTree(const Path& path);
/// Hexadecimal SHA-256 (OpenSSL), streamed.
Result<std::string> Sha256OfFile(const Path& path);
std::string Sha256OfText(std::string_view text);
/// Bytes that an ordinary user may still write on the file system of `path`.
Result<double> FreeBytes(const Path& path);

/// A directory that is removed with its owner.
class TempDir {
 public:
  /// Makes `parent`/`prefix`XXXXXX.
  static Result<TempDir> In(const Path& parent, const std::string& prefix);
  TempDir(TempDir&& other) noexcept;
  TempDir& operator=(TempDir&& other) noexcept;
  ~TempDir();

  const Path& path() const { return path_; }
  /// Gives up ownership; the directory stays.
  Path Release();

 private:
  explicit TempDir(Path path) : path_(std::move(path)) {}
  Path path_;
};

/// A flock(2). The kernel releases it when the holder ends, however it ends, so
/// a kill -9 never leaves a lock behind.
class FileLock {
 public:
  /// Takes the lock if it is free; an empty lock if another process holds it.
  static Result<FileLock> TryTake(const Path& path);
  /// The same, shared: with others that share it, but none that has taken it.
  static Result<FileLock> TryShare(const Path& path);
  /// Waits until nobody else holds or shares it, for as long as that takes.
  static Result<FileLock> Take(const Path& path);
  /// True if the lock is held by this object.
  bool held() const { return fd_.valid(); }

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  static Result<FileLock> Try(const Path& path, int operation);
  UniqueFd fd_;
};

}  // namespace lab
