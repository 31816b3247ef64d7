// SPDX-License-Identifier: Apache-2.0
// Docker or Podman, asked through its command line, which is what kind does.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runner/cluster/lab_file.h"
#include "runner/process/process.h"

namespace lab {

class ContainerEngine {
 public:
  /// Bridges of its networks begin with `bridge_prefix`, at most 8 characters;
  /// empty: as the engine names them. Docker only.
  explicit ContainerEngine(LabEngine at, std::string bridge_prefix = "")
      : at_(std::move(at)), bridge_prefix_(std::move(bridge_prefix)) {}

  const LabEngine& at() const { return at_; }
  /// Whether containers belong to a daemon; else they are descendants of
  /// whoever asked for them, and end with these under `runner __guard`.
  bool has_daemon() const { return !IsPodman(); }
  /// docker --host HOST arguments...
  std::vector<std::string> Argv(std::vector<std::string> arguments) const;
  Result<std::string> Run(std::vector<std::string> arguments,
                          Duration timeout = 60s) const;

  /// What kind needs in its environment to make a cluster here, on `network`.
  std::map<std::string, std::string> KindEnvironment(
      const std::string& network) const;

  /// The engine's version; an error if it does not answer.
  Result<std::string> Version() const;

  /// Makes sure that the engine has image `tag`, from a docker-archive of it.
  /// Older ones are removed, see RemoveOthers.
  Status ProvideImage(const std::string& tag, const Path& archive) const;

  /// Removes images whose tags differ from `tag`, NAME:VERSION-KEY, in the key
  /// only, and that no container uses.
  void RemoveOthers(const std::string& tag) const;

  /// Makes a network that belongs to the lab in `directory`.
  Status MakeNetwork(const std::string& name, const Path& directory) const;

  /// Takes back that kind asks for nodes to be started again when they end.
  Status NeverRestart(const std::vector<std::string>& nodes) const;

  /// Removes the networks of the lab, with every container on them and the
  /// volumes that these had; says what it removed, a line each. Goes on after
  /// SIGINT. Nothing else is touched: containers are known by the network, and
  /// it by its label.
  Result<std::vector<std::string>> RemoveLab(const LabFile& lab) const;

  /// The way onto a node that is a container.
  NodeLogin LoginTo(const std::string& container) const;

 private:
  bool IsPodman() const { return at_.provider == "podman"; }
  Result<std::vector<std::string>> TagsOf(const std::string& tag) const;
  Result<std::vector<std::string>> Words(
      std::vector<std::string> arguments) const;
  Result<std::vector<std::string>> RemoveContainersOn(
      const std::string& network) const;
  Status RemoveNodeVolumes(const std::string& cluster) const;

  LabEngine at_;
  std::string bridge_prefix_;
};

/// Whether `name` is that of a node of the kind cluster. On Podman it is also
/// the label which kind gives to the node's volume.
bool IsNodeOf(const std::string& cluster, const std::string& name);

/// Why an engine cannot be used, and the command that mends it.
struct EngineLack {
  std::string why;
  std::string mend;
};

/// An engine that can be used; nullopt, and what is lacking, if there is none.
struct FoundEngine {
  std::optional<ContainerEngine> engine{};
  std::string version{};
  EngineLack lack{};
};

/// The daemon that the person's docker command reaches.
FoundEngine FindRunningDocker();

/// Which of kind's providers the person asks for with kind's own variable,
/// KIND_EXPERIMENTAL_PROVIDER; "docker" if with none that kind knows.
std::string WantedProvider();

/// Why kind labs cannot be made with the provider of that name; nothing if
/// they can.
std::optional<EngineLack> WhyNoProvider(const std::string& provider);

}  // namespace lab
