// SPDX-License-Identifier: Apache-2.0
#include "runner/components/image_archive.h"

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "runner/base/wait.h"
#include "runner/components/archive.h"
#include "runner/process/process.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

std::string ContainerdConfig(const Path& root, const Path& work) {
  // The CRI plugins would want a network and a sandbox image; the store and
  // the unpacker are all that is needed here.
  return fmt::format(R"(version = 3
root = "{0}"
state = "{1}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images",
  "io.containerd.cri.v1.runtime", "io.containerd.nri.v1.nri"]
[grpc]
address = "{1}/c.sock"
[ttrpc]
address = "{1}/c.sock.ttrpc"
)",
                     (root / "var/lib/containerd").string(), work.string());
}

}  // namespace

// What an ordinary user owns is then owned by root on the disk, and containerd
// may mount.
std::vector<std::string> AsRoot(std::vector<std::string> argv) {
  if (::geteuid() != 0) {
    argv.insert(argv.begin(), {"unshare", "--map-root-user", "--mount"});
  }
  return argv;
}

Status WriteImageArchive(const Path& archive, const std::string& tag,
                         const Path& layer, const json& config) {
  LAB_TRY(const auto layer_digest, Sha256OfFile(layer));
  const std::string image = json{
      {"architecture", "amd64"},
      {"os", "linux"},
      {"config", config},
      {"rootfs",
       {{"type", "layers"}, {"diff_ids", {"sha256:" + layer_digest}}}},
      {"history",
       json::array()}}.dump();
  const std::string image_file = Sha256OfText(image) + ".json";
  const std::string layer_file = layer_digest + ".tar";
  const json manifest = json::array({{{"Config", image_file},
                                      {"RepoTags", {tag}},
                                      {"Layers", {layer_file}}}});
  LAB_TRY(auto writer,
          ArchiveWriter::Create(archive, ArchiveWriter::Format::kTar));
  LAB_CHECK_OK(writer.AddFileFrom(layer_file, layer));
  LAB_CHECK_OK(writer.AddFile(image_file, image));
  LAB_CHECK_OK(writer.AddFile("manifest.json", manifest.dump()));
  return writer.Close();
}

Status ImportImages(const ImageImport& import) {
  // Unix socket paths are short; the cache's may be long.
  LAB_TRY(const auto work,
          TempDir::In(fs::temp_directory_path(), "confinement-lab-import-"));
  const Path config = work.path() / "config.toml";
  LAB_CHECK_OK(WriteFile(config, ContainerdConfig(import.root, work.path())));
  LAB_CHECK_OK(MakeDirectories(import.root / "var/lib/containerd"));
  LAB_TRY(auto daemon,
          Process::Start(
              {.argv = AsRoot({(import.containerd / "containerd").string(),
                               "--config", config.string()}),
               .log = import.log}));
  const Path socket = work.path() / "c.sock";
  LAB_CHECK_OK(WaitUntil("containerd socket", Deadline::In(30s), 20ms, [&] {
    return fs::exists(socket) || !daemon.Running();
  }));
  if (!daemon.Running()) {
    return Error{"containerd did not start to import the images"};
  }
  for (const auto& image : import.archives) {
    std::vector<std::string> argv = {(import.containerd / "ctr").string(),
                                     "--address",
                                     socket.string(),
                                     "--namespace",
                                     "k8s.io",
                                     "images",
                                     "import"};
    if (!import.unpack) argv.push_back("--no-unpack");
    if (import.pinned) {
      argv.insert(argv.end(), {"--label", "io.cri-containerd.pinned=pinned"});
    }
    argv.push_back(image.string());
    LAB_TRY(const auto imported,
            RunOk({.argv = AsRoot(std::move(argv)), .timeout = 120s}));
  }
  daemon.Stop(10s);
  return {};
}

}  // namespace lab
