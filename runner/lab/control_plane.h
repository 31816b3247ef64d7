// SPDX-License-Identifier: Apache-2.0
// The control plane of a vm lab: native processes of this machine.
#pragma once

#include <string>
#include <vector>

#include "runner/lab/net_number.h"
#include "runner/lab/vm_shape.h"
#include "runner/process/process.h"

namespace lab {

struct ControlPlaneRequest {
  Path programs;   ///< directory of kube-apiserver, kubectl, ...
  Path etcd;       ///< directory of etcd
  Path directory;  ///< the lab's: certificates, kubeconfigs, logs/
  const NetNumber* net = nullptr;
  std::vector<Argument> apiserver_args;
  std::vector<Argument> controller_manager_args;
  std::vector<Argument> scheduler_args;
};

/// Starts etcd, kube-apiserver and a `kubectl proxy` on DIRECTORY/api.sock,
/// without waiting for any of them. The returned processes are the caller's to
/// end, last first.
Result<std::vector<Process>> StartServers(const ControlPlaneRequest& request);

/// Starts kube-controller-manager, which ends if the API server does not serve
/// within 10 s (WaitForAPIServer in its controllermanager.go), and
/// kube-scheduler: call this when it does.
Result<std::vector<Process>> StartControllers(
    const ControlPlaneRequest& request);

}  // namespace lab
