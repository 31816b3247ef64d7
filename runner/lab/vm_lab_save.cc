// SPDX-License-Identifier: Apache-2.0
// Saving a lab. Machines and etcd stand still while their states are copied,
// so that all are of one moment.
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <future>
#include <nlohmann/json.hpp>

#include "runner/base/stop.h"
#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "runner/cluster/api.h"
#include "runner/lab/control_plane.h"
#include "runner/lab/qmp.h"
#include "runner/lab/saved_machine.h"
#include "runner/lab/sparse_copy.h"
#include "runner/lab/vm_lab.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

// A kubelet renews its Lease every 10 s. A restored lab is ready when it has
// seen a new one; a machine that is stopped this long after one makes the next
// when the restored API server begins to serve.
constexpr Duration kAfterHeartbeat = 7s;

std::string LeasePath(const std::string& node) {
  return "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/" +
         node;
}

// A machine that stands still, until this object ends.
class StoppedMachine {
 public:
  static Result<StoppedMachine> Stop(const LabFile& lab,
                                     const std::string& node) {
    LAB_TRY(auto qmp, Qmp::Connect(MonitorOf(lab.directory, node), 5s));
    LAB_CHECK_OK(AwaitHeartbeat(lab, node));
    LAB_TRY(const auto stopped, qmp.Execute("stop"));
    return StoppedMachine(std::move(qmp));
  }
  StoppedMachine(StoppedMachine&& other) noexcept
      : qmp_(std::exchange(other.qmp_, std::nullopt)) {}
  ~StoppedMachine() {
    if (qmp_) (void)qmp_->Execute("cont").has_value();
  }

  // Everything but RAM, and what the disk's cache holds, to files.
  Status WriteDevices(const Path& file) {
    LAB_CHECK_OK(qmp_->IgnoreSharedMemory());
    LAB_TRY(const auto begun,
            qmp_->Execute("migrate", {{"uri", "file:" + file.string()}}));
    return qmp_->AwaitMigration(30s);
  }

 private:
  explicit StoppedMachine(Qmp qmp) : qmp_(std::move(qmp)) {}

  // Waits for the right moment, see kAfterHeartbeat.
  static Status AwaitHeartbeat(const LabFile& lab, const std::string& node) {
    const Api api(lab.api_socket);
    LAB_TRY(const auto lease,
            api.Watch({.path = "/apis/coordination.k8s.io/v1/namespaces/"
                               "kube-node-lease/leases?watch=1&fieldSelector="
                               "metadata.name=" +
                               node,
                       .what = "a heartbeat of " + node,
                       .timeout = 40s,
                       .done = [](const std::string& type, const json&) {
                         return type == "MODIFIED";
                       }}));
    pollfd fd{stop::Fd(), POLLIN, 0};
    if (::poll(&fd, 1, static_cast<int>(kAfterHeartbeat.count())) == 0) {
      return {};
    }
    return Error{"interrupted", ErrorKind::kInterrupted};
  }

  std::optional<Qmp> qmp_;
};

// etcd, standing still until this object ends.
class StoppedProcess {
 public:
  explicit StoppedProcess(pid_t pid) : pid_(pid) { ::kill(pid_, SIGSTOP); }
  StoppedProcess(const StoppedProcess&) = delete;
  StoppedProcess& operator=(const StoppedProcess&) = delete;
  ~StoppedProcess() { ::kill(pid_, SIGCONT); }

 private:
  pid_t pid_;
};

// QEMU's snapshot=on writes to a file that it has unlinked; here it is, with
// the path under /proc by which it can still be opened.
Result<Path> FindOverlay(const LabFile& lab, pid_t qemu) {
  const std::string prefix = (lab.directory / "vl.").string();
  std::error_code code;
  for (const auto& entry :
       fs::directory_iterator(fmt::format("/proc/{}/fd", qemu), code)) {
    const auto link = fs::read_symlink(entry.path(), code).string();
    if (!code && link.starts_with(prefix)) return entry.path();
  }
  return Error{
      fmt::format("process {} (QEMU) has no overlay {}*", qemu, prefix)};
}

Status SaveNode(const LabFile& lab, const std::string& node,
                StoppedMachine& machine, const UniqueFd& memory,
                const Path& into) {
  const auto state = StateIn(into, node);
  pid_t qemu = 0;
  for (const auto& process : lab.processes) {
    if (process.name == "qemu-" + node) qemu = process.id.pid;
  }
  LAB_CHECK_OK(machine.WriteDevices(state.devices));
  LAB_TRY(const auto overlay, FindOverlay(lab, qemu));
  LAB_CHECK_OK(CopySparse(overlay, state.overlay));
  return CopySparse(fmt::format("/proc/self/fd/{}", memory.get()),
                    state.memory);
}

// Certificates, keys, kubeconfigs, lab.json; each node's own initramfs goes
// beside the machines' states.
Status SaveFiles(const LabFile& lab, const Path& into) {
  for (const auto& entry : fs::directory_iterator(lab.directory)) {
    if (!entry.is_regular_file()) continue;
    const auto name = entry.path().filename();
    const bool initramfs = name.extension() == ".img";
    LAB_CHECK_OK(CopySparse(entry.path(),
                            initramfs ? into / name : into / "lab" / name));
  }
  return CopyTreeSparse(lab.directory / "pki", into / "lab" / "pki");
}

