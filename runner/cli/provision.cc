// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/provision.h"

#include <fmt/format.h>

#include <tuple>

#include "runner/base/text.h"
#include "runner/cli/doctor.h"
#include "runner/cli/suite_shape.h"
#include "runner/components/go_module.h"
#include "runner/lab/gates.h"
#include "runner/lab/kind_lab.h"
#include "runner/lab/kind_shape.h"
#include "runner/lab/kubeconfig_lab.h"
#include "runner/lab/store.h"

namespace lab {
namespace {

// The first that works is what a node runs if nobody asks.
const std::vector<std::string> kRuntimes = {"crun", "runc"};

// "auto" is the vm lab: it runs every suite on every host.
Result<std::string> LabKind(const std::string& wanted) {
  if (wanted == "auto") return std::string("vm");
  if (wanted == "vm" || wanted == "kind" || wanted == "kubeconfig") {
    return wanted;
  }
  return UsageError(fmt::format(
      "unknown lab \"{}\"; known: auto, vm, kind, kubeconfig", wanted));
}

// Options of machines, which kind's nodes are not.
Status CheckKindOptions(const LabOptions& options) {
  const LabOptions usual;
  const std::tuple<const char*, std::string, std::string> all[] = {
      {"--node-os", options.node_os, usual.node_os},
      {"--runtime", options.runtime, usual.runtime},
      {"--accel", options.accel, usual.accel}};
  for (const auto& [name, value, as_usual] : all) {
    if (value == as_usual) continue;
    return UsageError(fmt::format(
        "{} {} is for the machines of a vm lab; leave it out with --lab kind",
        name, value));
  }
  return {};
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

// What `node` becomes: as its labels choose, else as the options do, else what
// works on its system.
Result<NodeChoice> ChooseMachine(const KindConfig& config, const KindNode& node,
                                 const ComponentTable& table,
                                 const LabOptions& options) {
  LAB_TRY(auto choice, ReadNodeChoice(config, node));
  if (choice.node_os.empty()) choice.node_os = options.node_os;
  if (choice.node_os.empty()) choice.node_os = table.default_node_os;
  const auto system = table.FindNodeOs(choice.node_os);
  if (!system) {
    return AtLabel(
        config, node, kNodeOsLabel,
        fmt::format("label {}: {}", kNodeOsLabel, system.error().what));
  }
  const bool labelled = !choice.runtime.empty();
  if (!labelled) choice.runtime = options.runtime;
  for (const auto& runtime : kRuntimes) {
    if (!choice.runtime.empty()) break;
    if (!system->unusable_runtimes.contains(runtime)) choice.runtime = runtime;
  }
  const auto unusable = system->unusable_runtimes.find(choice.runtime);
  if (unusable == system->unusable_runtimes.end()) return choice;
  const std::string what =
      fmt::format("{} cannot run pods on {}: {}", choice.runtime,
                  choice.node_os, unusable->second);
  if (labelled) return AtLabel(config, node, kRuntimeLabel, what);
  return UsageError("--runtime: " + what);
}

Status CheckWords(const LabOptions& options) {
  if (!options.runtime.empty()) {
    LAB_CHECK_OK(CheckWord("--runtime", options.runtime, kRuntimes));
  }
  return CheckWord("--accel", options.accel, {"auto", "kvm", "tcg"});
}

Result<KubernetesVersion> ChooseKubernetes(const ComponentTable& table,
                                           const LabOptions& options) {
  LAB_TRY(auto kubernetes, table.FindKubernetes(options.kubernetes.empty()
                                                    ? table.default_kubernetes
                                                    : options.kubernetes));
  if (const auto known = table.FindNodeOs(
          options.node_os.empty() ? table.default_node_os : options.node_os);
      !known) {
    return known.error().Within("--node-os");
  }
  return kubernetes;
}

Result<KindConfig> ReadConfig(const Context& context, const LabOptions& options,
                              const KubernetesVersion& kubernetes) {
  Path path = options.config;
  if (path.empty()) {
    LAB_TRY(path, UsualConfig(context.home, options.suite, kubernetes.version));
  }
  const auto text = ReadFile(path);
  if (!text) return UsageError("--config: " + text.error().what);
  return ParseKindConfig(*text, path.string());
}

Result<VmShape> ShapeLab(const KindConfig& config, const std::string& name,
                         const KubernetesVersion& kubernetes,
                         const ComponentTable& table,
                         const LabOptions& options) {
  LAB_TRY(auto shape, ResolveVmShape(config, name, kubernetes.kubeadm_api));
  auto worker = shape.workers.begin();
  for (const auto& node : config.nodes) {
    if (node.role != KindRole::kWorker) continue;
    LAB_TRY(worker->choice, ChooseMachine(config, node, table, options));
    ++worker;
  }
  return shape;
}

std::string OptionsToRepeat(const LabOptions& options) {
  const LabOptions defaults;
  std::string text;
  const auto add = [&](const char* name, const std::string& value,
                       const std::string& usual) {
    if (value != usual) text += fmt::format(" {} {}", name, ShellQuote(value));
  };
  if (options.lab == "kind" || options.lab == "kubeconfig") {
    text += " --lab " + options.lab;
  }
  add("--kubernetes", options.kubernetes, defaults.kubernetes);
  add("--node-os", options.node_os, defaults.node_os);
  add("--config", options.config, defaults.config);
  add("--runtime", options.runtime, defaults.runtime);
  add("--accel", options.accel, defaults.accel);
  add("--node-image", options.node_image, defaults.node_image);
  add("--kubeconfig", options.kubeconfig, defaults.kubeconfig);
  add("--context", options.context, defaults.context);
  add("--image", options.image, defaults.image);
  return text.empty() ? text : text.substr(1);
}

// The image that nodes of a kind lab are derived from; empty: the built one.
Result<std::string> ChooseNodeImage(const std::string& kind,
                                    const LabOptions& options,
                                    const ComponentTable& table,
                                    const std::string& kubernetes) {
  const std::string& wanted = options.node_image;
  if (wanted.empty()) return std::string();
  if (kind != "kind") {
    return UsageError(fmt::format("--node-image {} needs --lab kind", wanted));
  }
  if (wanted == "built") return std::string();
  if (wanted != "official") return wanted;
  LAB_TRY(const auto entry, table.kind.FindNodeImage(kubernetes));
  return entry.image;
}

// Options that choose a cluster, and those of labs that are made.
Status CheckClusterOptions(const std::string& kind, const LabOptions& options) {
  const LabOptions usual;
  const std::tuple<const char*, std::string, std::string> made[] = {
      {"--config", options.config, usual.config},
      {"--kubernetes", options.kubernetes, usual.kubernetes},
      {"--node-os", options.node_os, usual.node_os},
      {"--runtime", options.runtime, usual.runtime},
      {"--accel", options.accel, usual.accel},
      {"--node-image", options.node_image, usual.node_image}};
  const std::tuple<const char*, std::string, std::string> there[] = {
      {"--kubeconfig", options.kubeconfig, ""},
      {"--context", options.context, ""},
      {"--image", options.image, ""}};
  const bool is_there = kind == "kubeconfig";
  for (const auto& [name, value, as_usual] : made) {
    if (!is_there || value == as_usual) continue;
    return UsageError(fmt::format(
        "{} {} shapes a lab; the cluster of --lab kubeconfig is as it is", name,
        value));
  }
  for (const auto& [name, value, none] : there) {
    if (is_there || value == none) continue;
    return UsageError(fmt::format("{} {} needs --lab kubeconfig", name, value));
  }
  if (!is_there || !options.kubeconfig.empty()) return {};
  // Never the one that happens to be current: the run is privileged there.
  return UsageError("--lab kubeconfig needs --kubeconfig FILE");
}

Result<LabPlan> PlanKubeconfigLab(const Context& context,
                                  const LabOptions& options) {
  if (const auto text = ReadFile(options.kubeconfig); !text) {
    return UsageError("--kubeconfig: " + text.error().what);
  }
  LAB_TRY(auto table, LoadComponentTable(context.home));
  LAB_TRY(const auto kubernetes, ChooseKubernetes(table, options));
  LabPlan plan{"kubeconfig",
               {},
               kubernetes,
               std::move(table),
               {},
               {},
               OptionsToRepeat(options)};
  plan.config.file = options.kubeconfig;
  return plan;
}

// Whether the lab makes something of the config, all of it.
Status CheckShape(const LabPlan& plan) {
  const KubernetesVersion& kubernetes = plan.kubernetes;
  if (plan.lab == "vm") {
    return CheckForVmLab(plan.config, kubernetes.kubeadm_api);
  }
  LAB_CHECK_OK(CheckForKindLab(plan.config));
  LAB_CHECK_OK(ResolveKindShape(plan.config, "lab", kubernetes.version,
                                kubernetes.kubeadm_api));
  return {};
}

}  // namespace

Result<LabPlan> PlanLab(const Context& context, const LabOptions& options) {
  LAB_TRY(const auto kind, LabKind(options.lab));
  LAB_CHECK_OK(CheckClusterOptions(kind, options));
  if (kind == "kubeconfig") return PlanKubeconfigLab(context, options);
  if (kind == "kind") LAB_CHECK_OK(CheckKindOptions(options));
  LAB_CHECK_OK(CheckWords(options));
  LAB_TRY(auto table, LoadComponentTable(context.home));
  LAB_TRY(const auto kubernetes, ChooseKubernetes(table, options));
  LAB_TRY(auto config, ReadConfig(context, options, kubernetes));
  LAB_TRY(auto image,
          ChooseNodeImage(kind, options, table, kubernetes.version));
  LabPlan plan{kind,
               std::move(config),
               kubernetes,
               std::move(table),
               {},
               std::move(image),
               OptionsToRepeat(options)};
  LAB_CHECK_OK(CheckMounts(plan.config));
  LAB_CHECK_OK(CheckShape(plan));
  LAB_TRY(const auto gates, FeatureGates::Load(context.home, kubernetes));
  const auto wrong = CheckGates(plan.config, gates);
  if (!wrong.empty()) return wrong.front();
  if (kind == "kind") return plan;
  LAB_TRY(const auto shape,
          ShapeLab(plan.config, "lab", kubernetes, plan.table, options));
  for (const auto& worker : shape.workers) {
    plan.node_os.insert(worker.choice.node_os);
  }
  return plan;
}

std::string WhyTheVmLab() {
  const auto enabled = ReadFile("/sys/module/apparmor/parameters/enabled");
  const bool here = enabled && enabled->starts_with('Y');
  return here ? "lab auto: vm, whose nodes have kernels of their own"
              : "lab auto: vm, whose nodes have AppArmor; this machine's "
                "kernel, which kind's nodes would share, has not";
}

Result<OutlinedLab> OutlineLab(const Context& context,
                               const LabOptions& options) {
  LAB_CHECK_OK(CheckWord("--lab", options.lab, {"auto", "vm", "kind"}));
  LAB_CHECK_OK(CheckWords(options));
  LAB_TRY(const auto table, LoadComponentTable(context.home));
  LAB_TRY(const auto kubernetes, ChooseKubernetes(table, options));
  LAB_TRY(const auto config, ReadConfig(context, options, kubernetes));
  LAB_TRY(auto gates, FeatureGates::Load(context.home, kubernetes));
  auto problems = CheckGates(config, gates);
  if (const auto mounts = CheckMounts(config); !mounts) {
    problems.push_back(mounts.error());
  }
  const std::string name = config.name.empty() ? "lab" : config.name;
  if (options.lab == "kind") {
    LAB_TRY(const auto shape, ResolveKindShape(config, name, kubernetes.version,
                                               kubernetes.kubeadm_api));
    LAB_TRY(auto outline, OutlineKindLab(config, shape, kubernetes));
    return OutlinedLab{std::move(outline), std::move(gates),
                       std::move(problems)};
  }
  LAB_TRY(const auto shape, ShapeLab(config, name, kubernetes, table, options));
  LAB_TRY(auto outline, OutlineVmLab(config, shape, kubernetes,
                                     context.home / "fixtures" / "node"));
  return OutlinedLab{std::move(outline), std::move(gates), std::move(problems)};
}

Result<std::vector<PartRecipe>> PlannedRecipes(const Context& context,
                                               const LabOptions& options,
                                               const LabPlan& plan,
                                               Cache& cache) {
  if (plan.lab == "kind") {
    return KindPartRecipes(
        {plan.kubernetes, options.debian_mirror, !plan.node_image.empty()},
        plan.table, context.home, cache);
  }
  if (plan.lab == "kubeconfig") {
    if (!FindProgram("kubectl").empty()) return std::vector<PartRecipe>();
    LAB_TRY(const auto part,
            plan.table.FindGoModule(plan.kubernetes.control_plane));
    LAB_TRY(auto recipe, GoModuleRecipe(part, context.home));
    return std::vector<PartRecipe>{std::move(recipe)};
  }
  return PartRecipes({.kubernetes = plan.kubernetes,
                      .node_os = plan.node_os,
                      .debian_mirror = options.debian_mirror},
                     plan.table, context.home, cache);
}

Result<LabParts> ProvidePlannedParts(const Context& context,
                                     const LabOptions& options,
                                     const LabPlan& plan, Progress& progress) {
  Cache cache(context.cache, progress, options.offline);
  LabParts parts;
  if (plan.lab == "kubeconfig") {
    parts.kubectl = FindProgram("kubectl");
    LAB_TRY(const auto recipes, PlannedRecipes(context, options, plan, cache));
    for (const auto& recipe : recipes) {
      LAB_TRY(const auto programs, cache.Provide(recipe));
      parts.kubectl = programs / "kubectl";
    }
    return parts;
  }
  if (plan.lab == "kind") {
    LAB_TRY(parts.kind,
            ProvideKindParts({plan.kubernetes, options.debian_mirror,
                              !plan.node_image.empty()},
                             plan.table, context.home, cache));
    return parts;
  }
  LAB_TRY(parts.vm, ProvideParts({.kubernetes = plan.kubernetes,
                                  .node_os = plan.node_os,
                                  .debian_mirror = options.debian_mirror},
                                 plan.table, context.home, cache));
  return parts;
}

Result<std::unique_ptr<Lab>> ProvisionLab(
    const Context& context, const LabOptions& options, const LabPlan& plan,
    const LabParts& parts, const std::string& name, Progress& progress) {
  const Path directory = LabStore(context.cache).DirectoryOf(name);
  if (plan.lab == "kind") {
    return KindLab::Up({.name = name,
                        .home = context.home,
                        .cache = context.cache,
                        .directory = directory,
                        .config = plan.config,
                        .kubernetes = plan.kubernetes,
                        .parts = parts.kind,
                        .provider = WantedProvider(),
                        .node_image = plan.node_image,
                        .offline = options.offline},
                       progress);
  }
  if (plan.lab == "kubeconfig") {
    LAB_TRY(const auto probes, ProbesDirectory());
    return KubeconfigLab::Up(
        {.name = name,
         .home = context.home,
         .directory = directory,
         .kubeconfig = options.kubeconfig,
         .context = options.context,
         .image = options.image.empty() ? kFixtureImage : options.image,
         .kubectl = parts.kubectl,
         .probes = probes},
        progress);
  }
  LAB_TRY(auto shape,
          ShapeLab(plan.config, name, plan.kubernetes, plan.table, options));
  return VmLab::Up({.name = name,
                    .home = context.home,
                    .cache = context.cache,
                    .directory = directory,
                    .shape = std::move(shape),
                    .kubernetes = plan.kubernetes,
                    .parts = parts.vm,
                    .accel = options.accel},
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
