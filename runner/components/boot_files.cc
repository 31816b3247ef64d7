// SPDX-License-Identifier: Apache-2.0
#include "runner/components/boot_files.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "runner/base/text.h"
#include "runner/components/archive.h"
#include "runner/components/image_archive.h"
#include "runner/components/kernel_image.h"
#include "runner/components/kernel_modules.h"
#include "runner/process/process.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

Result<Path> OnlyMatch(const Path& directory, const std::string& prefix) {
  std::vector<Path> matches;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().filename().string().starts_with(prefix)) {
      matches.push_back(entry.path());
    }
  }
  if (matches.size() == 1) return matches.front();
  return Error{fmt::format("{} files {}* in {}, expected one", matches.size(),
                           prefix, directory.string())};
}

Result<std::uintmax_t> TreeBytes(const Path& root) {
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.is_regular_file() && !entry.is_symlink()) {
      bytes += entry.file_size() + 4096;
    }
  }
  return bytes;
}

}  // namespace

Status MakeKernel(const Path& root, const Path& file) {
  LAB_TRY(const Path kernel, OnlyMatch(root / "boot", "vmlinuz-"));
  LAB_TRY(const auto bzimage, ReadFile(kernel));
  LAB_TRY(const auto vmlinux, ExtractVmlinux(bzimage));
  return WriteFile(file, vmlinux);
}

Status MakeInitramfs(const Path& root, const Path& init, const Path& wish,
                     const Path& file) {
  LAB_TRY(const Path modules, OnlyMatch(root / "usr/lib/modules", ""));
  LAB_TRY(const auto dep, ReadFile(modules / "modules.dep"));
  const auto softdep = ReadFile(modules / "modules.softdep").value_or("");
  const auto alias = ReadFile(modules / "modules.alias").value_or("");
  LAB_TRY(const auto wishes, ReadFile(wish));
  std::vector<std::string> wanted;
  for (const auto& line : Lines(wishes)) {
    if (!line.empty() && line[0] != '#') wanted.push_back(line);
  }
  LAB_TRY(auto archive,
          ArchiveWriter::Create(file, ArchiveWriter::Format::kCpioGz));
  for (const char* directory : {"bin", "mods", "proc", "dev", "newroot"}) {
    LAB_CHECK_OK(archive.AddDirectory(directory));
  }
  LAB_CHECK_OK(archive.AddFileFrom("init", init, 0755));
  LAB_CHECK_OK(
      archive.AddFileFrom("bin/busybox", root / "usr/bin/busybox", 0755));
  std::string order;
  for (const auto& module : ModuleLoadOrder(wanted, dep, softdep, alias)) {
    LAB_TRY(const auto object, Decompress(modules / module));
    const std::string name = ModuleName(module) + ".ko";
    LAB_CHECK_OK(archive.AddFile("mods/" + name, object));
    order += name + "\n";
  }
  LAB_CHECK_OK(archive.AddFile("mods/order", order));
  return archive.Close();
}

Status MakeDisk(const Path& root, std::uintmax_t room, const Path& file) {
  LAB_TRY(const auto bytes, TreeBytes(root));
  const auto made =
      RunOk({.argv = AsRoot({"mke2fs", "-q", "-t", "ext4", "-O",
                             "^has_journal,^metadata_csum,^metadata_csum_seed",
                             "-m", "0", "-d", root.string(), file.string(),
                             fmt::format("{}k", (bytes + room) / 1024)}),
             .timeout = 5min});
  return made ? Status() : Status(made.error());
}

}  // namespace lab
