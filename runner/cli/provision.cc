// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/provision.h"

#include <fmt/format.h>

#include "runner/base/text.h"
#include "runner/cli/doctor.h"
#include "runner/lab/store.h"

namespace lab {
namespace {

Status CheckLabKind(const std::string& kind) {
  if (kind == "auto" || kind == "vm") return {};
  if (kind == "kind" || kind == "kubeconfig") {
    return UsageError(fmt::format(
        "--lab {} does not work yet; --lab vm does, and --lab auto chooses it",
        kind));
  }
  return UsageError(fmt::format(
      "unknown lab \"{}\"; known: auto, vm (kind and kubeconfig are planned)",
      kind));
}

Status CheckWord(const std::string& option, const std::string& word,
                 const std::vector<std::string>& known) {
  for (const auto& one : known) {
    if (one == word) return {};
  }
  return UsageError(fmt::format("{}: unknown value \"{}\"; known: {}", option,
                                word, Join(known, ", ")));
}

Status CheckMounts(const KindConfig& config) {
  for (const auto& node : config.nodes) {
    for (const auto& mount : node.extra_mounts) {
      if (std::filesystem::exists(mount.host_path)) continue;
      return UsageError(fmt::format("{}:{}: hostPath {} does not exist",
                                    config.file, mount.line, mount.host_path));
    }
  }
  return {};
}

std::string OptionsToRepeat(const LabOptions& options) {
  const LabOptions defaults;
  std::string text;
  const auto add = [&](const char* name, const std::string& value,
                       const std::string& usual) {
    if (value != usual) text += fmt::format(" {} {}", name, ShellQuote(value));
  };
  add("--kubernetes", options.kubernetes, defaults.kubernetes);
  add("--config", options.config, defaults.config);
  add("--runtime", options.runtime, defaults.runtime);
  add("--accel", options.accel, defaults.accel);
  return text.empty() ? text : text.substr(1);
}

}  // namespace

Result<LabPlan> PlanLab(const Context& context, const LabOptions& options) {
  LAB_CHECK_OK(CheckLabKind(options.lab));
  LAB_CHECK_OK(CheckWord("--runtime", options.runtime, {"crun", "runc"}));
  LAB_CHECK_OK(CheckWord("--accel", options.accel, {"auto", "kvm", "tcg"}));
  LAB_TRY(auto table, LoadComponentTable(context.home));
  LAB_TRY(
      const auto kubernetes,
      table.FindKubernetes(options.kubernetes.empty() ? table.default_kubernetes
                                                      : options.kubernetes));
  const Path path = options.config.empty()
                        ? context.home / "kind-configs" / "default.yaml"
                        : Path(options.config);
  const auto text = ReadFile(path);
  if (!text) return UsageError("--config: " + text.error().what);
  LAB_TRY(auto config, ParseKindConfig(*text, path.string()));
  LAB_CHECK_OK(CheckForVmLab(config, kubernetes.kubeadm_api));
  LAB_CHECK_OK(CheckMounts(config));
  return LabPlan{std::move(config), kubernetes, table, table.default_node_os,
                 OptionsToRepeat(options)};
}

Result<Parts> ProvidePlannedParts(const Context& context,
                                  const LabOptions& options,
                                  const LabPlan& plan, Progress& progress) {
  Cache cache(context.cache, progress, options.offline);
  return ProvideParts({.kubernetes = plan.kubernetes,
                       .node_os = plan.node_os,
                       .debian_mirror = options.debian_mirror},
                      plan.table, context.home, cache);
}

Result<VmLab> ProvisionVmLab(const Context& context, const LabOptions& options,
                             const LabPlan& plan, const Parts& parts,
                             const std::string& name, Progress& progress) {
  LAB_TRY(auto shape,
          ResolveVmShape(plan.config, name, plan.kubernetes.kubeadm_api));
  return VmLab::Up({.name = name,
                    .home = context.home,
                    .cache = context.cache,
                    .directory = LabStore(context.cache).DirectoryOf(name),
                    .shape = std::move(shape),
                    .kubernetes = plan.kubernetes,
                    .parts = parts,
                    .node_os = plan.node_os,
                    .accel = options.accel,
                    .runtime = options.runtime},
                   progress);
}

Status CheckHost(const Context& context, const LabPlan& plan) {
  for (const auto& finding : Diagnose(context, plan)) {
    if (finding.level != Finding::Level::kMissing) continue;
    return ProvisionError(fmt::format("{}: {}; mend it with: {}", finding.name,
                                      finding.seen, finding.mend));
  }
  return {};
}

}  // namespace lab