Status SaveStates(const LabFile& lab, std::vector<StoppedMachine>& machines,
                  const std::vector<UniqueFd>& memories, const Path& into) {
  pid_t etcd = 0;
  for (const auto& process : lab.processes) {
    if (process.name == "etcd") etcd = process.id.pid;
  }
  if (etcd == 0) return Error{"lab.json names no etcd"};
  const StoppedProcess stopped(etcd);
  const auto workers = lab.Workers();
  std::vector<std::future<Status>> nodes;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    nodes.push_back(std::async(std::launch::async, [&, i] {
      return SaveNode(lab, workers[i].name, machines[i], memories[i], into);
    }));
  }
  Status all = CopyTreeSparse(lab.directory / "etcd", into / "lab" / "etcd");
  for (auto& node : nodes) {
    if (auto saved = node.get(); !saved && all) all = saved;
  }
  return all;
}

Result<std::vector<StoppedMachine>> StopAll(const LabFile& lab) {
  std::vector<std::future<Result<StoppedMachine>>> stopping;
  for (const auto& worker : lab.Workers()) {
    stopping.push_back(std::async(std::launch::async, [&lab, worker] {
      return StoppedMachine::Stop(lab, worker.name);
    }));
  }
  std::vector<StoppedMachine> machines;
  Status all;
  for (auto& one : stopping) {
    auto machine = one.get();
    if (machine) {
      machines.push_back(std::move(*machine));
    } else if (all) {
      all = machine.error();
    }
  }
  if (!all) return all.error();
  return machines;
}

}  // namespace

void VmLab::Remember(const VmLabRequest& request,
                     const ControlPlaneRequest& control) {
  savable_.lab = request.name;
  savable_.kubernetes = request.kubernetes.version;
  savable_.net_number = net_.value();
  savable_.kubernetes_part = request.parts.kubernetes;
  savable_.etcd_part = request.parts.etcd;
  savable_.parts = {request.parts.kubernetes, request.parts.etcd};
  for (const auto& node : savable_.nodes) {
    const Path part = node.disk.parent_path();
    const bool known = std::find(savable_.parts.begin(), savable_.parts.end(),
                                 part) != savable_.parts.end();
    if (!known) savable_.parts.push_back(part);
  }
  savable_.apiserver_args = control.apiserver_args;
  savable_.controller_manager_args = control.controller_manager_args;
  savable_.scheduler_args = control.scheduler_args;
}

Status VmLab::Describe(const Path& home, SavedLab& saved) const {
  saved.created = TimestampUtc();
  saved.accel = file_.facts.at("accelerator");
  saved.accel_reason = file_.facts.at("accelerator.reason");
  LAB_TRY(const auto now, LookAround(home, saved.accel == "kvm"));
  saved.qemu = now.qemu;
  saved.processor = now.processor;
  saved.machine = now.machine;
  for (const auto& part : saved.parts) {
    LAB_TRY(const auto files, FilesOfPart(part));
    saved.files.insert(saved.files.end(), files.begin(), files.end());
  }
  return {};
}

Status VmLab::Save(const Path& cache, const Path& home, const std::string& name,
                   Progress& progress) {
  if (savable_.nodes.empty()) {
    return UsageError(fmt::format(
        "lab {} was restored from a saved one; what can be saved is a lab that "
        "`runner lab up` made",
        file_.name));
  }
  if (const auto damage = Damage()) {
    return damage->Within("it is damaged");
  }
  const SavedStore store(cache);
  LAB_TRY(auto draft, store.Begin(name));
  SavedLab saved = savable_;
  saved.name = name;
  LAB_CHECK_OK(Describe(home, saved));
  LAB_CHECK_OK(MakeDirectories(draft.path() / "lab"));
  LAB_CHECK_OK(SaveFiles(file_, draft.path()));
  const auto step = [&](const char* task, const char* doing, auto&& work) {
    progress.Begin(task, doing);
    const Status status = work();
    progress.End(task, status.has_value(),
                 status ? "done" : status.error().what);
    return status;
  };
  std::vector<StoppedMachine> machines;
  LAB_CHECK_OK(
      step("stop", "each node, between two heartbeats", [&]() -> Status {
        LAB_TRY(machines, StopAll(file_));
        return {};
      }));
  LAB_CHECK_OK(step("copy", "RAM, devices, disks, etcd", [&]() -> Status {
    const Api api(file_.api_socket);
    for (auto& node : saved.nodes) {
      LAB_TRY(const auto lease, api.Get(LeasePath(node.name)));
      node.lease = lease.at("spec").value("renewTime", "");
    }
    const Status copied = SaveStates(file_, machines, memories_, draft.path());
    machines.clear();  // they go on
    return copied;
  }));
  return step("sync", "to the disk", [&]() -> Status {
    LAB_CHECK_OK(WriteFile(draft.path() / "saved.json", saved.ToJson()));
    return draft.Commit(store.DirectoryOf(name));
  });
}

}  // namespace lab
