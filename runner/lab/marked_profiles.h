// SPDX-License-Identifier: Apache-2.0
// AppArmor profiles on a kernel that outlives the lab: that of the host, which
// the nodes of kind share.
#pragma once

#include <string>
#include <vector>

#include "runner/cluster/lab_file.h"

namespace lab {

/// Takes every profile with the lab's mark out of the kernel, and says which.
/// Through a node that answers; where none does any more, on this host itself,
/// which takes root. Goes on after SIGINT. To be called while the nodes are
/// still there. An error names what is left, and the command that removes it.
Result<std::vector<std::string>> RemoveMarkedProfiles(const LabFile& lab);

}  // namespace lab
