// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/node_config.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "runner/base/text.h"
#include "runner/cluster/yaml.h"
#include "runner/components/archive.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

// Adds files below config/, with the directories they need, each once.
class ConfigArchive {
 public:
  explicit ConfigArchive(ArchiveWriter writer) : writer_(std::move(writer)) {}

  Status Add(const std::string& target, std::string_view content, int mode) {
    const std::string name = "config" + target;
    LAB_CHECK_OK(Parents(name));
    return writer_.AddFile(name, content, mode);
  }

  // A file, or a directory with all below it.
  Status AddTree(const Path& source, const std::string& target) {
    if (!fs::is_directory(source)) return AddOne(source, target);
    for (const auto& entry : fs::recursive_directory_iterator(source)) {
      if (!entry.is_regular_file()) continue;
      const auto below = fs::relative(entry.path(), source).string();
      LAB_CHECK_OK(AddOne(entry.path(), target + "/" + below));
    }
    return {};
  }

  Status Close() { return writer_.Close(); }

 private:
  Status AddOne(const Path& source, const std::string& target) {
    LAB_TRY(const auto content, ReadFile(source));
    const auto mode = fs::status(source).permissions() & fs::perms::all;
    return Add(target, content, static_cast<int>(mode));
  }

  Status Parents(const std::string& name) {
    for (auto at = name.find('/'); at != std::string::npos;
         at = name.find('/', at + 1)) {
      const std::string directory = name.substr(0, at);
      if (!made_.insert(directory).second) continue;
      // sshd refuses keys below a directory that others may read.
      const bool secret = directory.ends_with("/.ssh");
      LAB_CHECK_OK(writer_.AddDirectory(directory, secret ? 0700 : 0755));
    }
    return {};
  }

  ArchiveWriter writer_;
  std::set<std::string> made_;
};

std::string KubeletArgs(const VmNode& node) {
  std::string args = "--hostname-override=" + node.name + "\n";
  for (const auto& argument : node.kubelet_extra_args) {
    args += fmt::format("--{}={}\n", argument.name, argument.value);
  }
  return args;
}

Status AddNodeFiles(const NodeConfigRequest& request, ConfigArchive& archive) {
  const Path& lab = request.directory;
  LAB_TRY(const auto ca, ReadFile(lab / "pki" / "ca.crt"));
  LAB_TRY(const auto host_key, ReadFile(lab / "host_key"));
  LAB_TRY(const auto authorized, ReadFile(lab / "ssh_key.pub"));
  LAB_TRY(const auto kubelet, KubeletConfig(request));
  struct File {
    const char* target;
    std::string content;
    int mode;
  };
  const File files[] = {
      {"/var/lib/kubelet/pki/ca.crt", ca, 0644},
      {"/var/lib/kubelet/pki/kubelet.crt", request.serving.certificate, 0644},
      {"/var/lib/kubelet/pki/kubelet.key", request.serving.key, 0600},
      {"/var/lib/kubelet/kubeconfig", request.kubeconfig, 0600},
      {"/var/lib/kubelet/config.yaml", kubelet, 0644},
      {"/etc/machine-id", RandomHex(32) + "\n", 0444},
      {"/etc/hostname", request.node.name + "\n", 0644},
      {"/etc/ssh/ssh_host_ed25519_key", host_key, 0600},
      {"/root/.ssh/authorized_keys", authorized, 0600},
      {"/lab/default-runtime", request.default_runtime + "\n", 0644},
      {"/lab/kubelet-args.d/node", KubeletArgs(request.node), 0644},
  };
  for (const auto& file : files) {
    LAB_CHECK_OK(archive.Add(file.target, file.content, file.mode));
  }
  for (const auto& mount : request.node.mounts) {
    auto added = archive.AddTree(mount.host_path, mount.container_path);
    if (!added) {
      return UsageError(fmt::format("extraMounts of {}: {}", request.node.name,
                                    added.error().what));
    }
  }
  return {};
}

}  // namespace

Result<std::string> KubeletConfig(const NodeConfigRequest& request) {
  const Path fixture = request.fixtures / "kubelet-config.yaml";
  LAB_TRY(const auto text, ReadFile(fixture));
  LAB_TRY(auto config, ParseYaml(text, fixture.string()));
  for (const auto& [gate, on] : request.feature_gates) {
    config["featureGates"][gate] = on;
  }
  config.merge_patch(request.node.kubelet_config);
  return config.dump(2) + "\n";
}

Status WriteNodeInitramfs(const NodeConfigRequest& request,
                          const Path& initramfs, const Path& into) {
  const Path own = into.string() + ".node";
  LAB_TRY(auto writer,
          ArchiveWriter::Create(own, ArchiveWriter::Format::kCpioGz));
  ConfigArchive archive(std::move(writer));
  LAB_CHECK_OK(AddNodeFiles(request, archive));
  LAB_CHECK_OK(archive.Close());
  LAB_TRY(const auto base, ReadFile(initramfs));
  LAB_TRY(const auto node, ReadFile(own));
  LAB_CHECK_OK(RemoveTree(own));
  // The kernel wants each archive at a multiple of four bytes.
  const std::string padding((4 - base.size() % 4) % 4, '\0');
  return WriteFile(into, base + padding + node, 0600);
}

}  // namespace lab
