// SPDX-License-Identifier: Apache-2.0
#include "runner/seccomp/documents.h"

#include <cerrno>
#include <nlohmann/json.hpp>

namespace lab::seccomp {

using nlohmann::json;

Result<DocumentedLists> LoadDocumentedLists(const Path& home) {
  const Path file = home / "fixtures" / "seccomp" / "documents.json";
  LAB_TRY(const auto text, ReadFile(file));
  try {
    const json from = json::parse(text);
    DocumentedLists lists;
    lists.last_number = from.at("last-number");
    lists.not_tried = from.at("not-tried").get<std::set<std::string>>();
    for (const auto& one : from.at("lists")) {
      lists.blocked[one.at("statement")] =
          one.at("blocked").get<std::set<std::string>>();
    }
    return lists;
  } catch (const json::exception& e) {
    return Error{file.string() + ": " + e.what()};
  }
}

std::set<std::string> BlockedForTheTool(const View& view,
                                        const DocumentedLists& lists) {
  std::set<std::string> blocked;
  for (const auto& call : view.front().calls) {
    if (call.number > lists.last_number ||
        lists.not_tried.count(call.name) != 0) {
      continue;
    }
    const int number = OutcomeAt(call.decisions, CallData{}).errno_number();
    if (number == EPERM || number == EACCES) blocked.insert(call.name);
  }
  return blocked;
}

}  // namespace lab::seccomp
