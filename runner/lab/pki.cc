// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/pki.h"

#include <fmt/format.h>

#include "runner/base/text.h"
#include "runner/process/process.h"

namespace lab {
namespace {

// The advertised address must not be a loopback one; nobody connects to it.
// P-256: a handshake costs an emulated CPU a tenth of RSA's.
std::string KubeadmConfig(const PkiRequest& request) {
  return fmt::format(R"(apiVersion: {api}
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: {host}
  bindPort: {port}
nodeRegistration:
  name: control-plane
---
apiVersion: {api}
kind: ClusterConfiguration
kubernetesVersion: v{version}
certificatesDir: {pki}
controlPlaneEndpoint: 127.0.0.1:{port}
encryptionAlgorithm: ECDSA-P256
apiServer:
  certSANs: [127.0.0.1, {host}, localhost]
networking:
  serviceSubnet: 10.96.0.0/16
)",
                     fmt::arg("api", request.kubeadm_api),
                     fmt::arg("host", kHostSeenByGuest),
                     fmt::arg("port", request.api_port),
                     fmt::arg("version", request.kubernetes),
                     fmt::arg("pki", (request.directory / "pki").string()));
}

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

Status MakePki(const PkiRequest& request) {
  LAB_CHECK_OK(WriteFile(ConfigPath(request), KubeadmConfig(request)));
  LAB_CHECK_OK(Kubeadm(request, {"init", "phase", "certs", "all"}));
  const std::string directory = request.directory.string();
  LAB_CHECK_OK(Kubeadm(request, {"init", "phase", "kubeconfig", "all",
                                 "--kubeconfig-dir", directory}));
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
