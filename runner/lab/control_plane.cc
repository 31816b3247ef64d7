// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/control_plane.h"

#include <fmt/format.h>

namespace lab {
namespace {

constexpr int kEtcdPort = 2379;
constexpr int kEtcdPeerPort = 2380;

class Starter {
 public:
  explicit Starter(const ControlPlaneRequest& request) : request_(request) {}

  Status Start(const Path& program, std::vector<std::string> argv,
               const std::vector<Argument>& extra = {}) {
    argv.insert(argv.begin(), program.string());
    for (const auto& [name, value] : extra) {
      argv.push_back(fmt::format("--{}={}", name, value));
    }
    const std::string log = program.filename().string() + ".log";
    LAB_TRY(auto process,
            Process::Start({.argv = std::move(argv),
                            .directory = request_.directory,
                            .log = request_.directory / "logs" / log}));
    processes_.push_back(std::move(process));
    return {};
  }

  std::vector<Process> Take() { return std::move(processes_); }

 private:
  const ControlPlaneRequest& request_;
  std::vector<Process> processes_;
};

std::vector<std::string> EtcdArgs(const std::string& address) {
  const auto url = [&](int port) {
    return fmt::format("http://{}:{}", address, port);
  };
  // A lab does not outlive its processes: nothing need reach the disk.
  return {"--data-dir",
          "etcd",
          "--unsafe-no-fsync",
          "--log-level",
          "warn",
          "--listen-client-urls",
          url(kEtcdPort),
          "--advertise-client-urls",
          url(kEtcdPort),
          "--listen-peer-urls",
          url(kEtcdPeerPort),
          "--initial-advertise-peer-urls",
          url(kEtcdPeerPort),
          "--initial-cluster",
          "default=" + url(kEtcdPeerPort)};
}

std::vector<std::string> ApiServerArgs(const std::string& etcd, int port) {
  return {
      fmt::format("--etcd-servers=http://{}:{}", etcd, kEtcdPort),
      fmt::format("--secure-port={}", port), "--bind-address=127.0.0.1",
      "--advertise-address=10.0.2.2", "--client-ca-file=pki/ca.crt",
      "--tls-cert-file=pki/apiserver.crt",
      "--tls-private-key-file=pki/apiserver.key",
      "--kubelet-client-certificate=pki/apiserver-kubelet-client.crt",
      "--kubelet-client-key=pki/apiserver-kubelet-client.key",
      "--service-account-key-file=pki/sa.pub",
      "--service-account-signing-key-file=pki/sa.key",
      "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
      "--service-cluster-ip-range=10.96.0.0/16",
      "--authorization-mode=Node,RBAC",
      "--enable-admission-plugins=NodeRestriction", "--allow-privileged=true",
      "--endpoint-reconciler-type=none",
      // Nodes are reached at the loopback addresses that QEMU forwards.
      "--kubelet-preferred-address-types=InternalIP"};
}

}  // namespace

Result<std::vector<Process>> StartServers(const ControlPlaneRequest& request) {
  const std::string own = request.net->Address(1);
  Starter starter(request);
  LAB_CHECK_OK(starter.Start(request.etcd / "etcd", EtcdArgs(own)));
  LAB_CHECK_OK(starter.Start(request.programs / "kube-apiserver",
                             ApiServerArgs(own, request.net->ApiPort()),
                             request.apiserver_args));
  // The proxy's own filter would refuse exec; its socket is the owner's only.
  LAB_CHECK_OK(
      starter.Start(request.programs / "kubectl",
                    {"--kubeconfig=super-admin.conf", "proxy",
                     "--unix-socket=api.sock", "--disable-filter=true"}));
  return starter.Take();
}

Result<std::vector<Process>> StartControllers(
    const ControlPlaneRequest& request) {
  const std::string own = request.net->Address(1);
  Starter starter(request);
  LAB_CHECK_OK(starter.Start(request.programs / "kube-controller-manager",
                             {"--kubeconfig=controller-manager.conf",
                              "--use-service-account-credentials",
                              "--service-account-private-key-file=pki/sa.key",
                              "--root-ca-file=pki/ca.crt",
                              "--bind-address=" + own, "--leader-elect=false"},
                             request.controller_manager_args));
  LAB_CHECK_OK(starter.Start(request.programs / "kube-scheduler",
                             {"--kubeconfig=scheduler.conf",
                              "--bind-address=" + own, "--leader-elect=false"},
                             request.scheduler_args));
  return starter.Take();
}

}  // namespace lab
