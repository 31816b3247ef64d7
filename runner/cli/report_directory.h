// SPDX-License-Identifier: Apache-2.0
// Where reports lie when nobody says where.
#pragma once

#include <string>

#include "runner/base/files.h"

namespace lab {

/// reports/runs/TIME-ID below the project's root; not made yet.
Path NewReportDirectory(const Path& home, const std::string& id);

/// reports/latest, for people; nothing depends on it.
void PointLatestAt(const Path& home, const Path& directory);

}  // namespace lab
