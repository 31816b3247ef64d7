// SPDX-License-Identifier: Apache-2.0
// The vm lab: a control plane of native processes and one QEMU machine per
// worker. Needs neither root, nor Docker, nor KVM, and changes nothing of the
// host's network.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/components/parts.h"
#include "runner/lab/accel.h"
#include "runner/lab/lab.h"
#include "runner/lab/net_number.h"
#include "runner/lab/saved_lab.h"
#include "runner/lab/vm_shape.h"
#include "runner/process/process.h"

namespace lab {

struct ControlPlaneRequest;

struct VmLabRequest {
  std::string name;
  Path home;       ///< the project's root
  Path cache;      ///< for the KVM verdict
  Path directory;  ///< the lab's own; made here, removed by Down
  VmShape shape;   ///< with the choices of every worker filled in
  KubernetesVersion kubernetes;
  Parts parts;  ///< with every node_os of the shape
  std::string accel = "auto";
};

struct RestoreRequest {
  std::string name;
  Path home;
  Path directory;  ///< the lab's own
  const SavedLab* saved = nullptr;
  Path state;  ///< the saved lab's directory
};

class VmLab : public Lab {
 public:
  /// Brings the lab up: every worker Ready, facts measured, lab.json written
  /// with state "up". On failure everything is ended, and the directory is
  /// left to the caller, for the logs in it.
  static Result<std::unique_ptr<Lab>> Up(const VmLabRequest& request,
                                         Progress& progress);
  /// Goes on with a saved lab, which is not changed: every worker's heartbeat
  /// newly seen by the API server, facts measured again. On failure as Up.
  static Result<std::unique_ptr<Lab>> Restore(const RestoreRequest& request,
                                              Progress& progress);

  const LabFile& file() const override { return file_; }
  /// Its machines stand still meanwhile, the first up to 12 s, and then go on,
  /// also if saving fails.
  Status Save(const Path& cache, const Path& home, const std::string& name,
              Progress& progress) override;
  Status Down() override;

 private:
  explicit VmLab(NetNumber net) : net_(std::move(net)) {}

  Status Start(const VmLabRequest& request, Progress& progress);
  /// A step with a name for people; how long it took becomes a fact.
  Status Timed(Progress& progress, const char* name, const char* fact,
               const std::function<Status()>& step);
  Status Boot(const VmLabRequest& request, Accel accel);
  Status AwaitApi();
  Status MakeObjects();
  Status StartControllers(const VmLabRequest& request);
  Status AwaitNodes(const VmLabRequest& request);
  Status ConnectNodes();
  /// `choices` are those of the workers, in their order.
  Status MeasureFacts(const std::vector<NodeChoice>& choices,
                      const AccelChoice& accel);
  Status Own(Process process);
  void Remember(const VmLabRequest& request,
                const ControlPlaneRequest& control);
  Status SaveAs(const Path& cache, const Path& home, const std::string& name,
                Progress& progress);
  Status Describe(const Path& home, SavedLab& saved) const;
  Status Continue(const RestoreRequest& request, Progress& progress);
  Status StartRestored(const RestoreRequest& request);
  Status AwaitRestored(const RestoreRequest& request);
  std::optional<Error> Damage();

  NetNumber net_;
  LabFile file_;
  std::vector<Process> processes_;
  SavedLab savable_;  // nodes are empty if it was restored
  std::vector<UniqueFd> memories_;
};

}  // namespace lab
