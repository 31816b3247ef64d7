// SPDX-License-Identifier: Apache-2.0
// The container images that scenarios run. They are made here, from the node's
// own static busybox and the project's probes; nothing is ever pulled.
#pragma once

#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/result.h"

namespace lab {

inline constexpr const char* kPauseImage = "lab.local/pause:1";
inline constexpr const char* kBusyboxImage = "lab.local/busybox:1";
inline constexpr const char* kLoaderImage = "lab.local/apparmor-loader:1";

struct ImageInputs {
  Path busybox;  ///< a static busybox
  Path pause;    ///< the sandbox's process
  Path probe;    ///< suites/probes/probe.cc, becomes /bin/probe
  Path seccomp;  ///< suites/probes/seccomp, becomes /bin/lab-seccomp
  Path loader;   ///< suites/probes/loader.cc, becomes /loader
};

/// Of a node's Debian root, and of the directory of the built probes.
ImageInputs ImageInputsIn(const Path& root, const Path& probes);

/// Writes pause.tar, busybox.tar and apparmor-loader.tar (docker-archive, which
/// `ctr images import` and `kind load` read) into `into` and returns their
/// paths.
Result<std::vector<Path>> MakeImages(const ImageInputs& inputs,
                                     const Path& into);

}  // namespace lab
