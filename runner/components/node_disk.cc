// SPDX-License-Identifier: Apache-2.0
#include "runner/components/node_disk.h"

#include <fmt/format.h>

#include "runner/base/text.h"
#include "runner/components/archive.h"
#include "runner/components/boot_files.h"
#include "runner/components/image_archive.h"
#include "runner/components/images.h"
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
  return PlaceFirstFiles(root);
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
  LAB_CHECK_OK(MakeKernel(root, into / kKernelFile));
  LAB_CHECK_OK(MakeInitramfs(root, inputs.fixtures / "initramfs-init",
                             inputs.fixtures / "modules",
                             into / kInitramfsFile));
  // The initramfs has loaded what is needed by the time the disk is mounted.
  LAB_CHECK_OK(RemoveTree(root / "usr/lib/modules"));
  LAB_CHECK_OK(RemoveTree(root / "boot"));
  const Path images = into / "images";
  LAB_CHECK_OK(MakeDirectories(images));
  LAB_TRY(const auto archives,
          MakeImages(ImageInputsIn(root, inputs.probes), images));
  // Unpacked too, so that no node ever does it.
  LAB_CHECK_OK(ImportImages({.archives = archives,
                             .containerd = parts.containerd,
                             .root = root,
                             .log = log}));
  LAB_CHECK_OK(RemoveTree(images));
  LAB_CHECK_OK(MakeDisk(root, kRoomBytes, into / kDiskFile));
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
