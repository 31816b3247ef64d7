// SPDX-License-Identifier: Apache-2.0
// The filters of a process as `lab-node filters` reads them from the kernel,
// and as a file of `runner seccomp dump --format json`.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <set>
#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/seccomp/view.h"

namespace lab::seccomp {

struct InstalledFilter {
  Program program;
  bool log = false;  ///< SECCOMP_FILTER_FLAG_LOG
};

struct Dump {
  std::string subject;  ///< "process 4711", "pod default/web, container c"
  long pid = 0;         ///< where it was read
  std::string command;  ///< its comm
  std::string kernel;   ///< release
  std::set<std::string> capabilities;  ///< bounding set
  bool no_new_privileges = false;
  std::vector<InstalledFilter> filters;  ///< oldest first

  Programs programs() const;
};

/// Why `lab-node filters` ended with another status than 0, in its words. 2 is
/// a usage error: there is nothing to read there.
Error FiltersError(int status, const std::string& said);

/// What `lab-node filters` prints. A process in strict mode is an Error: that
/// is no filter.
Result<Dump> ParseFilters(const std::string& lines, const std::string& subject);

/// For people's tools: the dump with the fate of every call.
nlohmann::json ToJson(const Dump& dump, const View& view);
/// Reads that again; only the programs count, not what was said of them.
Result<Dump> DumpFromJson(const std::string& text, const std::string& name);
/// Whether this is such a file.
bool LooksLikeDump(const std::string& text);

/// The names in a mask of /proc/PID/status: "00000000a80425fb". Those that are
/// younger than this program are numbers: "CAP_45".
std::set<std::string> CapabilitiesFromMask(const std::string& hexadecimal);

}  // namespace lab::seccomp
