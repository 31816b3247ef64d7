// SPDX-License-Identifier: Apache-2.0
// What a run would provision and run, on stdout. Nothing is built, started or
// written.
#pragma once

#include <string>
#include <vector>

#include "runner/cli/catalog.h"
#include "runner/cli/options.h"
#include "runner/cli/provision.h"

namespace lab {

struct PartStatus {
  std::string name;
  bool cached = false;
  int cold_seconds = 0;  ///< expectation of building it on two cores
};

/// The parts of a planned lab, leaves first.
Result<std::vector<PartStatus>> LookAtParts(const Context& context,
                                            const LabOptions& options,
                                            const LabPlan& plan);

/// "in the cache", or how long building takes.
std::string ToString(const PartStatus& part);

/// "Kubernetes 1.36.3 on trixie, crun, one-worker.yaml".
std::string DescribeLab(const LabOptions& options, const LabPlan& plan);

/// Of a run without a matrix: the lab, its parts, the cases in their order.
Status PrintDryRun(const Context& context, const RunOptions& options,
                   const LabPlan& plan, const std::vector<Scenario>& scenarios);

}  // namespace lab
