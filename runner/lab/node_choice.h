// SPDX-License-Identifier: Apache-2.0
// What a node's labels in a kind config choose for the machine it becomes.
#pragma once

#include <string>

#include "runner/base/result.h"
#include "runner/lab/kind_config.h"

namespace lab {

/// Labels with this prefix are this project's; an unknown one is an error.
inline constexpr char kChoicePrefix[] = "lab.local/";
inline constexpr char kNodeOsLabel[] = "lab.local/node-os";
inline constexpr char kRuntimeLabel[] = "lab.local/runtime";
inline constexpr char kAppArmorLabel[] = "lab.local/apparmor";

struct NodeChoice {
  std::string node_os;   ///< of components.json, unchecked; empty: no choice
  std::string runtime;   ///< "crun" or "runc"; empty: no choice
  bool apparmor = true;  ///< false: the kernel boots without it
};

/// A usage error names the label's file and line, its value and what is known.
Result<NodeChoice> ReadNodeChoice(const KindConfig& config,
                                  const KindNode& node);

/// "FILE:LINE: MESSAGE", of a label of `node`.
Error AtLabel(const KindConfig& config, const KindNode& node,
              const std::string& label, const std::string& message);

}  // namespace lab
