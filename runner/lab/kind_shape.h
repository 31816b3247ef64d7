// SPDX-License-Identifier: Apache-2.0
// What kind makes of a kind config: the documents it writes for kubeadm on each
// node, and so the flags and configurations of the components. By the sources
// of kind 0.33 (pkg/cluster/internal/kubeadm, pkg/internal/patch); what a
// node's address decides is left out.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runner/base/result.h"
#include "runner/lab/kind_config.h"
#include "runner/lab/kubeadm_patch.h"
#include "runner/lab/pod_files.h"

namespace lab {

struct KindShapeNode {
  std::string name;  ///< CLUSTER-control-plane, CLUSTER-worker2
  KindRole role = KindRole::kControlPlane;
  std::string image;  ///< as the config says; empty: the lab's choice
  std::map<std::string, std::string> labels;
  std::vector<KindMount> mounts;
  std::vector<Argument> kubelet_args;
};

struct KindShape {
  std::vector<KindShapeNode> nodes;
  std::vector<Argument> apiserver_args;
  std::vector<Argument> controller_manager_args;
  std::vector<Argument> scheduler_args;
  /// What patches add to the ClusterConfiguration beyond arguments.
  nlohmann::json cluster = nlohmann::json::object();
  /// Of every node: kubeadm hands on that of the first control plane.
  nlohmann::json kubelet_config;
  nlohmann::json kube_proxy_config;
  std::vector<PatchPlace> patches;
};

/// The shape of the cluster called `name`, of a Kubernetes whose kubeadm reads
/// `api`. A patch that matches nothing, of which kind would say nothing, is a
/// usage error that names file and line; so is a flag of the control plane that
/// names a file which its pod does not see.
Result<KindShape> ResolveKindShape(const KindConfig& config,
                                   const std::string& name,
                                   const std::string& kubernetes,
                                   const KubeadmApi& api);

}  // namespace lab
