// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/node_config.h"

#include <fmt/format.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/cluster/yaml.h"
#include "runner/lab/machine_overlay.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

// A file, or a directory with all below it.
Status AddTree(const Path& source, const std::string& target,
               std::vector<OverlayFile>& files) {
  const auto add = [&](const Path& file, const std::string& as) -> Status {
    LAB_TRY(auto content, ReadFile(file));
    const auto mode = fs::status(file).permissions() & fs::perms::all;
    files.push_back({as, std::move(content), static_cast<int>(mode)});
    return {};
  };
  if (!fs::is_directory(source)) return add(source, target);
  for (const auto& entry : fs::recursive_directory_iterator(source)) {
    if (!entry.is_regular_file()) continue;
    const auto below = fs::relative(entry.path(), source).string();
    LAB_CHECK_OK(add(entry.path(), target + "/" + below));
  }
  return {};
}

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

Result<std::vector<OverlayFile>> NodeFiles(const NodeConfigRequest& request) {
  const Path& lab = request.directory;
  LAB_TRY(const auto ca, ReadFile(lab / "pki" / "ca.crt"));
  LAB_TRY(const auto host_key, ReadFile(lab / "host_key"));
  LAB_TRY(const auto authorized, ReadFile(lab / "ssh_key.pub"));
  LAB_TRY(const auto kubelet, KubeletConfig(request));
  LAB_TRY(const auto arguments, KubeletArgs(request));
  std::vector<OverlayFile> files = {
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
  for (const auto& mount : request.node.mounts) {
    auto added = AddTree(mount.host_path, mount.container_path, files);
    if (!added) {
      return UsageError(fmt::format("extraMounts of {}: {}", request.node.name,
                                    added.error().what));
    }
  }
  return files;
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
  LAB_TRY(const auto files, NodeFiles(request));
  return WriteOverlaidInitramfs(initramfs, files, into);
}

}  // namespace lab
