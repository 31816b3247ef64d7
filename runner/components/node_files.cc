// SPDX-License-Identifier: Apache-2.0
#include "runner/components/node_files.h"

#include <fmt/format.h>

#include "runner/base/text.h"
#include "runner/process/process.h"

namespace lab {
namespace fs = std::filesystem;

Status CopyFile(const Path& from, const Path& to, int mode) {
  LAB_CHECK_OK(MakeDirectories(to.parent_path()));
  std::error_code code;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, code);
  if (!code) fs::permissions(to, static_cast<fs::perms>(mode), code);
  if (!code) return {};
  return Error{fmt::format("copy {} to {}: {}", from.string(), to.string(),
                           code.message())};
}

Status PlaceFirstFiles(const Path& root) {
  LAB_CHECK_OK(MakeDirectories(root / "etc"));
  LAB_CHECK_OK(WriteFile(root / "etc/hosts", "127.0.0.1 localhost\n"));
  LAB_CHECK_OK(WriteFile(root / "etc/resolv.conf", ""));
  LAB_CHECK_OK(WriteFile(root / "etc/machine-id", ""));
  for (const char* directory : {"dev", "proc", "sys", "run", "tmp"}) {
    LAB_CHECK_OK(MakeDirectories(root / directory));
  }
  return {};
}

Status MakeSymlink(const Path& at, const std::string& target) {
  LAB_CHECK_OK(MakeDirectories(at.parent_path()));
  std::error_code code;
  fs::remove(at, code);
  fs::create_symlink(target, at, code);
  if (!code) return {};
  return Error{fmt::format("link {}: {}", at.string(), code.message())};
}

Result<std::set<Path>> LibrariesOf(const Path& root, const Path& program) {
  LAB_TRY(const auto said,
          RunOk({.argv = {(root / kLoader).string(), "--library-path",
                          (root / kLibraries).string(), "--list",
                          program.string()}}));
  std::set<Path> libraries;
  for (const auto& line : Lines(said)) {
    const auto arrow = line.find("=> ");
    if (arrow == std::string::npos) continue;
    const Path path = line.substr(arrow + 3, line.rfind(" (") - arrow - 3);
    if (path.string().starts_with(root.string())) libraries.insert(path);
  }
  return libraries;
}

bool WantedOnNode(const std::string& name) {
  for (const char* prefix :
       {"usr/share/doc/", "usr/share/man/", "usr/share/locale/",
        "usr/share/info/", "var/cache/", "var/lib/apt/", "dev/"}) {
    if (name.starts_with(prefix)) return false;
  }
  return true;
}

Result<std::vector<std::string>> FileKeys(const std::vector<Path>& files) {
  std::vector<std::string> keys;
  for (const auto& file : files) {
    LAB_TRY(const auto digest, Sha256OfFile(file));
    keys.push_back(file.filename().string() + "=" + digest);
  }
  return keys;
}

}  // namespace lab
