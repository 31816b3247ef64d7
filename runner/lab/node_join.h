// SPDX-License-Identifier: Apache-2.0
// Nodes joining a vm lab. The kubelet refuses a loopback address as its own,
// and the host reaches nodes at one; so kubelets run with an external cloud
// provider, whose part is played here: labels, addresses, and the removal of
// the "uninitialized" taint.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "runner/cluster/lab_file.h"
#include "runner/lab/vm_shape.h"

namespace lab {

class NodeJoin {
 public:
  NodeJoin(const LabFile& lab, const VmShape& shape)
      : lab_(lab), shape_(shape) {}

  /// Works until all workers are Ready and connected; a timeout error says
  /// what they were last seen as, and the call may be repeated.
  Status Continue(Duration time);

  /// ssh connections made since the last call (ControlMaster), the caller's
  /// to own.
  std::vector<Process> TakeConnections();

 private:
  Status Adopt(const std::string& node);

  const LabFile& lab_;
  const VmShape& shape_;
  std::set<std::string> adopted_;
  std::map<std::string, std::string> seen_;  // node -> Ready condition
  std::vector<Process> connections_;
};

}  // namespace lab
