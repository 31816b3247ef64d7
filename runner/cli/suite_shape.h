// SPDX-License-Identifier: Apache-2.0
// suites/SUITE/suite.json: the shape of the lab that a suite wants, by version
// of Kubernetes. A suite without that file takes kind-configs/default.yaml.
#pragma once

#include <string>

#include "runner/base/files.h"
#include "runner/base/result.h"

namespace lab {

/// The kind config for a lab of this version that `suite` (empty: none in
/// particular) is to run in. An error if the suite's file has none for it; a
/// usage error names the suites that exist.
Result<Path> UsualConfig(const Path& home, const std::string& suite,
                         const std::string& kubernetes);

}  // namespace lab
