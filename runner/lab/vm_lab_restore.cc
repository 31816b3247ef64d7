// SPDX-License-Identifier: Apache-2.0
// Going on with a saved lab. The slow part is the API server, which starts
// anew; the machines are there long before, and get ready in its shadow.
#include <fmt/format.h>

#include <future>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "runner/cluster/api.h"
#include "runner/cluster/node.h"
#include "runner/lab/control_plane.h"
#include "runner/lab/qmp.h"
#include "runner/lab/saved_machine.h"
#include "runner/lab/sparse_copy.h"
#include "runner/lab/ssh_access.h"
#include "runner/lab/vm_lab.h"

namespace lab {
namespace {

using nlohmann::json;

constexpr Duration kPatience = 180s;  // as long as nodes of a new lab have

// The saved lab's files, as those of a lab of this name.
Result<LabFile> LayOut(const RestoreRequest& request) {
  LAB_CHECK_OK(CopyTreeSparse(request.state / "lab", request.directory));
  LAB_TRY(auto lab, LabFile::Load(request.directory));
  LAB_TRY(const auto ssh, ReadFile(SshConfigIn(request.directory)));
  LAB_CHECK_OK(WriteFile(SshConfigIn(request.directory),
                         ReplaceAll(ssh, lab.directory.string() + "/",
                                    request.directory.string() + "/")));
  LAB_CHECK_OK(BeginLab(request.name, request.directory, lab));
  lab.processes.clear();
  lab.facts = {{"saved-lab", request.saved->name},
               {"saved-lab.created", request.saved->created}};
  for (auto& node : lab.nodes) {
    if (!node.console.empty()) {
      node.console = request.directory / "logs" / node.console.filename();
    }
    if (node.role == "worker") {
      node.login = SshLogin(request.directory, node.name);
    }
  }
  LAB_CHECK_OK(lab.Save());
  return lab;
}

ControlPlaneRequest ControlPlaneOf(const SavedLab& saved, const Path& directory,
                                   const NetNumber& net) {
  return {.programs = saved.kubernetes_part,
          .etcd = saved.etcd_part,
          .directory = directory,
          .net = &net,
          .apiserver_args = saved.apiserver_args,
          .controller_manager_args = saved.controller_manager_args,
          .scheduler_args = saved.scheduler_args};
}

// Gives a machine its devices' state and lets it go on.
Status Resume(const LabFile& lab, const std::string& node,
              const Path& devices) {
  LAB_TRY(auto qmp, Qmp::Connect(MonitorOf(lab.directory, node), 20s));
  LAB_CHECK_OK(qmp.IgnoreSharedMemory());
  LAB_TRY(const auto begun, qmp.Execute("migrate-incoming",
                                        {{"uri", "file:" + devices.string()}}));
  LAB_CHECK_OK(qmp.AwaitMigration(30s));
  LAB_TRY(const auto running, qmp.Execute("cont"));
  return {};
}

// The time, fresh randomness, an end to connections with an API server that
// is gone.
Status Wake(const LabFile& lab, const std::string& node) {
  const NodeShell shell(lab, node);
  LAB_TRY(const auto said,
          shell.AskOk({"lab-node", "wake",
                       fmt::format("{:.3f}", EpochSeconds()), RandomHex(64)}));
  return {};
}

// A Lease that was renewed after the lab was saved, and so after it was
// restored: only then is "Ready" more than what etcd remembers.
Status AwaitHeartbeats(const LabFile& lab, const SavedLab& saved,
                       Duration time) {
  std::map<std::string, std::string> waiting;
  for (const auto& node : saved.nodes) waiting[node.name] = node.lease;
  const auto renewed = [&](const std::string& type, const json& lease) {
    if (type != "ADDED" && type != "MODIFIED") return false;
    const auto it = waiting.find(lease.at("metadata").value("name", ""));
    if (it == waiting.end()) return false;
    const json spec = lease.value("spec", json::object());
    if (spec.value("renewTime", it->second) != it->second) waiting.erase(it);
    return waiting.empty();
  };
  const auto describe = [&](const json&) {
    std::vector<std::string> names;
    for (const auto& [name, lease] : waiting) {
      names.push_back(fmt::format("{} last at {}", name, lease));
    }
    return Join(names, ", ");
  };
  const Api api(lab.api_socket);
  const auto last =
      api.Watch({.path = "/apis/coordination.k8s.io/v1/namespaces/"
                         "kube-node-lease/leases?watch=1",
                 .what = "a new heartbeat of every node",
                 .timeout = time,
                 .done = renewed,
                 .describe = describe});
  return last ? Status() : Status(last.error());
}

}  // namespace

Result<std::unique_ptr<Lab>> VmLab::Restore(const RestoreRequest& request,
                                            Progress& progress) {
  LAB_TRY(auto net, NetNumber::TakeThat(request.saved->net_number));
  std::unique_ptr<VmLab> lab(new VmLab(std::move(net)));
  auto up = lab->Continue(request, progress);
  if (up) return std::unique_ptr<Lab>(std::move(lab));
  if (up.error().kind == ErrorKind::kInterrupted) return up.error();
  std::string what = up.error().what;
  if (const auto damage = FindDamage(lab->file_)) what += "\n  " + *damage;
  return ProvisionError(fmt::format("lab {} from saved lab {}: {}",
                                    request.name, request.saved->name, what));
}

Status VmLab::Continue(const RestoreRequest& request, Progress& progress) {
  const Stopwatch total;
  LAB_CHECK_OK(Timed(progress, "restore", "seconds.boot",
                     [&] { return StartRestored(request); }));
  LAB_CHECK_OK(Timed(progress, "nodes", "seconds.nodes",
                     [&] { return AwaitRestored(request); }));
  file_.facts["seconds.nodes-ready"] = fmt::format("{:.2f}", total.Seconds());
  file_.facts["seconds.lab"] = file_.facts["seconds.nodes-ready"];
  file_.state = "up";
  return file_.Save();
}

Status VmLab::StartRestored(const RestoreRequest& request) {
  const SavedLab& saved = *request.saved;
  LAB_TRY(file_, LayOut(request));
  LAB_TRY(auto control,
          StartServers(ControlPlaneOf(saved, request.directory, net_)));
  for (auto& process : control) LAB_CHECK_OK(Own(std::move(process)));
  for (const auto& node : saved.nodes) {
    LAB_TRY(
        const auto argv,
        RestoreCommand(
            node.argv,
            {.state = StateIn(request.state, node.name),
             .disk = node.disk,
             .initramfs = request.state / (node.name + ".img"),
             .console = request.directory / "logs" / (node.name + ".console"),
             .monitor = MonitorOf(request.directory, node.name)}));
    LAB_TRY(auto qemu,
            Process::Start({.argv = argv,
                            .env = {{"TMPDIR", request.directory.string()}},
                            .log = file_.LogOf("qemu-" + node.name)}));
    file_.processes.push_back({"qemu-" + node.name, qemu.id()});
    processes_.push_back(std::move(qemu));
  }
  return file_.Save();
}

Status VmLab::AwaitRestored(const RestoreRequest& request) {
  const Stopwatch watch;
  const auto note = [&](const std::string& what) {
    file_.facts["seconds." + what] = fmt::format("{:.2f}", watch.Seconds());
  };
  const auto each_node = [&](auto&& work) -> Status {
    std::vector<std::future<Status>> nodes;
    for (const auto& node : request.saved->nodes) {
      nodes.push_back(std::async(std::launch::async,
                                 [&, name = node.name] { return work(name); }));
    }
    Status all;
    for (auto& node : nodes) {
      if (auto status = node.get(); !status && all) all = status;
    }
    return all;
  };
  LAB_CHECK_OK(each_node([&](const std::string& node) {
    return Resume(file_, node, StateIn(request.state, node).devices);
  }));
  note("resumed");
  for (const auto& node : request.saved->nodes) {
    LAB_TRY(auto connection, ConnectSsh(file_, node.name));
    LAB_CHECK_OK(Own(std::move(connection)));
  }
  LAB_CHECK_OK(AwaitSsh(file_, kPatience));
  note("ssh");
  LAB_CHECK_OK(AwaitApi());
  note("control-plane");
  LAB_TRY(auto controllers, lab::StartControllers(ControlPlaneOf(
                                *request.saved, request.directory, net_)));
  for (auto& one : controllers) LAB_CHECK_OK(Own(std::move(one)));
  LAB_CHECK_OK(
      each_node([&](const std::string& node) { return Wake(file_, node); }));
  note("awake");
  std::vector<NodeChoice> choices;
  for (const auto& node : request.saved->nodes) choices.push_back(node.choice);
  const AccelChoice accel{
      request.saved->accel == "kvm" ? Accel::kKvm : Accel::kTcg,
      request.saved->accel_reason};
  auto facts = std::async(std::launch::async,
                          [&] { return MeasureFacts(choices, accel); });
  const Status heartbeats = AwaitHeartbeats(file_, *request.saved, kPatience);
  const double at = watch.Seconds();
  LAB_CHECK_OK(facts.get());
  LAB_CHECK_OK(heartbeats);
  file_.facts["seconds.heartbeats"] = fmt::format("{:.2f}", at);
  return {};
}

}  // namespace lab
