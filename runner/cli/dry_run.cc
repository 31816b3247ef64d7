// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/dry_run.h"

#include <fmt/format.h>

#include "runner/base/text.h"
#include "runner/components/parts.h"

namespace lab {

Result<std::vector<PartStatus>> LookAtParts(const Context& context,
                                            const LabOptions& options,
                                            const LabPlan& plan) {
  SilentProgress silent;
  Cache cache(context.cache, silent, /*offline=*/true);
  LAB_TRY(const auto recipes, PlannedRecipes(context, options, plan, cache));
  std::vector<PartStatus> parts;
  for (const auto& recipe : recipes) {
    parts.push_back({PartId(recipe), cache.Has(recipe), recipe.cold_seconds});
  }
  return parts;
}

std::string ToString(const PartStatus& part) {
  if (part.cached) return "in the cache";
  if (part.cold_seconds == 0) return "to be built";
  return fmt::format("to be built, about {}", HumanSeconds(part.cold_seconds));
}

std::string DescribeLab(const LabOptions& options, const LabPlan& plan) {
  if (plan.lab == "kubeconfig") {
    return "the cluster of " + plan.config.file;
  }
  if (plan.lab == "kind") {
    const std::string image =
        plan.node_image.empty() ? "" : ", nodes of " + plan.node_image;
    return fmt::format("kind, Kubernetes {}, {}{}", plan.kubernetes.version,
                       Path(plan.config.file).filename().string(), image);
  }
  auto text =
      fmt::format("Kubernetes {} on {}, {}, {}", plan.kubernetes.version,
                  fmt::join(plan.node_os, " and "),
                  options.runtime.empty() ? "usual runtime" : options.runtime,
                  Path(plan.config.file).filename().string());
  if (options.accel != LabOptions().accel) text += ", " + options.accel;
  return text;
}

Status PrintDryRun(const Context& context, const RunOptions& options,
                   const LabPlan& plan,
                   const std::vector<Scenario>& scenarios) {
  fmt::print("suite      {}\n", options.suite);
  if (!options.use_lab.empty()) {
    fmt::print("lab        {}, as it is\n", options.use_lab);
  } else {
    LAB_TRY(const auto parts, LookAtParts(context, options.lab, plan));
    fmt::print("lab        {}\n", DescribeLab(options.lab, plan));
    for (const auto& part : parts) {
      fmt::print("part       {:<40} {}\n", part.name, ToString(part));
    }
  }
  if (!options.sabotage.empty()) {
    fmt::print("sabotage   {}\n", options.sabotage);
  }
  fmt::print("cases      {}\n", scenarios.size());
  for (std::size_t i = 0; i < scenarios.size(); ++i) {
    fmt::print("{:>9}  {}{}\n", i + 1, scenarios[i].id,
               scenarios[i].exclusive ? " (alone)" : "");
  }
  return {};
}

}  // namespace lab
