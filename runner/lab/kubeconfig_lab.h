// SPDX-License-Identifier: Apache-2.0
// The kubeconfig lab: a cluster that exists, for the time of a run. What it
// makes there carries the lab's name (kLabLabel), and is gone afterwards.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runner/lab/lab.h"
#include "runner/process/process.h"

namespace lab {

struct KubeconfigLabRequest {
  std::string name;
  Path directory;       ///< the lab's own; made here, removed by Down
  Path kubeconfig;      ///< the person's
  std::string context;  ///< empty: its current one
  std::string image;    ///< of the fixtures, and of the agents on the nodes
  Path kubectl;
  Path probes;  ///< the static programs for nodes
};

class KubeconfigLab : public Lab {
 public:
  /// Asks first whether the rights suffice; an error names all that are
  /// missing. On failure what was made is removed again.
  static Result<std::unique_ptr<Lab>> Up(const KubeconfigLabRequest& request,
                                         Progress& progress);
  ~KubeconfigLab() override;

  const LabFile& file() const override { return file_; }
  bool throwaway() const override { return false; }
  Status Down() override;

 private:
  KubeconfigLab() = default;

  Status Start(const KubeconfigLabRequest& request, Progress& progress);
  Status Connect(const KubeconfigLabRequest& request);
  Status CheckRights() const;
  Status FindNodes();
  Status Measure();

  LabFile file_;
  std::vector<Process> processes_;
};

/// Removes what a kubeconfig lab made in its cluster, and says what; also after
/// an interruption, and when its owner was killed.
Result<std::vector<std::string>> RemoveFromCluster(const LabFile& lab);

}  // namespace lab
