// SPDX-License-Identifier: Apache-2.0
// The kind lab: a cluster of containers of Docker or Podman, made by kind
// itself from the person's config as it is. Its nodes share the host's kernel.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/components/kind_parts.h"
#include "runner/lab/container_engine.h"
#include "runner/lab/host_settings.h"
#include "runner/lab/kind_config.h"
#include "runner/lab/lab.h"
#include "runner/lab/namespace_entry.h"
#include "runner/lab/private_docker.h"
#include "runner/process/process.h"

namespace lab {

struct KindLabRequest {
  std::string name;
  Path home;  ///< the project's root
  Path cache;
  Path directory;     ///< the lab's own; made here, removed by Down
  KindConfig config;  ///< its file is what kind is given
  KubernetesVersion kubernetes;
  KindParts parts;
  std::string provider = "docker";  ///< kind's; see WantedProvider
  /// Of the nodes, made elsewhere; empty: that of the parts.
  std::string node_image{};
  bool offline = false;  ///< pull nothing
};

/// A usage error names file and line of what only the vm lab can do.
Status CheckForKindLab(const KindConfig& config);

/// The program that makes the cluster: the person's own, if it is no older than
/// the one of the parts, which this was tried with.
struct KindProgram {
  Path path;
  std::string version;
};
Result<KindProgram> ChooseKind(const Path& part);

class KindLab : public Lab {
 public:
  /// Brings the lab up: every node Ready, its configuration as asked for, facts
  /// measured, lab.json written with state "up". On failure everything is
  /// ended, and the directory is left to the caller, for the logs in it; what
  /// could not be ended is in the error, and the state is kLeftState.
  static Result<std::unique_ptr<Lab>> Up(const KindLabRequest& request,
                                         Progress& progress);
  ~KindLab() override;

  const LabFile& file() const override { return file_; }
  Status Down() override;

 private:
  KindLab() = default;

  Status Start(const KindLabRequest& request, Progress& progress);
  Status ProvideEngine(const KindLabRequest& request, Progress& progress);
  Status MakeNetwork(const KindLabRequest& request);
  Status ProvideImage(const KindLabRequest& request);
  Status CreateCluster(const KindLabRequest& request);
  Status JoinNodes(const KindLabRequest& request);
  Status FindNodes(const KindConfig& config);
  Status Watch();
  Status AwaitNodes();
  Status ImportImages(const KindLabRequest& request);
  Status MakeObjects();
  Status Measure(const KindLabRequest& request);
  void KeepNodeLogs();
  /// Ends containers and processes; the directory stays. An error says what is
  /// left.
  Status End();

  LabFile file_;
  std::string image_;  ///< of the nodes
  std::optional<ContainerEngine> engine_;
  std::optional<PrivateDocker> private_docker_;
  std::optional<HostSettings> settings_;
  std::vector<NamespaceEntry> entries_;  ///< the ways onto the nodes
  std::vector<Process> processes_;
};

}  // namespace lab
