// SPDX-License-Identifier: Apache-2.0
#include "runner/components/node_disk.h"

#include <fmt/format.h>

#include "runner/base/text.h"
#include "runner/components/archive.h"
#include "runner/components/image_archive.h"
#include "runner/components/images.h"
#include "runner/components/kernel_image.h"
#include "runner/components/kernel_modules.h"
#include "runner/components/node_files.h"
#include "runner/process/process.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

constexpr PlacedFile kFixtures[] = {
    {"init", "lab/init", 0755},
    {"kubelet-args", "lab/kubelet-args", 0644},
    {"containerd-config.toml", "etc/containerd/config.toml", 0644},
    {"crictl.yaml", "etc/crictl.yaml", 0644},
    {"cni.conflist", "etc/cni/net.d/10-lab.conflist", 0644},
    {"sshd_config", "etc/ssh/sshd_config", 0644},
    {"apparmor.d/lab-baked", "etc/apparmor.d/lab-baked", 0644},
};
constexpr PlacedFile kProbes[] = {
    {"cni", "opt/cni/bin/lab-cni", 0755},
    {"node", "usr/local/bin/lab-node", 0755},
    {"seccomp", "usr/local/bin/lab-seccomp", 0755},
};
constexpr const char* kRuntimePrograms[] = {"containerd",
                                            "containerd-shim-runc-v2", "ctr"};

// Pods of suites write little; every byte more is hashed at every use.
constexpr std::uintmax_t kRoomBytes = std::uintmax_t{640} << 20;

// Devices of a machine that is emulated need no firmware.
bool Wanted(const std::string& name) {
  return WantedOnNode(name) && !name.starts_with("usr/lib/firmware/");
}

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

// What a node's programs are taken from.
struct ProgramParts {
  Path kubernetes, containerd, crictl;
};

Status FillRoot(const NodeDiskInputs& inputs, const ProgramParts& parts,
                const Path& root) {
  LAB_CHECK_OK(PlaceFiles(kFixtures, inputs.fixtures, root));
  LAB_CHECK_OK(PlaceFiles(kProbes, inputs.probes, root));
  const Path bin = root / "usr/local/bin";
  LAB_CHECK_OK(CopyFile(parts.kubernetes / "kubelet", bin / "kubelet", 0755));
  LAB_CHECK_OK(CopyFile(parts.crictl / "crictl", bin / "crictl", 0755));
  for (const char* program : kRuntimePrograms) {
    LAB_CHECK_OK(CopyFile(parts.containerd / program, bin / program, 0755));
  }
  // containerd and the kubelet read these before anybody could write them.
  LAB_CHECK_OK(WriteFile(root / "etc/hosts", "127.0.0.1 localhost\n"));
  LAB_CHECK_OK(WriteFile(root / "etc/resolv.conf", ""));
  LAB_CHECK_OK(WriteFile(root / "etc/machine-id", ""));
  for (const char* directory : {"dev", "proc", "sys", "run", "tmp"}) {
    LAB_CHECK_OK(MakeDirectories(root / directory));
  }
  return {};
}

Status MakeInitramfs(const NodeDiskInputs& inputs, const Path& root,
                     const Path& file) {
  LAB_TRY(const Path modules, OnlyMatch(root / "usr/lib/modules", ""));
  LAB_TRY(const auto dep, ReadFile(modules / "modules.dep"));
  const auto softdep = ReadFile(modules / "modules.softdep").value_or("");
  const auto alias = ReadFile(modules / "modules.alias").value_or("");
  LAB_TRY(const auto wish, ReadFile(inputs.fixtures / "modules"));
  std::vector<std::string> wanted;
  for (const auto& line : Lines(wish)) {
    if (!line.empty() && line[0] != '#') wanted.push_back(line);
  }
  LAB_TRY(auto archive,
          ArchiveWriter::Create(file, ArchiveWriter::Format::kCpioGz));
  for (const char* directory : {"bin", "mods", "proc", "dev", "newroot"}) {
    LAB_CHECK_OK(archive.AddDirectory(directory));
  }
  LAB_CHECK_OK(
      archive.AddFileFrom("init", inputs.fixtures / "initramfs-init", 0755));
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

Result<std::uintmax_t> TreeBytes(const Path& root) {
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.is_regular_file() && !entry.is_symlink()) {
      bytes += entry.file_size() + 4096;
    }
  }
  return bytes;
}

