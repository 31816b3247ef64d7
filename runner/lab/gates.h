// SPDX-License-Identifier: Apache-2.0
// Where a kind config sets feature gates, and whether the components will start
// with them. A component that does not know a gate, or may not change it, ends;
// a cluster then does not come up, minutes later and without a word.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runner/base/result.h"
#include "runner/components/feature_gates.h"
#include "runner/lab/kind_config.h"

namespace lab {

/// "A=true,B=false", as --feature-gates takes it; empty for none.
std::string GatesFlag(const std::map<std::string, bool>& gates);

/// The reverse. Since 1.34 a gate may have its component in front, "kube:A".
Result<std::map<std::string, bool>> ParseGatesFlag(const std::string& flag);

/// The places where the config sets gates that stop a component of this
/// version, each as a usage error "FILE:LINE: message", in the order of the
/// file.
std::vector<Error> CheckGates(const KindConfig& config,
                              const FeatureGates& known);

}  // namespace lab
