// SPDX-License-Identifier: Apache-2.0
#include "runner/components/kind_extras.h"

#include <fmt/format.h>

#include "runner/components/archive.h"
#include "runner/components/images.h"
#include "runner/components/node_files.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

constexpr const char* kUnits = "etc/systemd/system";
// A parser of Debian trixie, in an image of who knows what: it brings its own
// libraries, and the loader that finds them.
constexpr const char* kParserHome = "usr/local/lib/lab-apparmor";

constexpr PlacedFile kFixtures[] = {
    {"lab-securityfs.service", "etc/systemd/system/lab-securityfs.service",
     0644},
    {"containerd-environment.conf",
     "etc/systemd/system/containerd.service.d/lab-environment.conf", 0644},
    {"apparmor-parser", "usr/sbin/apparmor_parser", 0755},
};

bool Wanted(const std::string& name) {
  for (const char* prefix :
       {"usr/sbin/apparmor_parser", "usr/bin/busybox", "usr/lib64/",
        "usr/lib/x86_64-linux-gnu/", "etc/apparmor/", "etc/apparmor.d/abi/",
        "etc/apparmor.d/abstractions/", "etc/apparmor.d/tunables/",
        "usr/share/apparmor-features/"}) {
    if (name.starts_with(prefix)) return true;
  }
  return false;
}

Status PlaceParser(const Path& root, const Path& layer) {
  const Path parser = root / "usr/sbin/apparmor_parser";
  const Path home = layer / kParserHome;
  LAB_CHECK_OK(CopyFile(parser, home / "apparmor_parser", 0755));
  LAB_CHECK_OK(CopyFile(root / kLoader, home / "loader", 0755));
  LAB_TRY(const auto libraries, LibrariesOf(root, parser));
  for (const auto& library : libraries) {
    LAB_CHECK_OK(CopyFile(library, home / library.filename(), 0755));
  }
  for (const char* directory :
       {"etc/apparmor", "etc/apparmor.d", "usr/share/apparmor-features"}) {
    LAB_CHECK_OK(MakeDirectories((layer / directory).parent_path()));
    std::error_code code;
    fs::copy(root / directory, layer / directory, fs::copy_options::recursive,
             code);
    if (code) {
      return Error{fmt::format("copy {}: {}", directory, code.message())};
    }
  }
  return {};
}

Status Build(const KindExtrasInputs& in, const Path& into) {
  LAB_TRY(const Path part, in.cache->Provide(in.root));
  const Path root = into / "root", layer = into / kExtrasLayer;
  LAB_CHECK_OK(ExtractArchive(part / "root.tar", root, Wanted));
  LAB_CHECK_OK(PlaceParser(root, layer));
  LAB_CHECK_OK(PlaceFiles(kFixtures, in.fixtures, layer));
  LAB_CHECK_OK(PlaceFiles(kKindNodeProbes, in.probes, layer));
  LAB_CHECK_OK(MakeSymlink(
      layer / kUnits / "multi-user.target.wants" / "lab-securityfs.service",
      "/etc/systemd/system/lab-securityfs.service"));
  LAB_CHECK_OK(
      CopyFile(in.fixtures / "versions.json", into / kExtrasVersions, 0644));
  const Path work = into / "work";
  LAB_CHECK_OK(MakeDirectories(work));
  LAB_TRY(const auto archives,
          MakeImages(ImageInputsIn(root, in.probes), work));
  for (const auto& archive : archives) {
    LAB_CHECK_OK(
        CopyFile(archive, into / kExtrasImages / archive.filename(), 0644));
  }
  LAB_CHECK_OK(RemoveTree(work));
  return RemoveTree(root);
}

}  // namespace

Result<PartRecipe> KindExtrasRecipe(const KindExtrasInputs& inputs) {
  std::vector<Path> files = {inputs.fixtures / "versions.json",
                             inputs.probes / "pause", inputs.probes / "probe",
                             inputs.probes / "loader"};
  for (const auto& one : kFixtures)
    files.push_back(inputs.fixtures / one.source);
  for (const auto& one : kKindNodeProbes) {
    files.push_back(inputs.probes / one.source);
  }
  std::vector<std::string> key = {"kind-extras/1", PartId(inputs.root)};
  LAB_TRY(const auto keys, FileKeys(files));
  key.insert(key.end(), keys.begin(), keys.end());
  return PartRecipe{.name = "kind-extras",
                    .inputs = std::move(key),
                    .cold_seconds = 5,
                    .build = [inputs](const Path& into, const Path&) {
                      return Build(inputs, into);
                    }};
}

}  // namespace lab
