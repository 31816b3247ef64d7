// SPDX-License-Identifier: Apache-2.0
// A dockerd of our own, for machines where none runs and the user is root. All
// labs of one cache share it; it ends with the last of them, however that ends.
//
//   CACHE/docker/data          images, kept from one time to the next
//   CACHE/docker/use.lock      shared by every lab that uses it
//   CACHE/docker/alive.lock    held by its supervisor
//   CACHE/docker/run/          socket and configuration, while it runs
//   CACHE/docker/dockerd.log   of the last time
//
// It runs in PID and mount namespaces of its own, so that the kernel itself
// ends containers, shims and mounts when it ends, and changes nothing of the
// host's firewall: no iptables rules, no docker0, no forwarding. What it makes
// in the host's network namespace is one bridge for each lab's network.
#pragma once

#include <string>
#include <vector>

#include "runner/lab/container_engine.h"

namespace lab {

/// One lab's share in it.
class PrivateDocker {
 public:
  /// Joins the one of this cache, or starts it. A provision error names the
  /// end of its log.
  static Result<PrivateDocker> Use(const Path& cache);

  const ContainerEngine& engine() const { return engine_; }

 private:
  PrivateDocker(ContainerEngine engine, FileLock share)
      : engine_(std::move(engine)), share_(std::move(share)) {}
  ContainerEngine engine_;
  FileLock share_;
};

/// Why this machine could not run one; empty if it could.
std::optional<EngineLack> WhyNoPrivateDocker();

/// The body of `runner __dockerd CACHE`: owns the daemon until no lab shares
/// it any more.
int PrivateDockerMain(const Path& cache);

/// The body of `runner __docker-init -- dockerd...`, the first process of its
/// namespaces.
int DockerInitMain(const std::vector<std::string>& argv);

/// Whether `engine` is the one of this cache.
bool IsPrivateDocker(const Path& cache, const LabEngine& engine);

/// Waits until the daemon of this cache has ended, unless a lab uses it.
void AwaitPrivateDockerEnd(const Path& cache);

/// Removes what the daemon of this cache left when it was killed: in the host's
/// network and control groups, and containers in its files; says what, a line
/// each. Nothing while a lab uses it; waits for one that is just ending.
std::vector<std::string> CleanUpAfterPrivateDocker(const Path& cache);

}  // namespace lab
