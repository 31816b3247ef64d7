// SPDX-License-Identifier: Apache-2.0
// components/components.json: which versions exist, from which parts they are
// made, and how each part is made. Format: docs/components.md.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/result.h"

namespace lab {

/// A source file that a module is published without, and the program that
/// writes it (pinned by the part's go.mod like all others).
struct GeneratedSource {
  std::string program;  ///< import path
  /// {out} is a directory, {inputs} the inputs joined by commas.
  std::vector<std::string> arguments;
  std::vector<std::string> inputs;
  std::string file;     ///< what the program writes, below {out}
  std::string package;  ///< import path of the package that lacks it
};

/// Files of a module that go into the part beside its programs.
struct ModuleFiles {
  std::string module;
  std::string directory;  ///< in the module
  std::string as;         ///< directory in the part; empty: no such files
};

/// A part that is built from a Go module. Its go.mod and go.sum, which pin and
/// verify every byte of source, lie in components/NAME.
struct GoModulePart {
  std::string name;
  std::string toolchain;                  ///< "go1.26.8"
  std::vector<std::string> packages;      ///< import paths of its programs
  std::vector<GeneratedSource> generate;  ///< before the build
  std::map<std::string, std::string> variables;  ///< for the linker's -X
  std::map<std::string, std::string> rename;     ///< program -> wanted name
  ModuleFiles files;
  int cold_build_seconds = 0;  ///< expectation, for people
  std::string about;
};

/// A node operating system: a Debian suite, made by mmdebstrap.
struct NodeOsPart {
  std::string name;  ///< the suite
  std::vector<std::string> packages;
  /// Runtimes of the suite that cannot run pods here -> why.
  std::map<std::string, std::string> unusable_runtimes;
  int cold_build_seconds = 0;
  std::string about;
};

/// A version of kubeadm's configuration.
struct KubeadmApi {
  std::string name;             ///< "kubeadm.k8s.io/v1beta4"
  bool argument_lists = false;  ///< extraArgs: a list, or else a mapping
  /// JSON: the fields of a ClusterConfiguration that ask for ECDSA keys.
  std::string ecdsa;
};

/// A Kubernetes version and the parts it is run with.
struct KubernetesVersion {
  std::string version;
  std::string control_plane;  ///< name of a GoModulePart
  std::string etcd;
  std::string containerd;
  std::string crictl;
  KubeadmApi kubeadm_api;
  std::string kube_proxy;  ///< of its kind nodes
};

/// An image of kind's nodes that its makers have published.
struct KindNodeImageEntry {
  std::string kubernetes;  ///< "1.36.4"
  std::string image;       ///< NAME:TAG@sha256:DIGEST
};

/// What kind and the image of its nodes are made of, beside the parts of a
/// Kubernetes version: names of GoModuleParts, and a Debian root.
struct KindTable {
  std::string kind;
  std::string cni_plugins;
  std::string coredns;
  NodeOsPart root;
  std::vector<KindNodeImageEntry> node_images;

  /// The published image of a Kubernetes version; without one, the newest of
  /// the same minor version. A usage error names what there is.
  Result<KindNodeImageEntry> FindNodeImage(const std::string& kubernetes) const;
};

struct ComponentTable {
  std::string default_kubernetes;
  std::string default_node_os;
  std::vector<KubernetesVersion> kubernetes;
  std::vector<GoModulePart> go_modules;
  std::vector<NodeOsPart> node_os;
  KindTable kind;
  NodeOsPart apparmor_host;  ///< root of the machine of `make kind-apparmor`

  /// "1.36.3", or "1.36" for the newest of that minor version; a usage error
  /// names what exists.
  Result<KubernetesVersion> FindKubernetes(const std::string& version) const;
  Result<GoModulePart> FindGoModule(const std::string& name) const;
  Result<NodeOsPart> FindNodeOs(const std::string& name) const;
};

/// Reads and checks the table: every reference must resolve, every field be
/// known. `home` is the project's root.
Result<ComponentTable> LoadComponentTable(const Path& home);

}  // namespace lab
