// SPDX-License-Identifier: Apache-2.0
// Podman for kind labs: root's, as it is configured. Where the host's root
// lacks capabilities, a lab has a configuration of its own, which names the OCI
// runtime that copes with it (oci_wrapper.h):
//
//   LABDIR/podman/containers.conf
//   LABDIR/podman/runtime          what Podman starts as an OCI runtime
#pragma once

#include "runner/lab/container_engine.h"

namespace lab {

/// Whether kind labs can be made with this machine's Podman.
FoundEngine FindPodman();

/// Podman for the lab in `directory`, which exists.
Result<ContainerEngine> PodmanFor(const Path& directory);

/// Writes to `directory` the configuration above, with `wrapper` (a command
/// whose arguments are to follow) as the OCI runtime; where it is.
Result<Path> WritePodmanConfig(const Path& directory,
                               const std::vector<std::string>& wrapper);

}  // namespace lab
