// SPDX-License-Identifier: Apache-2.0
// lab.json: a lab as its users see it, whoever provisioned it. Runner, suites
// and people read it; it is written atomically.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/result.h"
#include "runner/cluster/profile_names.h"
#include "runner/process/process.h"

namespace lab {

/// A way onto a node, as argument vectors: to each, a command line for the
/// node's shell is added as the last argument.
struct NodeLogin {
  std::vector<std::string> command;   ///< hands on stdin; for programs
  std::vector<std::string> terminal;  ///< makes a terminal; for people
};

struct LabNode {
  std::string name;     ///< in Kubernetes
  std::string role;     ///< "control-plane" or "worker"
  std::string address;  ///< where the host reaches it
  Path console;         ///< its console log, if it has one
  std::map<std::string, std::string> labels;
  NodeLogin login;  ///< empty: there is none
};

struct LabProcess {
  std::string name;
  ProcessId id;
};

/// What runs the nodes of a kind lab.
struct LabEngine {
  std::string provider;  ///< as kind calls it: "docker", "podman"; empty: none
  /// Of docker, the daemon ("unix:///..."); of podman, the containers.conf that
  /// it reads instead of the host's, or nothing.
  std::string at;
};

/// Has busybox and the probes; the labs that this project makes have it.
inline constexpr char kFixtureImage[] = "lab.local/busybox:1";

struct LabFile {
  std::string name;
  std::string kind;     ///< "vm", "kind", "kubeconfig"
  std::string created;  ///< UTC
  std::string state;    ///< "starting", "up"
  ProcessId owner;      ///< the process whose end ends the lab
  Path directory;
  Path kubeconfig;
  Path api_socket;  ///< of the kubectl proxy
  Path kubectl;
  std::string kubernetes;
  /// What the fixtures' pods run; they name kFixtureImage.
  std::string image = kFixtureImage;
  /// What AppArmor profiles are called on its nodes.
  ProfileNames profile_names;
  /// Of a kind lab; what is the lab's there, ContainerEngine::RemoveLab knows.
  LabEngine engine;
  std::vector<LabNode> nodes;
  std::vector<LabProcess> processes;
  /// Measured, never asked for: kernel, lsm, kubelet, runtime, accelerator...
  std::map<std::string, std::string> facts;

  std::vector<LabNode> Workers() const;
  /// How to log in to a node; empty if there is none of this name.
  NodeLogin LoginTo(const std::string& node) const;
  /// What was measured on one node; empty if it was not.
  std::string FactOf(const std::string& node, const std::string& fact) const;
  /// Whether the node's kernel has AppArmor on, as the kernel said.
  bool HasAppArmor(const std::string& node) const {
    return FactOf(node, "apparmor") == "Y";
  }
  /// What a process of the lab says.
  Path LogOf(const std::string& process) const {
    return directory / "logs" / (process + ".log");
  }

  Status Save() const { return SaveTo(directory / "lab.json"); }
  Status SaveTo(const Path& file) const;
  /// `path` is the lab.json or the lab's directory.
  static Result<LabFile> Load(const Path& path);
};

/// The state of a lab that has ended, of which something is left that could not
/// be removed then: `runner lab gc` does it.
constexpr const char* kLeftState = "left";

/// Which process of a lab has ended, and what it said last; nullopt if all
/// run. A lab without one of them is damaged.
std::optional<std::string> FindDamage(const LabFile& lab);

}  // namespace lab
