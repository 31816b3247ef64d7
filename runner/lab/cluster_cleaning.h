// SPDX-License-Identifier: Apache-2.0
// What a kubeconfig lab has made in its cluster and on the nodes, and its end.
#pragma once

#include <string>
#include <vector>

#include "runner/cluster/lab_file.h"
#include "runner/process/process.h"

namespace lab {

/// `kubectl proxy` on lab.api_socket, for the cluster of lab.kubeconfig; it
/// serves when this returns. An Error has its last words.
Result<Process> StartApiProxy(const LabFile& lab);

/// Removes it all, and says what, a line each. It needs nothing of the lab but
/// its file, and is deaf to interruptions. First goes what cases left that were
/// cut off, then profiles and files on the nodes, and last the way onto these.
/// An Error tells what is left, and that the rest is removed.
Result<std::vector<std::string>> RemoveFromCluster(const LabFile& lab);

}  // namespace lab
