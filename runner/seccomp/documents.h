// SPDX-License-Identifier: Apache-2.0
// The lists of blocked calls that the documents print, and what a filter would
// make the same tool print.
#pragma once

#include <map>
#include <set>
#include <string>

#include "runner/base/files.h"
#include "runner/seccomp/view.h"

namespace lab::seccomp {

/// fixtures/seccomp/documents.json.
struct DocumentedLists {
  std::uint32_t last_number = 0;    ///< of x86_64; those above are not tried
  std::set<std::string> not_tried;  ///< names
  std::map<std::string, std::set<std::string>> blocked;  ///< by statement
};

/// `home` is the project's root.
Result<DocumentedLists> LoadDocumentedLists(const Path& home);

/// The calls of x86_64 that the documents' tool would call blocked because of
/// the filter alone: tried by it, and answered with EPERM or EACCES when all
/// arguments are 0. What the kernel itself refuses to the caller comes on top.
std::set<std::string> BlockedForTheTool(const View& view,
                                        const DocumentedLists& lists);

}  // namespace lab::seccomp
