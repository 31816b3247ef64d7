// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/node_config.h"

#include <fmt/format.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "runner/base/text.h"
#include "runner/cluster/yaml.h"
#include "runner/components/archive.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

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

struct KubeletChanges {
  json config = json::object();  // merge patch, RFC 7386
  std::vector<std::string> flags;
};

// What kubelet-versions.json has for a kubelet of this version: every entry
// that is for versions above it counts, in the order of the file.
Result<KubeletChanges> VersionChanges(const NodeConfigRequest& request) try {
  const Path fixture = request.fixtures / "kubelet-versions.json";
  LAB_TRY(const auto text, ReadFile(fixture));
  const json versions = json::parse(text);
  KubeletChanges changes;
  for (const auto& entry : versions.at("changes")) {
    const std::string below = entry.at("below");
    if (::strverscmp(request.kubernetes.c_str(), below.c_str()) >= 0) continue;
    changes.config.update(entry.value("config", json::object()), true);
    for (const auto& flag : entry.value("flags", json::array())) {
      changes.flags.push_back(flag);
    }
  }
  return changes;
} catch (const json::exception& e) {
  return Error{fmt::format(
      "{}: {}", (request.fixtures / "kubelet-versions.json").string(),
      e.what())};
}

Status AddNodeFiles(const NodeConfigRequest& request, ConfigArchive& archive) {
  const Path& lab = request.directory;
  LAB_TRY(const auto ca, ReadFile(lab / "pki" / "ca.crt"));
  LAB_TRY(const auto host_key, ReadFile(lab / "host_key"));
  LAB_TRY(const auto authorized, ReadFile(lab / "ssh_key.pub"));
  LAB_TRY(const auto kubelet, KubeletConfig(request));
  LAB_TRY(const auto arguments, KubeletArgs(request));
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
      {"/lab/kubelet-args.d/node", arguments, 0644},
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
  LAB_TRY(const auto changes, VersionChanges(request));
  config.merge_patch(changes.config);
  for (const auto& [gate, on] : request.feature_gates) {
    config["featureGates"][gate] = on;
  }
  config.merge_patch(request.node.kubelet_config);
  return config.dump(2) + "\n";
}

Result<std::string> KubeletArgs(const NodeConfigRequest& request) {
  LAB_TRY(const auto changes, VersionChanges(request));
  std::string args = "--hostname-override=" + request.node.name + "\n";
  for (const auto& flag : changes.flags) args += flag + "\n";
  for (const auto& argument : request.node.kubelet_extra_args) {
    args += fmt::format("--{}={}\n", argument.name, argument.value);
  }
  return args;
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