Status MakeDisk(const Path& root, const Path& disk) {
  LAB_TRY(const auto bytes, TreeBytes(root));
  // No journal, no checksums: the disk lives as long as a lab, and each write
  // goes through an emulated CPU.
  const auto made =
      RunOk({.argv = AsRoot({"mke2fs", "-q", "-t", "ext4", "-O",
                             "^has_journal,^metadata_csum,^metadata_csum_seed",
                             "-m", "0", "-d", root.string(), disk.string(),
                             fmt::format("{}k", (bytes + kRoomBytes) / 1024)}),
             .timeout = 5min});
  if (!made) return made.error();
  return {};
}

Status BuildDisk(const NodeDiskInputs& inputs, const Path& into,
                 const Path& log) {
  ProgramParts parts;
  LAB_TRY(parts.kubernetes, inputs.cache->Provide(inputs.kubernetes));
  LAB_TRY(parts.containerd, inputs.cache->Provide(inputs.containerd));
  LAB_TRY(parts.crictl, inputs.cache->Provide(inputs.crictl));
  LAB_TRY(const Path root_part, inputs.cache->Provide(inputs.root));
  const Path root = into / "root";
  LAB_CHECK_OK(ExtractArchive(root_part / "root.tar", root, Wanted));
  LAB_CHECK_OK(FillRoot(inputs, parts, root));
  LAB_TRY(const Path kernel, OnlyMatch(root / "boot", "vmlinuz-"));
  LAB_TRY(const auto bzimage, ReadFile(kernel));
  LAB_TRY(const auto vmlinux, ExtractVmlinux(bzimage));
  LAB_CHECK_OK(WriteFile(into / kKernelFile, vmlinux));
  LAB_CHECK_OK(MakeInitramfs(inputs, root, into / kInitramfsFile));
  // The initramfs has loaded what is needed by the time the disk is mounted.
  LAB_CHECK_OK(RemoveTree(root / "usr/lib/modules"));
  LAB_CHECK_OK(RemoveTree(root / "boot"));
  const Path images = into / "images";
  LAB_CHECK_OK(MakeDirectories(images));
  LAB_TRY(const auto archives,
          MakeImages({root / "usr/bin/busybox", inputs.probes / "pause",
                      inputs.probes / "probe", inputs.probes / "seccomp",
                      inputs.probes / "loader"},
                     images));
  // Unpacked too, so that no node ever does it.
  LAB_CHECK_OK(ImportImages({.archives = archives,
                             .containerd = parts.containerd,
                             .root = root,
                             .log = log}));
  LAB_CHECK_OK(RemoveTree(images));
  LAB_CHECK_OK(MakeDisk(root, into / kDiskFile));
  return RemoveTree(root);
}

}  // namespace

Result<PartRecipe> NodeDiskRecipe(const NodeDiskInputs& inputs) {
  std::vector<std::string> key = {
      "node-disk/5", PartId(inputs.root), PartId(inputs.kubernetes),
      PartId(inputs.containerd), PartId(inputs.crictl)};
  std::vector<Path> files = {inputs.fixtures / "initramfs-init",
                             inputs.fixtures / "modules",
                             inputs.probes / "pause", inputs.probes / "probe",
                             inputs.probes / "loader"};
  for (const auto& file : kFixtures) {
    files.push_back(inputs.fixtures / file.source);
  }
  for (const auto& file : kProbes) files.push_back(inputs.probes / file.source);
  LAB_TRY(const auto keys, FileKeys(files));
  key.insert(key.end(), keys.begin(), keys.end());
  return PartRecipe{.name = inputs.name,
                    .inputs = std::move(key),
                    .cold_seconds = 8,
                    .build = [inputs](const Path& into, const Path& log) {
                      return BuildDisk(inputs, into, log);
                    }};
}

}  // namespace lab
