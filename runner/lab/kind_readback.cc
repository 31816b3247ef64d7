// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/kind_readback.h"

namespace lab {
std::vector<std::string> Differences(const KindConfig&, const KindNode&,
                                     const KubeadmApi&,
                                     const NodeConfiguration&) {
  return {};
}
Status CheckReadBack(const LabFile&, const KindConfig&, const KubeadmApi&) {
  return {};
}
}  // namespace lab
