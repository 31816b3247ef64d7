// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/saved_provision.h"

#include <fmt/format.h>

#include "runner/components/node_disk.h"
#include "runner/lab/accel.h"
#include "runner/lab/store.h"

namespace lab {
namespace {

// Where a new lab of the same version would find its parts; none is built.
Result<std::vector<Path>> PartsOfNewLab(const Context& context,
                                        const SavedLab& saved) {
  LAB_TRY(const auto table, LoadComponentTable(context.home));
  const auto version = table.FindKubernetes(saved.kubernetes);
  if (!version) return ProvisionError(version.error().what);
  SilentProgress quiet;
  Cache cache(context.cache, quiet, true);
  LAB_TRY(const auto recipes, PartRecipes({.kubernetes = *version,
                                           .node_os = saved.NodeOs(),
                                           .debian_mirror = {}},
                                          table, context.home, cache));
  std::vector<Path> parts;
  for (const auto& recipe : recipes) {
    parts.push_back(context.cache / "parts" / PartId(recipe));
  }
  return parts;
}

Status CheckAccel(const Context& context, const SavedLab& saved) {
  if (saved.accel != "kvm") return {};
  LAB_TRY(const auto machine, LoadMachine(context.home));
  const Path part =
      saved.nodes.empty() ? Path() : saved.nodes[0].disk.parent_path();
  LAB_TRY(const auto accel, ChooseAccel({.wanted = "kvm",
                                         .machine = machine,
                                         .kernel = part / kKernelFile,
                                         .initramfs = part / kInitramfsFile,
                                         .cache = context.cache}));
  return {};
}

// Whether the saved lab's addresses are free; else names who has them.
Status CheckAddresses(const Context& context, const SavedLab& saved) {
  const auto free = NetNumber::TakeThat(saved.net_number);
  if (free) return {};
  const std::string prefix = fmt::format("127.77.{}.", saved.net_number);
  for (const auto& lab : LabStore(context.cache).List()) {
    const auto workers = lab.Workers();
    if (!lab.owner.Alive() || workers.empty() ||
        !workers.front().address.starts_with(prefix)) {
      continue;
    }
    return ProvisionError(fmt::format(
        "saved lab {0} needs the addresses {1}x, which lab {2} has; `runner "
        "lab down {2}` frees them",
        saved.name, prefix, lab.name));
  }
  return free.error().Within("saved lab " + saved.name);
}

}  // namespace

Result<SavedLab> FindRestorable(const Context& context,
                                const std::string& name) {
  LAB_TRY(auto saved, SavedStore(context.cache).Find(name));
  LAB_CHECK_OK(CheckAddresses(context, saved));
  LAB_TRY(auto now, LookAround(context.home, saved.accel == "kvm"));
  LAB_TRY(now.parts, PartsOfNewLab(context, saved));
  LAB_CHECK_OK(CheckRestorable(saved, now));
  LAB_CHECK_OK(CheckAccel(context, saved));
  return saved;
}

Result<std::unique_ptr<Lab>> ProvideSavedLab(const Context& context,
                                             const std::string& name,
                                             const std::string& lab,
                                             Progress& progress) {
  LAB_TRY(const auto saved, FindRestorable(context, name));
  return VmLab::Restore({.name = lab,
                         .home = context.home,
                         .directory = LabStore(context.cache).DirectoryOf(lab),
                         .saved = &saved,
                         .state = SavedStore(context.cache).DirectoryOf(name)},
                        progress);
}

}  // namespace lab
