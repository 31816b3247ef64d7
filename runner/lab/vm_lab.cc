// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/vm_lab.h"

#include <fmt/format.h>
#include <unistd.h>

#include <future>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "runner/cluster/api.h"
#include "runner/cluster/node.h"
#include "runner/lab/control_plane.h"
#include "runner/lab/node_config.h"
#include "runner/lab/node_facts.h"
#include "runner/lab/node_join.h"
#include "runner/lab/pki.h"
#include "runner/lab/saved_machine.h"
#include "runner/lab/ssh_access.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr int kFirstWorkerAddress = 10;
constexpr std::size_t kLongestSocketPath = 107;  // unix(7), sun_path

Status CheckSocketPaths(const LabFile& lab) {
  // ssh makes its control socket under a name 17 bytes longer first.
  std::size_t longest = lab.api_socket.string().size();
  for (const auto& node : lab.Workers()) {
    longest = std::max(
        longest, (lab.directory / (node.name + ".ssh")).string().size() + 17);
  }
  if (longest <= kLongestSocketPath) return {};
  return ProvisionError(fmt::format(
      "{} is too long a path for unix sockets; set CONFINEMENT_LAB_CACHE to a "
      "shorter directory, or choose a shorter lab name",
      lab.directory.string()));
}

ControlPlaneRequest ControlPlaneOf(const VmLabRequest& request,
                                   const NetNumber& net) {
  const VmShape& shape = request.shape;
  return {.programs = request.parts.kubernetes,
          .etcd = request.parts.etcd,
          .directory = request.directory,
          .net = &net,
          .apiserver_args = shape.apiserver_args,
          .controller_manager_args = shape.controller_manager_args,
          .scheduler_args = shape.scheduler_args};
}

// Objects every lab has. The binding comes before the first exec: the kubelet
// remembers a refusal.
const char* const kObjects[][2] = {
    {"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
     R"({"metadata":{"name":"lab-kubelet-client"},
         "roleRef":{"apiGroup":"rbac.authorization.k8s.io",
                    "kind":"ClusterRole","name":"system:kubelet-api-admin"},
         "subjects":[{"kind":"User","apiGroup":"rbac.authorization.k8s.io",
                      "name":"kube-apiserver-kubelet-client"},
                     {"kind":"Group","apiGroup":"rbac.authorization.k8s.io",
                      "name":"kubeadm:cluster-admins"}]})"},
    // The person's own kubeconfig, admin.conf, is of this group since 1.29;
    // `kubeadm init` binds it so.
    {"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
     R"({"metadata":{"name":"kubeadm:cluster-admins"},
         "roleRef":{"apiGroup":"rbac.authorization.k8s.io",
                    "kind":"ClusterRole","name":"cluster-admin"},
         "subjects":[{"kind":"Group","apiGroup":"rbac.authorization.k8s.io",
                      "name":"kubeadm:cluster-admins"}]})"},
    {"/apis/node.k8s.io/v1/runtimeclasses",
     R"({"metadata":{"name":"crun"},"handler":"crun"})"},
    {"/apis/node.k8s.io/v1/runtimeclasses",
     R"({"metadata":{"name":"runc"},"handler":"runc"})"},
};

}  // namespace

Result<std::unique_ptr<Lab>> VmLab::Up(const VmLabRequest& request,
                                       Progress& progress) {
  LAB_TRY(auto net, NetNumber::Take(SavedStore(request.cache).NetNumbers()));
  std::unique_ptr<VmLab> lab(new VmLab(std::move(net)));
  auto up = lab->Start(request, progress);
  if (up) return std::unique_ptr<Lab>(std::move(lab));
  if (up.error().kind == ErrorKind::kInterrupted) return up.error();
  std::string what = up.error().what;
  if (const auto damage = FindDamage(lab->file_)) what += "\n  " + *damage;
  return ProvisionError(fmt::format("lab {}: {}", request.name, what));
}

Status VmLab::Own(Process process) {
  std::string name = process.name();
  if (name == "kubectl") name = "kubectl-proxy";
  file_.processes.push_back({std::move(name), process.id()});
  processes_.push_back(std::move(process));
  return file_.Save();
}

std::optional<Error> VmLab::Damage() {
  if (const auto damage = FindDamage(file_)) return Error{*damage};
  return std::nullopt;
}

Status VmLab::Timed(Progress& progress, const char* name, const char* fact,
                    const std::function<Status()>& step) {
  return TimedStep(file_, progress, name, fact, step);
}

