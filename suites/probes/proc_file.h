// SPDX-License-Identifier: Apache-2.0
// Reading what the kernel shows as files, whose size it does not tell.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <string>

namespace probe {

/// The whole file. False if it cannot be opened or read to its end; `text` is
/// what came until then.
inline bool ReadFile(const std::string& path, std::string& text) {
  text.clear();
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char buffer[4096];
  ssize_t n = 0;
  while ((n = read(fd, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  close(fd);
  return n == 0;
}

/// The same, for those who take no file for an empty one.
inline std::string ReadFile(const std::string& path) {
  std::string text;
  ReadFile(path, text);
  return text;
}

/// Without the newlines and NULs at its end.
inline std::string ReadTrimmed(const std::string& path, bool* ok = nullptr) {
  std::string text;
  const bool whole = ReadFile(path, text);
  if (ok != nullptr) *ok = whole;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) {
    text.pop_back();
  }
  return text;
}

/// A field of the text of /proc/PID/status, to its end of line; empty if it is
/// not there (proc(5)).
inline std::string StatusField(const std::string& status,
                               const std::string& field) {
  const std::string lines = "\n" + status;
  const auto at = lines.find("\n" + field + ":");
  if (at == std::string::npos) return "";
  const auto begin = lines.find_first_not_of(" \t", at + field.size() + 2);
  return lines.substr(begin, lines.find('\n', begin) - begin);
}

}  // namespace probe
