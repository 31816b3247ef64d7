// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/report_directory.h"

#include "runner/base/clock.h"
#include "runner/base/text.h"

namespace lab {
namespace fs = std::filesystem;

Path NewReportDirectory(const Path& home, const std::string& id) {
  return home / "reports" / "runs" /
         (ReplaceAll(TimestampUtc(), ":", "") + "-" + id);
}

void PointLatestAt(const Path& home, const Path& directory) {
  const Path latest = home / "reports" / "latest";
  std::error_code code;
  fs::remove(latest, code);
  fs::create_directory_symlink(directory, latest, code);
}

}  // namespace lab
