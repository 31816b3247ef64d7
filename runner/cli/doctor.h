// SPDX-License-Identifier: Apache-2.0
// What this machine has, what it lacks for a lab, and the command that mends
// it: `runner doctor`, and the check before every run.
#pragma once

#include <string>
#include <vector>

#include "runner/cli/options.h"

namespace lab {

struct LabPlan;

struct Finding {
  enum class Level {
    kGood,
    kNote,     ///< works, but worth knowing
    kMissing,  ///< a run would fail
  };
  std::string name;  ///< "QEMU"
  Level level = Level::kGood;
  std::string seen;
  std::string mend;  ///< a command; empty if nothing is missing
};

/// Looks, and changes nothing. Well under a second.
std::vector<Finding> Diagnose(const Context& context, const LabPlan& plan);

}  // namespace lab
