// SPDX-License-Identifier: Apache-2.0
// `runner lab up|down|ls|shell|logs|gc`.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/cli/commands.h"
#include "runner/cli/provision.h"
#include "runner/lab/store.h"

namespace lab {
namespace {

using nlohmann::json;

constexpr const char* kLoginShell =
    "command -v bash >/dev/null && exec bash -l; exec sh -l";

std::string State(const LabFile& lab) {
  return lab.owner.Alive() ? lab.state : "dead (runner lab gc removes it)";
}

Result<LabNode> FindWorker(const LabFile& lab, const std::string& name) {
  std::vector<std::string> names;
  for (const auto& node : lab.Workers()) {
    if (node.name == name) return node;
    names.push_back(node.name);
  }
  if (name.empty() && !names.empty()) return lab.Workers().front();
  return UsageError(
      fmt::format("lab {} has no node \"{}\" to log in to; it "
                  "has: {}",
                  lab.name, name, Join(names, ", ")));
}

}  // namespace

ExitCode LabUp(const Context& context, const LabCommandOptions& options) {
  const auto plan = PlanLab(context, options.lab);
  if (!plan) return Complain(plan.error());
  if (const auto good = CheckLabName(options.name); !good) {
    return Complain(good.error());
  }
  if (const auto host = CheckHost(context, *plan); !host) {
    return Complain(host.error());
  }
  const LabStore store(context.cache);
  if (const auto known = store.Find(options.name);
      known && known->owner.Alive()) {
    return Complain(UsageError(fmt::format(
        "lab {0} exists; `runner lab down {0}` ends it, --name gives another "
        "name",
        options.name)));
  }
  {
    Terminal terminal(context.terminal);
    if (const auto up = StartKeeper(options, terminal); !up) {
      return Complain(up.error());
    }
  }
  const auto lab = store.Find(options.name);
  if (!lab) return Complain(lab.error());
  fmt::print("export KUBECONFIG={}\n", ShellQuote(lab->kubeconfig.string()));
  fmt::print(
      stderr,
      "lab {0} is up: Kubernetes {1}, {2} workers, {3} s.\n"
      "The line above makes kubectl work ({4} fits).\n"
      "On a node: runner lab shell {5}   Suites: runner --suite apparmor "
      "--use-lab {0}   End: runner lab down {0}\n",
      lab->name, lab->kubernetes, lab->Workers().size(),
      lab->facts.count("seconds.lab") != 0 ? lab->facts.at("seconds.lab") : "?",
      lab->kubectl.string(),
      lab->Workers().empty() ? "NODE" : lab->Workers().front().name);
  return ExitCode::kOk;
}

ExitCode LabDown(const Context& context, const std::string& name) {
  const LabStore store(context.cache);
  const auto lab = store.Choose(name);
  if (!lab) return Complain(lab.error());
  if (const auto down = store.Down(lab->name); !down) {
    return Complain(down.error());
  }
  fmt::print(stderr, "lab {} is gone\n", lab->name);
  return ExitCode::kOk;
}

ExitCode LabLs(const Context& context, bool as_json) {
  json all = json::array();
  const auto labs = LabStore(context.cache).List();
  for (const auto& lab : labs) {
    std::vector<std::string> nodes;
    for (const auto& node : lab.Workers()) nodes.push_back(node.name);
    if (as_json) {
      all.push_back({{"name", lab.name},
                     {"state", State(lab)},
                     {"kubernetes", lab.kubernetes},
                     {"nodes", nodes},
                     {"created", lab.created},
                     {"owner", lab.owner.pid},
                     {"kubeconfig", lab.kubeconfig.string()},
                     {"facts", lab.facts}});
      continue;
    }
    fmt::print("{:<20} {:<10} {:<10} {}  {}\n", lab.name, State(lab),
               lab.kubernetes, lab.created, Join(nodes, ","));
  }
  if (as_json) fmt::print("{}\n", all.dump(2));
  if (labs.empty() && !as_json) {
    fmt::print(stderr, "no labs; `runner lab up` makes one\n");
  }
  return ExitCode::kOk;
}

ExitCode LabShell(const Context& context, const LabCommandOptions& options) {
  const LabStore store(context.cache);
  Result<LabFile> lab = store.Choose(options.name);
  // The node's name says which lab it is of.
  for (const auto& known : store.List()) {
    for (const auto& node : known.Workers()) {
      if (options.name.empty() && node.name == options.node) lab = known;
    }
  }
  if (!lab) return Complain(lab.error());
  const auto node = FindWorker(*lab, options.node);
  if (!node) return Complain(node.error());
  const bool person = options.command.empty() && ::isatty(0) != 0;
  auto argv = person ? node->login.terminal : node->login.command;
  if (argv.empty()) {
    return Complain(UsageError(fmt::format("lab {} has no way to log in to {}",
                                           lab->name, node->name)));
  }
  argv.push_back(options.command.empty() ? kLoginShell
                                         : ShellQuote(options.command));
  // This process becomes ssh, or docker: its terminal, its signals, its exit
  // status.
  std::vector<char*> raw;
  for (auto& argument : argv) raw.push_back(argument.data());
  raw.push_back(nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execvp(raw[0], raw.data());
  return Complain(Error{"cannot start " + argv.front()});
}

ExitCode LabLogs(const Context& context, const LabCommandOptions& options) {
  const auto lab = LabStore(context.cache).Choose(options.name);
  if (!lab) return Complain(lab.error());
  const Path logs = lab->directory / "logs";
  if (options.node.empty()) {
    fmt::print("{}\n", logs.string());
    for (const auto& entry : std::filesystem::directory_iterator(logs)) {
      fmt::print("  {:<32} {}\n", entry.path().filename().string(),
                 HumanBytes(static_cast<double>(entry.file_size())));
    }
    fmt::print(
        "`runner lab logs NAME` prints one; on a node, /var/log holds "
        "kubelet.log and containerd.log\n");
    return ExitCode::kOk;
  }
  for (const char* suffix : {"", ".log", ".console"}) {
    const auto text = ReadFile(logs / (options.node + suffix));
    if (!text) continue;
    fmt::print("{}", *text);
    return ExitCode::kOk;
  }
  return Complain(UsageError(
      fmt::format("no log \"{}\" in {}; `runner lab logs` lists them",
                  options.node, logs.string())));
}

ExitCode LabGc(const Context& context) {
  const auto collected = LabStore(context.cache).CollectGarbage();
  if (!collected) return Complain(collected.error());
  for (const auto& line : collected->removed) fmt::print("removed {}\n", line);
  for (const auto& line : collected->kept) fmt::print("kept    {}\n", line);
  for (const auto& line : collected->left) fmt::print("left    {}\n", line);
  if (!collected->left.empty()) return ExitCode::kError;
  if (collected->removed.empty()) fmt::print("nothing to remove\n");
  return ExitCode::kOk;
}

}  // namespace lab
