// SPDX-License-Identifier: Apache-2.0
// What the vm lab makes of a kind config: a control plane of processes, which
// runs no kubelet, and one virtual machine for each worker.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runner/base/result.h"
#include "runner/components/table.h"
#include "runner/lab/kind_config.h"
#include "runner/lab/kubeadm_patch.h"
#include "runner/lab/node_choice.h"

namespace lab {

struct VmNode {
  std::string name;
  std::map<std::string, std::string> labels;
  /// What its labels choose of the machine (node_choice.h).
  NodeChoice choice;
  /// What the patches change in the kubelet's configuration: a JSON merge
  /// patch (RFC 7386; null removes a field) without apiVersion and kind.
  nlohmann::json kubelet_config = nlohmann::json::object();
  /// Each name once.
  std::vector<Argument> kubelet_extra_args;
  /// host_path is to be copied to container_path, which is absolute.
  std::vector<KindMount> mounts;
};

struct VmShape {
  /// In the order of the file, named as kind does: NAME-worker, NAME-worker2.
  std::vector<VmNode> workers;
  /// With the config's feature gates and runtimeConfig, unless a patch has
  /// replaced them, as in kind.
  std::vector<Argument> apiserver_args;
  std::vector<Argument> controller_manager_args;
  std::vector<Argument> scheduler_args;
  /// Of the kubelets.
  std::map<std::string, bool> feature_gates;
  /// What the control plane sees as files, in the order of the file. The
  /// arguments above name them where they are on this machine.
  std::vector<KindMount> control_plane_mounts;
  /// Where the control plane has files that no mount brings, such as logs:
  /// below the lab's directory, in which it runs.
  std::vector<std::string> control_plane_directories;
  std::vector<PatchPlace> patches;  ///< in the order they are applied
};

/// The shape of the lab called `lab_name`. A config that asks for something
/// this lab would silently leave out is an error (ErrorKind::kUsage) that names
/// file and line. So is a patch that matches nothing, where kind is silent: an
/// apiVersion other than `api`'s, which is that of the lab's kubeadm, an
/// InitConfiguration without a JoinConfiguration (only workers have a kubelet
/// here), or a worker's own patch of a document that kubeadm takes from the
/// control plane.
Result<VmShape> ResolveVmShape(const KindConfig& config,
                               const std::string& lab_name,
                               const KubeadmApi& api);

/// Whether ResolveVmShape would succeed.
Status CheckForVmLab(const KindConfig& config, const KubeadmApi& api);

}  // namespace lab