Status VmLab::Start(const VmLabRequest& request, Progress& progress) {
  file_ = LabFile{.name = request.name,
                  .kind = "vm",
                  .created = TimestampUtc(),
                  .state = "starting",
                  .owner = ProcessId::Of(::getpid()),
                  .directory = request.directory,
                  .kubeconfig = request.directory / "admin.conf",
                  .api_socket = request.directory / "api.sock",
                  .kubectl = request.parts.kubernetes / "kubectl",
                  .kubernetes = request.kubernetes.version,
                  .docker_host = {},
                  .nodes = {{.name = "control-plane",
                             .role = "control-plane",
                             .address = "127.0.0.1",
                             .console = {},
                             .labels = {},
                             .login = {}}},
                  .processes = {},
                  .facts = {}};
  for (const auto& worker : request.shape.workers) {
    const int host =
        kFirstWorkerAddress + static_cast<int>(file_.nodes.size()) - 1;
    file_.nodes.push_back(
        {.name = worker.name,
         .role = "worker",
         .address = net_.Address(host),
         .console = request.directory / "logs" / (worker.name + ".console"),
         .labels = worker.labels,
         .login = SshLogin(request.directory, worker.name)});
  }
  LAB_CHECK_OK(CheckSocketPaths(file_));
  LAB_CHECK_OK(MakeDirectories(request.directory / "logs"));
  fs::permissions(request.directory, fs::perms::owner_all);
  LAB_CHECK_OK(file_.Save());

  LAB_TRY(const auto machine, LoadMachine(request.home));
  // One verdict for all: a host's KVM runs stock kernels or it does not.
  const NodeSystem& probed =
      request.parts.node_os.at(request.shape.workers.front().choice.node_os);
  LAB_TRY(const auto accel, ChooseAccel({.wanted = request.accel,
                                         .machine = machine,
                                         .kernel = probed.kernel,
                                         .initramfs = probed.initramfs,
                                         .cache = request.cache}));
  if (accel.accel == Accel::kTcg && request.accel == "auto") {
    progress.Note("emulation (TCG): " + accel.reason);
  }
  const Stopwatch total;
  LAB_CHECK_OK(Timed(progress, "boot", "seconds.boot",
                     [&] { return Boot(request, accel.accel); }));
  LAB_CHECK_OK(Timed(progress, "control plane", "seconds.control-plane",
                     [&] { return AwaitApi(); }));
  LAB_CHECK_OK(MakeObjects());
  LAB_CHECK_OK(StartControllers(request));
  LAB_CHECK_OK(Timed(progress, "nodes", "seconds.nodes",
                     [&] { return AwaitNodes(request); }));
  file_.facts["seconds.nodes-ready"] = fmt::format("{:.2f}", total.Seconds());
  std::vector<NodeChoice> choices;
  for (const auto& worker : request.shape.workers) {
    choices.push_back(worker.choice);
  }
  LAB_CHECK_OK(MeasureFacts(choices, accel));
  file_.facts["seconds.lab"] = fmt::format("{:.2f}", total.Seconds());
  file_.state = "up";
  return file_.Save();
}

