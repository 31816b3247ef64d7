// SPDX-License-Identifier: Apache-2.0
// suites/statements.json: what the documents say, statement by statement; and
// docs/not-tested.md: which of it is not tested, and why. That a scenario
// tests a statement is said by the catalogs, and nowhere else.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runner/cli/catalog.h"

namespace lab {

struct Statement {
  std::string id;        ///< "S0-26"
  std::string document;  ///< "AppArmor tutorial (ja)"
  /// behaviour, definition, procedure; outdated (once true), wrong
  std::string kind;
  std::string claim;
  /// Statements whose scenarios stand for this one too.
  std::vector<std::string> see;
  /// The same statement in another document: `see` names the original.
  bool repeats = false;
};

/// In the order of the file; what repeats another statement comes last. An
/// error names the file and the entry.
Result<std::vector<Statement>> LoadStatements(const Path& home);

const Statement* FindStatement(const std::vector<Statement>& statements,
                               const std::string& id);

/// Why a statement (or a scenario that one might miss) is not tested, by id:
/// the table rows of docs/not-tested.md, whose first cell holds ids.
Result<std::map<std::string, std::string>> LoadNotTested(const Path& home);
std::map<std::string, std::string> ParseNotTested(std::string_view markdown);

/// Which scenarios test a statement: those that name it, and those of the
/// statements it refers to.
std::vector<std::string> ScenariosOf(const Statement& statement,
                                     const std::vector<Statement>& statements,
                                     const std::vector<Scenario>& scenarios);

/// Why it is not tested: its own entry, or that of one it refers to.
std::string ReasonNotTested(const Statement& statement,
                            const std::vector<Statement>& statements,
                            const std::map<std::string, std::string>& reasons);

}  // namespace lab
