// SPDX-License-Identifier: Apache-2.0
// Certificates and kubeconfigs of a lab, all made by kubeadm, and its ssh keys.
#pragma once

#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/result.h"
#include "runner/components/table.h"

namespace lab {

struct PkiRequest {
  Path kubeadm;
  Path directory;          ///< gets pki/, kubeadm.yaml and *.conf
  std::string kubernetes;  ///< "1.36.3"
  KubeadmApi kubeadm_api;
  int api_port = 0;
};

/// The address at which QEMU's user network shows the host to a guest.
inline constexpr const char* kHostSeenByGuest = "10.0.2.2";

/// Makes pki/ and the kubeconfigs admin.conf, super-admin.conf,
/// controller-manager.conf and scheduler.conf, all for 127.0.0.1.
Status MakePki(const PkiRequest& request);

/// kubeadm's configuration: two documents, JSON, which kubeadm reads as YAML.
std::string KubeadmConfig(const PkiRequest& request);

/// A kubelet's kubeconfig (user system:node:NAME), for the host as guests see
/// it.
Result<std::string> NodeKubeconfig(const PkiRequest& request,
                                   const std::string& node);

struct Certificate {
  std::string certificate;  ///< PEM
  std::string key;
};

/// What a kubelet serves with. Self-signed, as the kubelet would make it
/// itself, but here and with P-256: an emulated CPU takes seconds for RSA.
Result<Certificate> KubeletServingCertificate(const Path& directory,
                                              const std::string& node,
                                              const std::string& address);

/// Makes ssh_key, ssh_key.pub (the lab's own) and host_key, host_key.pub
/// (shared by its nodes) in `directory`.
Status MakeSshKeys(const Path& directory);

}  // namespace lab