// Certificates, then everything at once: the kubelets wait for the API server
// longer than it takes to start.
Status VmLab::Boot(const VmLabRequest& request, Accel accel) {
  const PkiRequest pki{.kubeadm = request.parts.kubernetes / "kubeadm",
                       .directory = request.directory,
                       .kubernetes = request.kubernetes.version,
                       .kubeadm_api = request.kubernetes.kubeadm_api,
                       .api_port = net_.ApiPort()};
  auto ssh =
      std::async(std::launch::async, [&] { return WriteSshFiles(file_); });
  LAB_CHECK_OK(MakePki(pki));
  LAB_CHECK_OK(ssh.get());
  for (const auto& directory : request.shape.control_plane_directories) {
    LAB_CHECK_OK(MakeDirectories(request.directory / directory));
  }
  LAB_TRY(const auto machine, LoadMachine(request.home));
  const auto workers = file_.Workers();
  std::vector<std::future<Status>> configs;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    configs.push_back(std::async(std::launch::async, [&, i]() -> Status {
      const VmNode& worker = request.shape.workers[i];
      LAB_TRY(const auto kubeconfig, NodeKubeconfig(pki, worker.name));
      LAB_TRY(const auto serving,
              KubeletServingCertificate(request.directory, worker.name,
                                        workers[i].address));
      return WriteNodeInitramfs(
          {.node = worker,
           .kubernetes = request.kubernetes.version,
           .kubeconfig = kubeconfig,
           .serving = serving,
           .directory = request.directory,
           .fixtures = request.home / "fixtures" / "node",
           .feature_gates = request.shape.feature_gates,
           .default_runtime = worker.choice.runtime},
          request.parts.node_os.at(worker.choice.node_os).initramfs,
          request.directory / (worker.name + ".img"));
    }));
  }
  for (auto& config : configs) LAB_CHECK_OK(config.get());
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const LabNode& worker = workers[i];
    const NodeChoice& choice = request.shape.workers[i].choice;
    const NodeSystem& system = request.parts.node_os.at(choice.node_os);
    const struct Boot boot {
      .kernel = system.kernel,
      .initramfs = request.directory / (worker.name + ".img"),
      .disk = system.disk, .console = worker.console, .node = worker.name,
      .address = worker.address, .accel = accel, .apparmor = choice.apparmor
    };
    LAB_TRY(auto memory, MakeGuestMemory());
    const auto argv =
        SavableMachine(QemuCommand(machine, boot),
                       fmt::format("/proc/{}/fd/{}", ::getpid(), memory.get()),
                       MonitorOf(request.directory, worker.name));
    savable_.nodes.push_back({worker.name, argv, boot.disk, "", choice});
    memories_.push_back(std::move(memory));
    LAB_TRY(auto qemu,
            Process::Start({.argv = argv,
                            .env = {{"TMPDIR", request.directory.string()}},
                            .log = file_.LogOf("qemu-" + worker.name)}));
    file_.processes.push_back({"qemu-" + worker.name, qemu.id()});
    processes_.push_back(std::move(qemu));
  }
  const auto control = ControlPlaneOf(request, net_);
  Remember(request, control);
  LAB_TRY(auto started, StartServers(control));
  for (auto& process : started) LAB_CHECK_OK(Own(std::move(process)));
  return {};
}

Status VmLab::AwaitApi() {
  const Api api(file_.api_socket);
  std::string last = "nothing";
  std::optional<Error> damage;
  // Before it serves, there is nothing to watch.
  auto ready = WaitUntil("API server", Deadline::In(60s), 50ms, [&] {
    if ((damage = Damage())) return true;
    const auto answer = api.Request({.path = "/readyz", .timeout = 5s});
    last = answer ? answer->body : answer.error().what;
    return answer && answer->status == 200;
  });
  if (damage) return *damage;
  if (!ready) {
    return ready.error().Within("last answer: " + LastLines(Trim(last), 1));
  }
  return {};
}

Status VmLab::MakeObjects() {
  const Api api(file_.api_socket);
  for (const auto& [path, object] : kObjects) {
    const Api::Call call{.method = "POST", .path = path, .body = object};
    LAB_TRY(const auto made, api.Json(call));
  }
  return {};
}

Status VmLab::StartControllers(const VmLabRequest& request) {
  LAB_TRY(auto started, lab::StartControllers(ControlPlaneOf(request, net_)));
  for (auto& process : started) LAB_CHECK_OK(Own(std::move(process)));
  return {};
}

Status VmLab::AwaitNodes(const VmLabRequest& request) {
  NodeJoin join(file_, request.shape);
  const auto deadline = Deadline::In(180s);
  while (true) {
    const auto joined = join.Continue(std::min<Duration>(5s, deadline.Left()));
    for (auto& connection : join.TakeConnections()) {
      LAB_CHECK_OK(Own(std::move(connection)));
    }
    if (joined) return file_.Save();
    if (joined.error().kind != ErrorKind::kTimeout) return joined.error();
    if (const auto damage = Damage()) return *damage;
    if (deadline.Passed()) return joined.error();
  }
}

Status VmLab::MeasureFacts(const std::vector<NodeChoice>& choices,
                           const AccelChoice& accel) {
  file_.facts["accelerator"] = ToString(accel.accel);
  file_.facts["accelerator.reason"] = accel.reason;
  return MeasureLab(file_, [&](std::size_t i, NodeFacts& facts) -> Status {
    const NodeChoice& choice = choices[i];
    // Else every case about AppArmor would be skipped, as if that were asked.
    if (choice.apparmor != (facts["apparmor"] == "Y")) {
      return Error{
          fmt::format("AppArmor was to be {}, and the kernel says enabled={}",
                      choice.apparmor ? "on" : "off", facts["apparmor"])};
    }
    facts["node-os"] = choice.node_os;
    facts["default-runtime"] = choice.runtime;
    return {};
  });
}

Status VmLab::Down() {
  for (auto it = processes_.rbegin(); it != processes_.rend(); ++it) {
    it->Kill();
  }
  processes_.clear();
  return RemoveTree(file_.directory);
}

}  // namespace lab
