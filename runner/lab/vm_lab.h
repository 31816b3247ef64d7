// SPDX-License-Identifier: Apache-2.0
// The vm lab: a control plane of native processes and one QEMU machine per
// worker. Needs neither root, nor Docker, nor KVM, and changes nothing of the
// host's network.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/base/progress.h"
#include "runner/cluster/lab_file.h"
#include "runner/components/parts.h"
#include "runner/lab/accel.h"
#include "runner/lab/net_number.h"
#include "runner/lab/vm_shape.h"
#include "runner/process/process.h"

namespace lab {

struct VmLabRequest {
  std::string name;
  Path home;       ///< the project's root
  Path cache;      ///< for the KVM verdict
  Path directory;  ///< the lab's own; made here, removed by Down
  VmShape shape;
  KubernetesVersion kubernetes;
  Parts parts;
  std::string node_os;
  std::string accel = "auto";
  std::string runtime = "crun";
};

/// A lab that this process owns: its processes end with the object, or with
/// this process.
class VmLab {
 public:
  /// Brings the lab up: every worker Ready, facts measured, lab.json written
  /// with state "up". On failure everything is ended, and the directory is
  /// left to the caller, for the logs in it.
  static Result<VmLab> Up(const VmLabRequest& request, Progress& progress);
  VmLab(VmLab&&) noexcept = default;
  ~VmLab() = default;

  const LabFile& file() const { return file_; }
  /// Ends everything and removes the directory.
  void Down();

 private:
  explicit VmLab(NetNumber net) : net_(std::move(net)) {}

  Status Start(const VmLabRequest& request, Progress& progress);
  Status Boot(const VmLabRequest& request, Accel accel);
  Status AwaitApi();
  Status StartControllers(const VmLabRequest& request);
  Status AwaitNodes(const VmLabRequest& request);
  Status ConnectNodes();
  Status MeasureFacts(const VmLabRequest& request, const AccelChoice& accel);
  Status Own(Process process);
  std::optional<Error> Damage();

  NetNumber net_;
  LabFile file_;
  std::vector<Process> processes_;
};

}  // namespace lab
