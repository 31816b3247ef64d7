// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/pod_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace lab {
namespace {

using nlohmann::json;

// What kubeadm mounts into the pods of the control plane anyway
// (cmd/kubeadm/app/phases/controlplane/volumes.go).
const std::vector<std::string> kAlwaysThere = {
    "/etc/kubernetes",
    "/etc/ssl/certs",
    "/etc/ca-certificates",
    "/etc/pki",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates"};

bool NamesFile(const Argument& argument) {
  return argument.value.starts_with('/') &&
         (argument.name.ends_with("-file") ||
          argument.name.ends_with("-config"));
}

}  // namespace

Result<std::vector<PodVolume>> ReadPodVolumes(const KindConfig& config,
                                              const KubeadmPatch& patch,
                                              const std::string& field,
                                              const json& value) {
  const auto bad = [&] {
    return AtPatch(config, patch,
                   fmt::format("\"{}\" must be a list of name, hostPath, "
                               "mountPath, readOnly and pathType",
                               field));
  };
  if (!value.is_array()) return bad();
  std::vector<PodVolume> volumes;
  for (const auto& item : value) {
    const auto text = [&](const char* key) -> std::string {
      const auto found = item.find(key);
      return found != item.end() && found->is_string()
                 ? found->get<std::string>()
                 : "";
    };
    if (!item.is_object() || text("name").empty() ||
        !text("hostPath").starts_with('/') ||
        !text("mountPath").starts_with('/')) {
      return bad();
    }
    volumes.push_back({.host_path = text("hostPath"),
                       .mount_path = text("mountPath"),
                       .is_file = text("pathType").starts_with("File"),
                       .line = patch.line});
  }
  return volumes;
}

std::optional<std::string> Below(const std::string& path,
                                 const std::string& directory) {
  if (!path.starts_with(directory)) return std::nullopt;
  const std::string rest = path.substr(directory.size());
  if (rest.empty() || rest.front() == '/' || directory.ends_with('/')) {
    return rest;
  }
  return std::nullopt;
}

const Argument* UnseenFile(const std::vector<Argument>& arguments,
                           const std::vector<PodVolume>& volumes) {
  const auto found = std::find_if(
      arguments.begin(), arguments.end(), [&](const Argument& argument) {
        const auto shows = [&](const std::string& directory) {
          return Below(argument.value, directory).has_value();
        };
        return NamesFile(argument) &&
               std::none_of(kAlwaysThere.begin(), kAlwaysThere.end(), shows) &&
               std::none_of(volumes.begin(), volumes.end(),
                            [&](const PodVolume& volume) {
                              return shows(volume.mount_path);
                            });
      });
  return found == arguments.end() ? nullptr : &*found;
}

std::string DescribeUnseenFile(const Argument& argument,
                               const std::string& section,
                               const std::string& component) {
  return fmt::format(
      "--{} of {} names {}, which its pod does not see; show it with "
      "{}.extraVolumes of a ClusterConfiguration, and bring it to the node "
      "with extraMounts of the control plane",
      argument.name, component, argument.value, section);
}

}  // namespace lab
