// SPDX-License-Identifier: Apache-2.0
#include "runner/components/images.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/components/archive.h"
#include "runner/components/image_archive.h"
#include "runner/process/process.h"

namespace lab {
namespace {

// A layer of one static program.
Status WriteProgramLayer(const std::string& name, const Path& program,
                         const Path& layer) {
  LAB_TRY(auto writer,
          ArchiveWriter::Create(layer, ArchiveWriter::Format::kTar));
  LAB_CHECK_OK(writer.AddFileFrom(name, program, 0755));
  return writer.Close();
}

Status WriteBusyboxLayer(const ImageInputs& inputs, const Path& layer) {
  LAB_TRY(const auto applets,
          RunOk({.argv = {inputs.busybox.string(), "--list"}}));
  LAB_TRY(auto writer,
          ArchiveWriter::Create(layer, ArchiveWriter::Format::kTar));
  for (const char* directory : {"bin", "etc", "proc", "sys", "dev", "root"}) {
    LAB_CHECK_OK(writer.AddDirectory(directory));
  }
  LAB_CHECK_OK(writer.AddDirectory("tmp", 01777));
  LAB_CHECK_OK(writer.AddFileFrom("bin/busybox", inputs.busybox, 0755));
  LAB_CHECK_OK(writer.AddFileFrom("bin/probe", inputs.probe, 0755));
  LAB_CHECK_OK(writer.AddFileFrom("bin/lab-seccomp", inputs.seccomp, 0755));
  // So that a foreign cluster needs this one image only.
  LAB_CHECK_OK(writer.AddFileFrom("loader", inputs.loader, 0755));
  for (const auto& applet : Lines(applets)) {
    if (applet == "busybox") continue;
    LAB_CHECK_OK(writer.AddSymlink("bin/" + applet, "busybox"));
  }
  LAB_CHECK_OK(writer.AddFile(
      "etc/passwd",
      "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"));
  LAB_CHECK_OK(writer.AddFile("etc/group", "root:x:0:\nnogroup:x:65534:\n"));
  return writer.Close();
}

}  // namespace

ImageInputs ImageInputsIn(const Path& root, const Path& probes) {
  return {root / "usr/bin/busybox", probes / "pause", probes / "probe",
          probes / "seccomp", probes / "loader"};
}

Result<std::vector<Path>> MakeImages(const ImageInputs& inputs,
                                     const Path& into) {
  const Path pause_layer = into / "pause-layer.tar";
  const Path busybox_layer = into / "busybox-layer.tar";
  const Path loader_layer = into / "loader-layer.tar";
  LAB_CHECK_OK(WriteProgramLayer("pause", inputs.pause, pause_layer));
  LAB_CHECK_OK(WriteProgramLayer("loader", inputs.loader, loader_layer));
  LAB_CHECK_OK(WriteBusyboxLayer(inputs, busybox_layer));
  const Path pause = into / "pause.tar";
  const Path busybox = into / "busybox.tar";
  const Path loader = into / "apparmor-loader.tar";
  LAB_CHECK_OK(WriteImageArchive(pause, kPauseImage, pause_layer,
                                 {{"Entrypoint", {"/pause"}}}));
  LAB_CHECK_OK(WriteImageArchive(busybox, kBusyboxImage, busybox_layer,
                                 {{"Cmd", {"sh"}}, {"Env", {"PATH=/bin"}}}));
  LAB_CHECK_OK(
      WriteImageArchive(loader, kLoaderImage, loader_layer,
                        {{"Entrypoint", {"/loader"}}, {"Cmd", {"run"}}}));
  return std::vector<Path>{pause, busybox, loader};
}

}  // namespace lab
