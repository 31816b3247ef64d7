// SPDX-License-Identifier: Apache-2.0
// What a matrix will run, resolved and checked before anything is built; how
// it is kept in a report directory; and which combinations of an earlier run
// need not run again.
//
// The truth about a combination is DIRECTORY/NAME/records.jsonl. The plan is
// all that is added to it: matrix.json, written when the matrix begins.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "runner/cli/matrix_file.h"
#include "runner/cli/options.h"
#include "runner/cli/provision.h"
#include "runner/report/record.h"

namespace lab {

constexpr const char* kMatrixJson = "matrix.json";

struct PlannedCombination {
  Combination combination;
  LabOptions options;
  LabPlan lab;
  std::vector<std::string> cases;  ///< ids, in the catalog's order

  const std::string& name() const { return combination.name; }
};

struct MatrixPlan {
  MatrixFile file;
  std::string suite;
  std::string catalog_sha256;
  std::vector<std::string> cases;  ///< of any combination, the catalog's order
  std::vector<PlannedCombination> combinations;
  /// Names of those in which `--filter` selects nothing.
  std::vector<std::string> left_out;
};

/// Loads and checks everything. Errors name the line of the combination.
Result<MatrixPlan> PlanMatrix(const Context& context,
                              const RunOptions& options);

/// What of a plan decides what is run, as matrix.json keeps it.
nlohmann::json PlanToJson(const MatrixPlan& plan);

/// Success if `plan` is what matrix.json (`kept`) was written for; else a usage
/// error that says what has changed since.
Status CheckSamePlan(const nlohmann::json& kept, const MatrixPlan& plan,
                     const Path& directory);

/// What the records of a combination say. All its planned cases are in it, also
/// when there are no records, and the facts that the plan knows.
RunState ReadCombination(const PlannedCombination& combination,
                         const std::string& suite, const Path& directory);

/// True if the run ended by itself, however it ended.
bool HasFinished(const RunState& run);

/// Directories of reports/runs that hold a matrix.json of the same file and
/// suite, the newest first.
std::vector<Path> EarlierRuns(const Path& home, const MatrixPlan& plan);

/// The run that `--resume` continues: `report_dir` if it is not empty, else the
/// newest of EarlierRuns of which a combination has not finished. A usage error
/// if its plan was another.
Result<Path> FindResumable(const Path& home, const std::string& report_dir,
                           const MatrixPlan& plan);

/// Seconds that each combination took when the same cases last finished in it.
std::map<std::string, double> LastSeconds(const Path& home,
                                          const MatrixPlan& plan);

}  // namespace lab
