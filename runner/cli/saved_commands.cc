// SPDX-License-Identifier: Apache-2.0
// `runner lab save|restore|saved|forget`.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/cli/commands.h"
#include "runner/cli/keeper_requests.h"
#include "runner/cli/saved_provision.h"
#include "runner/lab/store.h"

namespace lab {
namespace {

using nlohmann::json;

Status Save(const Context& context, const LabCommandOptions& options) {
  const std::string name =
      options.save_as.empty() ? options.name : options.save_as;
  LAB_CHECK_OK(CheckLabName(name));
  LAB_TRY(const auto lab, LabStore(context.cache).FindAlive(options.name));
  const SavedStore store(context.cache);
  if (std::filesystem::exists(store.DirectoryOf(name))) {
    return UsageError(fmt::format(
        "there is a saved lab {0}; `runner lab forget {0}` removes it, --as "
        "gives another name",
        name));
  }
  {
    Terminal terminal(context.terminal);
    LAB_CHECK_OK(AskToSave(lab, name, terminal));
  }
  fmt::print(stderr,
             "lab {0} is saved as {1} ({2}), and goes on.\n"
             "End it (runner lab down {0}), for the saved one has the same "
             "addresses; then:\n"
             "runner --suite apparmor --from-saved {1}   or: runner lab "
             "restore {1}\n",
             lab.name, name, HumanBytes(store.BytesOf(name)));
  return {};
}

Status Restore(const Context& context, LabCommandOptions options) {
  if (options.name.empty()) options.name = options.from_saved;
  LAB_CHECK_OK(CheckLabName(options.name));
  const LabStore store(context.cache);
  if (const auto known = store.Find(options.name);
      known && known->owner.Alive()) {
    return UsageError(fmt::format(
        "lab {0} exists; `runner lab down {0}` ends it, --name gives another "
        "name",
        options.name));
  }
  LAB_TRY(const auto saved, FindRestorable(context, options.from_saved));
  {
    Terminal terminal(context.terminal);
    LAB_CHECK_OK(StartKeeper(options, terminal));
  }
  LAB_TRY(const auto lab, store.Find(options.name));
  fmt::print("export KUBECONFIG={}\n", ShellQuote(lab.kubeconfig.string()));
  fmt::print(stderr,
             "lab {0} goes on from saved lab {1} of {2}: {3} s.\n"
             "End: runner lab down {0}\n",
             lab.name, saved.name, saved.created, lab.facts.at("seconds.lab"));
  return {};
}

ExitCode Tell(const Status& status) {
  return status ? ExitCode::kOk : Complain(status.error());
}

}  // namespace

ExitCode LabSave(const Context& context, const LabCommandOptions& options) {
  return Tell(Save(context, options));
}

ExitCode LabRestore(const Context& context, const LabCommandOptions& options) {
  return Tell(Restore(context, options));
}

ExitCode LabSaved(const Context& context, bool as_json) {
  const SavedStore store(context.cache);
  json all = json::array();
  const auto saved_labs = store.List();
  for (const auto& saved : saved_labs) {
    const double bytes = store.BytesOf(saved.name);
    if (as_json) {
      all.push_back({{"name", saved.name},
                     {"lab", saved.lab},
                     {"created", saved.created},
                     {"kubernetes", saved.kubernetes},
                     {"node_os", saved.NodeOs()},
                     {"accelerator", saved.accel},
                     {"nodes", saved.nodes.size()},
                     {"bytes", static_cast<long long>(bytes)},
                     {"directory", store.DirectoryOf(saved.name).string()}});
      continue;
    }
    fmt::print("{:<20} {:<10} {}  {} nodes  {}\n", saved.name, saved.kubernetes,
               saved.created, saved.nodes.size(), HumanBytes(bytes));
  }
  if (as_json) fmt::print("{}\n", all.dump(2));
  if (saved_labs.empty() && !as_json) {
    fmt::print(stderr, "no saved labs; `runner lab save LAB` makes one\n");
  }
  return ExitCode::kOk;
}

ExitCode LabForget(const Context& context, const std::string& name) {
  if (const auto good = CheckLabName(name); !good) {
    return Complain(good.error());
  }
  const auto gone = SavedStore(context.cache).Forget(name);
  if (!gone) return Complain(gone.error());
  fmt::print(stderr, "saved lab {} is gone\n", name);
  return ExitCode::kOk;
}

}  // namespace lab
