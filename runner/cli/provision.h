// SPDX-License-Identifier: Apache-2.0
// From options to a lab: the shape, the parts, the machines.
#pragma once

#include <set>

#include "runner/cli/options.h"
#include "runner/components/kind_parts.h"
#include "runner/lab/lab_outline.h"
#include "runner/lab/vm_lab.h"

namespace lab {

/// Everything that can be wrong with the options, found before anything is
/// built: unknown versions, config files, fields.
struct LabPlan {
  std::string lab = "vm";  ///< which kind of lab it becomes: "vm" or "kind"
  KindConfig config;
  KubernetesVersion kubernetes;
  ComponentTable table;
  std::set<std::string> node_os;  ///< all that nodes of this lab run
  std::string node_image;  ///< that kind's nodes are derived from, if any
  std::string options;     ///< those that differ from the defaults, to repeat
};
Result<LabPlan> PlanLab(const Context& context, const LabOptions& options);

/// Why "auto" is the vm lab here, in a sentence for people.
std::string WhyTheVmLab();

/// What the lab would be, and all that is wrong with its config and would keep
/// it from coming up; an error if there is no telling.
struct OutlinedLab {
  LabOutline outline;
  FeatureGates gates;
  std::vector<Error> problems;
};
Result<OutlinedLab> OutlineLab(const Context& context,
                               const LabOptions& options);

/// Those of the planned kind of lab; of the other, nothing.
struct LabParts {
  Parts vm;
  KindParts kind;
  Path kubectl;  ///< of a kubeconfig lab: the person's own, if there is one
};

/// The recipes of all parts, leaves first.
Result<std::vector<PartRecipe>> PlannedRecipes(const Context& context,
                                               const LabOptions& options,
                                               const LabPlan& plan,
                                               Cache& cache);

/// Gets the parts (a phase of its own for the records).
Result<LabParts> ProvidePlannedParts(const Context& context,
                                     const LabOptions& options,
                                     const LabPlan& plan, Progress& progress);

/// Brings up the lab called `name` in this process.
Result<std::unique_ptr<Lab>> ProvisionLab(
    const Context& context, const LabOptions& options, const LabPlan& plan,
    const LabParts& parts, const std::string& name, Progress& progress);

/// Checks what must be installed; a provision error names the part and the
/// command that mends it.
Status CheckHost(const Context& context, const LabPlan& plan);

}  // namespace lab
