// SPDX-License-Identifier: Apache-2.0
#include "runner/process/own_program.h"

namespace lab {
namespace {

constexpr const char* kLink = "/proc/self/exe";
// What the kernel puts behind the path of a file that is not there any more.
constexpr std::string_view kDeleted = " (deleted)";

}  // namespace

std::filesystem::path OwnProgram() {
  std::error_code code;
  std::string path = std::filesystem::read_symlink(kLink, code).string();
  if (path.ends_with(kDeleted)) path.resize(path.size() - kDeleted.size());
  return path;
}

std::string OwnCommand() {
  std::error_code code;
  const auto path = std::filesystem::read_symlink(kLink, code);
  return path.string().ends_with(kDeleted) ? kLink : path.string();
}

}  // namespace lab
