// SPDX-License-Identifier: Apache-2.0
#include "tests/apparmor_host/host_disk.h"

#include "runner/components/archive.h"
#include "runner/components/boot_files.h"
#include "runner/components/debian_root.h"
#include "runner/components/node_disk.h"
#include "runner/components/node_files.h"
#include "runner/process/process.h"

namespace lab {
namespace {

// Docker's data, the labs and their logs go to the empty disk.
constexpr std::uintmax_t kRoomBytes = std::uintmax_t{64} << 20;
constexpr const char* kEmptyDiskSize = "24G";

struct Inputs {
  PartRecipe root;
  Path init;
  Path modules;
  Path initramfs_init;
  Path sshd_config;
  Cache* cache = nullptr;
};

bool Wanted(const std::string& name) {
  for (const char* prefix : {"usr/lib/firmware/", "usr/share/doc/",
                             "var/cache/", "var/lib/apt/", "dev/"}) {
    if (name.starts_with(prefix)) return false;
  }
  return true;
}

Status PlaceFiles(const Inputs& inputs, const Path& root) {
  LAB_CHECK_OK(CopyFile(inputs.init, root / "lab/init", 0755));
  LAB_CHECK_OK(
      CopyFile(inputs.sshd_config, root / "etc/ssh/sshd_config", 0644));
  return PlaceFirstFiles(root);
}

Status Build(const Inputs& inputs, const Path& into) {
  LAB_TRY(const Path part, inputs.cache->Provide(inputs.root));
  const Path root = into / "root";
  LAB_CHECK_OK(ExtractArchive(part / "root.tar", root, Wanted));
  LAB_CHECK_OK(PlaceFiles(inputs, root));
  LAB_CHECK_OK(MakeKernel(root, into / kKernelFile));
  LAB_CHECK_OK(MakeInitramfs(root, inputs.initramfs_init, inputs.modules,
                             into / kInitramfsFile));
  LAB_CHECK_OK(RemoveTree(root / "boot"));
  LAB_CHECK_OK(MakeDisk(root, kRoomBytes, into / kDiskFile));
  LAB_TRY(const auto made,
          RunOk({.argv = {"qemu-img", "create", "-q", "-f", "qcow2",
                          into / kEmptyDiskFile, kEmptyDiskSize}}));
  return RemoveTree(root);
}

}  // namespace

Result<PartRecipe> HostDiskRecipe(const ComponentTable& table, const Path& home,
                                  Cache& cache) {
  const Path fixtures = home / "fixtures";
  Inputs inputs{.root = DebianRootRecipe(table.apparmor_host, ""),
                .init = fixtures / "apparmor-host" / "init",
                .modules = fixtures / "apparmor-host" / "modules",
                .initramfs_init = fixtures / "node" / "initramfs-init",
                .sshd_config = fixtures / "node" / "sshd_config",
                .cache = &cache};
  inputs.root.name = "apparmor-host-root";
  std::vector<std::string> key = {"apparmor-host/1", PartId(inputs.root),
                                  kEmptyDiskSize};
  for (const auto& file : {inputs.init, inputs.modules, inputs.initramfs_init,
                           inputs.sshd_config}) {
    LAB_TRY(const auto digest, Sha256OfFile(file));
    key.push_back(file.filename().string() + "=" + digest);
  }
  return PartRecipe{.name = "apparmor-host",
                    .inputs = std::move(key),
                    .cold_seconds = 12,
                    .build = [inputs](const Path& into, const Path&) {
                      return Build(inputs, into);
                    }};
}

}  // namespace lab
