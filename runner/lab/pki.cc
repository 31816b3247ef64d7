// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/pki.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/process/process.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

std::string ConfigPath(const PkiRequest& request) {
  return (request.directory / "kubeadm.yaml").string();
}

Status Kubeadm(const PkiRequest& request, std::vector<std::string> argv) {
  argv.insert(argv.begin(), request.kubeadm.string());
  argv.insert(argv.end(), {"--config", ConfigPath(request)});
  const auto made = RunOk({.argv = std::move(argv), .timeout = 60s});
  if (!made) return made.error();
  return {};
}

}  // namespace

// The advertised address must not be a loopback one; nobody connects to it. The
// CRI socket is nobody's either: named, so that kubeadm does not look for one
// on this machine. P-256: a handshake costs an emulated CPU a tenth of RSA's.
std::string KubeadmConfig(const PkiRequest& request) {
  const json init = {
      {"apiVersion", request.kubeadm_api.name},
      {"kind", "InitConfiguration"},
      {"localAPIEndpoint",
       {{"advertiseAddress", kHostSeenByGuest},
        {"bindPort", request.api_port}}},
      {"nodeRegistration",
       {{"name", "control-plane"},
        {"criSocket", "unix:///run/containerd/containerd.sock"}}}};
  json cluster = {
      {"apiVersion", request.kubeadm_api.name},
      {"kind", "ClusterConfiguration"},
      {"kubernetesVersion", "v" + request.kubernetes},
      {"certificatesDir", (request.directory / "pki").string()},
      {"controlPlaneEndpoint", fmt::format("127.0.0.1:{}", request.api_port)},
      {"apiServer",
       {{"certSANs", {"127.0.0.1", kHostSeenByGuest, "localhost"}}}},
      {"networking", {{"serviceSubnet", "10.96.0.0/16"}}}};
  cluster.merge_patch(json::parse(request.kubeadm_api.ecdsa));
  return init.dump(2) + "\n---\n" + cluster.dump(2) + "\n";
}

Status MakePki(const PkiRequest& request) {
  LAB_CHECK_OK(WriteFile(ConfigPath(request), KubeadmConfig(request)));
  LAB_CHECK_OK(Kubeadm(request, {"init", "phase", "certs", "all"}));
  const std::string directory = request.directory.string();
  LAB_CHECK_OK(Kubeadm(request, {"init", "phase", "kubeconfig", "all",
                                 "--kubeconfig-dir", directory}));
  // Before 1.29 kubeadm makes no super-admin.conf: admin.conf is as powerful.
  const Path super_admin = request.directory / "super-admin.conf";
  if (!fs::exists(super_admin)) {
    LAB_TRY(const auto admin, ReadFile(request.directory / "admin.conf"));
    LAB_CHECK_OK(WriteFile(super_admin, admin, 0600));
  }
  // The controllers are told to reach the API server where nodes do; here they
  // run beside it.
  for (const char* name : {"admin.conf", "super-admin.conf",
                           "controller-manager.conf", "scheduler.conf"}) {
    const Path file = request.directory / name;
    LAB_TRY(const auto text, ReadFile(file));
    LAB_CHECK_OK(
        WriteFile(file, ReplaceAll(text, kHostSeenByGuest, "127.0.0.1"), 0600));
  }
  return {};
}

Result<std::string> NodeKubeconfig(const PkiRequest& request,
                                   const std::string& node) {
  LAB_TRY(const auto text,
          RunOk({.argv = {request.kubeadm.string(), "kubeconfig", "user",
                          "--client-name", "system:node:" + node, "--org",
                          "system:nodes", "--config", ConfigPath(request)}}));
  return ReplaceAll(
      text, "https://127.0.0.1:", fmt::format("https://{}:", kHostSeenByGuest));
}

Result<Certificate> KubeletServingCertificate(const Path& directory,
                                              const std::string& node,
                                              const std::string& address) {
  const Path key = directory / (node + "-serving.key");
  LAB_TRY(
      const auto certificate,
      RunOk({.argv = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                      "ec_paramgen_curve:P-256", "-nodes", "-days", "365",
                      "-subj", "/CN=" + node, "-addext",
                      fmt::format("subjectAltName=DNS:{},IP:{}", node, address),
                      "-keyout", key.string()}}));
  LAB_TRY(const auto key_text, ReadFile(key));
  return Certificate{certificate, key_text};
}

Status MakeSshKeys(const Path& directory) {
  for (const char* name : {"ssh_key", "host_key"}) {
    const auto made =
        RunOk({.argv = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C",
                        "confinement-lab", "-f", (directory / name).string()}});
    if (!made) return made.error();
  }
  return {};
}

}  // namespace lab
