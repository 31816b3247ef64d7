// SPDX-License-Identifier: Apache-2.0
// Files that flags of the control plane name. kubeadm runs it in pods: such a
// file is seen through an extraVolumes of the component, which shows a place of
// the node, which is there by an extraMounts of the node, from the host.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner/base/result.h"
#include "runner/lab/kubeadm_patch.h"

namespace lab {

/// An item of extraVolumes.
struct PodVolume {
  std::string host_path;   ///< of the node
  std::string mount_path;  ///< in the pod
  bool is_file = false;    ///< pathType File or FileOrCreate
  int line = 0;            ///< of the patch
};

/// The items of an "extraVolumes" that stands in the patch as `field`.
Result<std::vector<PodVolume>> ReadPodVolumes(const KindConfig& config,
                                              const KubeadmPatch& patch,
                                              const std::string& field,
                                              const nlohmann::json& value);

/// `path` is `directory` or lies below it: what follows it, "" or "/...".
std::optional<std::string> Below(const std::string& path,
                                 const std::string& directory);

/// A flag of a component that names a file which no volume shows to its pod,
/// and which the pod does not have of itself.
const Argument* UnseenFile(const std::vector<Argument>& arguments,
                           const std::vector<PodVolume>& volumes);
/// What is wrong with it; `section` is the component's of a
/// ClusterConfiguration.
std::string DescribeUnseenFile(const Argument& argument,
                               const std::string& section,
                               const std::string& component);

}  // namespace lab
