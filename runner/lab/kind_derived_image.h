// SPDX-License-Identifier: Apache-2.0
// Nodes of an image that somebody else has made: kind's own from a registry, or
// any other. A layer with what the suites need is laid over it.
#pragma once

#include <string>

#include "runner/base/files.h"
#include "runner/base/result.h"
#include "runner/lab/container_engine.h"

namespace lab {

struct DerivedImageRequest {
  std::string base;        ///< NAME:TAG or NAME:TAG@sha256:DIGEST
  std::string kubernetes;  ///< the wanted version; its minor must be the base's
  Path extras;             ///< the part (kind_extras.h)
  std::string network;     ///< of the lab: what is started is on it
  Path directory;          ///< for kubectl, and for files in between; exists
  bool offline = false;    ///< an image that is not there is an error
};

struct DerivedImage {
  std::string image;
  std::string kubernetes;  ///< the base's, without "v"
  Path kubectl;            ///< the base's own
};

/// Makes sure that the daemon has the image: pulls the base where it is not
/// there, and derives from it, once for each base. The containers that it takes
/// for that are on `network`, and gone in the end.
Result<DerivedImage> ProvideDerivedImage(const ContainerEngine& engine,
                                         const DerivedImageRequest& request);

/// Adds `flags` to what /etc/default/kubelet of a node has.
std::string AddKubeletFlags(const std::string& defaults,
                            const std::vector<std::string>& flags);

/// The containerd configuration of a node, asking for nothing that needs
/// CAP_SYS_RESOURCE: a host's root may lack it. To others it is the same.
std::string WithoutOomScores(const std::string& config);

}  // namespace lab
