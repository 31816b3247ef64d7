// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/statements.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "runner/base/text.h"

namespace lab {
namespace {

using nlohmann::json;
using Documents = std::map<std::string, std::string>;

constexpr const char* kKinds[] = {"behaviour", "definition", "procedure",
                                  "outdated", "wrong"};

Status CheckFields(const json& object, const std::set<std::string>& known) {
  for (const auto& [key, value] : object.items()) {
    if (known.contains(key)) continue;
    return Error{fmt::format("{}: unknown field \"{}\"",
                             object.value("id", "an entry"), key)};
  }
  return {};
}

Result<std::string> DocumentOf(const std::string& id,
                               const Documents& documents) {
  const auto known = documents.find(id.substr(0, id.find('-')));
  if (known != documents.end()) return known->second;
  return Error{id + ": of no document of the list"};
}

Result<Statement> ReadStatement(const json& j, const Documents& documents) {
  LAB_CHECK_OK(CheckFields(j, {"id", "kind", "claim", "see"}));
  Statement statement{.id = j.at("id"),
                      .document = "",
                      .kind = j.at("kind"),
                      .claim = j.at("claim"),
                      .see = {},
                      .repeats = false};
  statement.see = j.value("see", statement.see);
  if (std::count(std::begin(kKinds), std::end(kKinds), statement.kind) == 0) {
    return Error{
        fmt::format("{}: unknown kind \"{}\"", statement.id, statement.kind)};
  }
  LAB_TRY(statement.document, DocumentOf(statement.id, documents));
  return statement;
}

// {"ids": "S4-", "first": 1, "last": 3, "of": "S0-"}: S4-1 repeats S0-1, ...
Status AddRepeats(const json& j, const Documents& documents,
                  std::vector<Statement>& statements) {
  LAB_CHECK_OK(CheckFields(j, {"ids", "first", "last", "of"}));
  const std::string ids = j.at("ids");
  const std::string of = j.at("of");
  for (int n = j.at("first"); n <= j.at("last").get<int>(); ++n) {
    const auto original = of + std::to_string(n);
    const auto* found = FindStatement(statements, original);
    if (found == nullptr) {
      return Error{
          fmt::format("{}{} repeats {}, which is not there", ids, n, original)};
    }
    Statement repeat = *found;
    repeat.id = ids + std::to_string(n);
    repeat.see = {original};
    repeat.repeats = true;
    LAB_TRY(repeat.document, DocumentOf(repeat.id, documents));
    statements.push_back(std::move(repeat));
  }
  return {};
}

Status CheckReferences(const std::vector<Statement>& statements) {
  std::set<std::string> ids;
  for (const auto& one : statements) {
    if (!ids.insert(one.id).second) return Error{one.id + " is there twice"};
  }
  for (const auto& one : statements) {
    for (const auto& other : one.see) {
      if (other != one.id && ids.contains(other)) continue;
      return Error{
          fmt::format("{}: see {}: no other statement", one.id, other)};
    }
  }
  return {};
}

Result<std::vector<Statement>> Read(const json& j) {
  LAB_CHECK_OK(CheckFields(j, {"about", "documents", "repeats", "statements"}));
  const Documents documents = j.at("documents");
  std::vector<Statement> statements;
  for (const auto& entry : j.at("statements")) {
    LAB_TRY(auto statement, ReadStatement(entry, documents));
    statements.push_back(std::move(statement));
  }
  for (const auto& entry : j.at("repeats")) {
    LAB_CHECK_OK(AddRepeats(entry, documents, statements));
  }
  LAB_CHECK_OK(CheckReferences(statements));
  return statements;
}

bool Names(const Scenario& scenario, const std::string& statement) {
  return std::count(scenario.statements.begin(), scenario.statements.end(),
                    statement) > 0;
}

// The statement itself, and those it refers to, however far.
std::vector<std::string> WithReferences(
    const Statement& statement, const std::vector<Statement>& statements) {
  std::vector<std::string> ids = {statement.id};
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto* one = FindStatement(statements, ids[i]);
    if (one == nullptr) continue;
    for (const auto& other : one->see) {
      if (std::count(ids.begin(), ids.end(), other) == 0) ids.push_back(other);
    }
  }
  return ids;
}

}  // namespace

Result<std::vector<Statement>> LoadStatements(const Path& home) {
  const Path path = home / "suites" / "statements.json";
  LAB_TRY(const auto text, ReadFile(path));
  try {
    auto statements = Read(json::parse(text));
    if (!statements) return statements.error().Within(path.string());
    return statements;
  } catch (const json::exception& e) {
    return Error{path.string() + ": " + e.what()};
  }
}

const Statement* FindStatement(const std::vector<Statement>& statements,
                               const std::string& id) {
  const auto found =
      std::find_if(statements.begin(), statements.end(),
                   [&](const Statement& one) { return one.id == id; });
  return found == statements.end() ? nullptr : &*found;
}

std::map<std::string, std::string> ParseNotTested(std::string_view markdown) {
  std::map<std::string, std::string> reasons;
  for (const auto& line : Lines(markdown)) {
    const auto cells = Split(line, '|');
    if (cells.size() != 4) continue;  // "", ids, why, ""
    const std::string first(Trim(cells[1]));
    if (first == "ids" || first.starts_with("--")) continue;
    for (const auto& id : Split(first, ',')) {
      reasons[std::string(Trim(id))] = std::string(Trim(cells[2]));
    }
  }
  return reasons;
}

Result<std::map<std::string, std::string>> LoadNotTested(const Path& home) {
  LAB_TRY(const auto text, ReadFile(home / "docs" / "not-tested.md"));
  return ParseNotTested(text);
}

std::vector<std::string> ScenariosOf(const Statement& statement,
                                     const std::vector<Statement>& statements,
                                     const std::vector<Scenario>& scenarios) {
  std::set<std::string> ids;
  for (const auto& id : WithReferences(statement, statements)) {
    for (const auto& scenario : scenarios) {
      if (Names(scenario, id)) ids.insert(scenario.id);
    }
  }
  return {ids.begin(), ids.end()};
}

std::string ReasonNotTested(const Statement& statement,
                            const std::vector<Statement>& statements,
                            const std::map<std::string, std::string>& reasons) {
  for (const auto& id : WithReferences(statement, statements)) {
    if (const auto why = reasons.find(id); why != reasons.end()) {
      return why->second;
    }
  }
  return "";
}

}  // namespace lab
