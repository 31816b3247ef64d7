// SPDX-License-Identifier: Apache-2.0
// Container images as files: written in docker-archive form, which `docker
// load`, `kind load` and `ctr images import` read, and put into a containerd's
// store.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/result.h"

namespace lab {

/// Writes an image of one layer, a tar file. `config` is the image's config as
/// the OCI image specification has it (Entrypoint, Env...).
Status WriteImageArchive(const Path& archive, const std::string& tag,
                         const Path& layer, const nlohmann::json& config);

struct ImageImport {
  std::vector<Path> archives;
  Path containerd;  ///< the part
  Path root;        ///< of the node; the store is below it
  /// False: the node does so when it first runs the image.
  bool unpack = true;
  /// The kubelet must never collect them, because nobody can pull them.
  bool pinned = false;
  Path log;
};

/// Imports images with the node's own containerd, run on this machine.
Status ImportImages(const ImageImport& import);

/// argv, for a user who is not root as root of a user namespace of his own.
std::vector<std::string> AsRoot(std::vector<std::string> argv);

}  // namespace lab
