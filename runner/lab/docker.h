// SPDX-License-Identifier: Apache-2.0
// A Docker daemon, asked through its command line, which is what kind does.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner/cluster/lab_file.h"
#include "runner/process/process.h"

namespace lab {

class Docker {
 public:
  /// `host` as --host takes it: "unix:///run/docker.sock".
  /// Bridges of its networks begin with `bridge_prefix`, at most 8 characters;
  /// empty: as the daemon names them.
  explicit Docker(std::string host, std::string bridge_prefix = "")
      : host_(std::move(host)), bridge_prefix_(std::move(bridge_prefix)) {}

  const std::string& host() const { return host_; }
  /// docker --host HOST arguments...
  std::vector<std::string> Argv(std::vector<std::string> arguments) const;
  Result<std::string> Run(std::vector<std::string> arguments,
                          Duration timeout = 60s) const;

  /// The daemon's version; an error if it does not answer.
  Result<std::string> Version() const;

  /// Makes sure that the daemon has image `tag`, from a docker-archive of it.
  /// Older ones are removed, see RemoveOthers.
  Status ProvideImage(const std::string& tag, const Path& archive) const;

  /// Removes images whose tags differ from `tag`, NAME:VERSION-KEY, in the key
  /// only, and that no container uses.
  void RemoveOthers(const std::string& tag) const;

  /// Makes a network that belongs to the lab in `directory`.
  Status MakeNetwork(const std::string& name, const Path& directory) const;

  /// Removes the networks of the lab in `directory`, with every container on
  /// them and its anonymous volumes; says what it removed, a line each. Goes
  /// on after SIGINT. Nothing else is touched: containers are known by the
  /// network, and it by its label.
  Result<std::vector<std::string>> RemoveLab(const Path& directory) const;

  /// The way onto a node that is a container.
  NodeLogin LoginTo(const std::string& container) const;

 private:
  Result<std::vector<std::string>> TagsOf(const std::string& tag) const;
  Result<std::vector<std::string>> Words(
      std::vector<std::string> arguments) const;
  std::string host_;
  std::string bridge_prefix_;
};

/// The daemon that the person's docker command reaches; nullopt, and why, if
/// there is none.
struct FoundDocker {
  std::optional<Docker> docker;
  std::string version;
  std::string why;
};
FoundDocker FindRunningDocker();

/// Why kind labs cannot be made with the provider of that name, as kind's own
/// variable KIND_EXPERIMENTAL_PROVIDER has it; nothing if they can.
std::optional<std::string> WhyNoProvider(const std::string& provider);

}  // namespace lab
