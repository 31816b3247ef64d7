// SPDX-License-Identifier: Apache-2.0
// The records of a run: one JSON object per line, appended while the run goes
// on. They are the truth; junit.xml, report.html and the summary are derived
// from them.
// The format is described by reports/schema/records.schema.json.
#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/result.h"
#include "runner/report/verdict.h"

namespace lab {

/// Appends records to one file. Several processes may append to the same file.
class RecordWriter {
 public:
  explicit RecordWriter(Path path) : path_(std::move(path)) {}

  /// Appends `record` with the present time as "t". Bytes in its texts that
  /// are not UTF-8 become U+FFFD.
  Status Write(const nlohmann::json& record) const;
  /// Cuts off a last line that has no newline. The kernel may break off the
  /// write of a process that is being killed; what is appended next must not
  /// continue that line. Only while nobody else writes.
  Status DropTornLine() const;
  const Path& path() const { return path_; }

 private:
  Path path_;
};

/// The records of a whole file. A last line without its newline that is not a
/// whole record was torn when its writer was killed, and is dropped; any other
/// line that is not a record is an error that names the line.
Result<std::vector<nlohmann::json>> ParseRecords(std::string_view text);

/// "apparmor.enforce-deny-write" is the case "enforce-deny-write" of the suite
/// "apparmor"; an id without a dot has an empty suite.
struct CaseName {
  std::string suite;
  std::string name;
};
CaseName SplitCaseId(const std::string& id);

struct PhaseState {
  std::string name;
  std::string text;        ///< what was said last; on failure, what went wrong
  std::optional<bool> ok;  ///< empty until the phase ends
  double seconds = 0;
};

struct FailedCheck {
  Verdict verdict = Verdict::kFail;  ///< kFail or kError
  std::string text;                  ///< its first line is the headline
  std::string file;
  int line = 0;
};

struct Evidence {
  std::string kind;
  std::string text;
};

/// What the catalog expects in the Kubernetes versions of a range.
struct Expectation {
  std::string kubernetes;  ///< as VersionRange::Parse takes it
  std::string text;
};

/// A statement of a document that a case tests.
struct TestedStatement {
  std::string id;
  std::string document;
  std::string text;
};

struct CaseState {
  std::string id;
  std::string claim;
  std::vector<Expectation> expect;
  std::vector<TestedStatement> statements;
  std::string node;
  bool started = false;
  std::optional<Verdict> verdict;  ///< empty until the case ends
  std::string reason;
  double started_at = 0;  ///< seconds since the epoch
  double seconds = 0;     ///< how long it took, once it has ended
  std::vector<FailedCheck> failed_checks;
  std::vector<Evidence> evidence;

  bool running() const { return started && !verdict; }
  /// One line that says why: the first failed check that agrees with the
  /// verdict, else the reason, else the first failed check.
  std::string Headline() const;
};

struct RunEnd {
  int exit = 0;
  double seconds = 0;
  int interrupted = 0;  ///< the signal, 0 if none
};

/// What is known of a run after some of its records.
struct RunState {
  std::string id;
  std::string suite;
  std::string started;  ///< UTC, "2026-05-04T03:02:01"
  std::string version;
  std::vector<std::string> argv;  ///< without the program
  std::map<std::string, std::string> facts;
  std::vector<PhaseState> phases;
  std::vector<CaseState> cases;  ///< in the order of the selection
  std::optional<RunEnd> end;     ///< empty if the run goes on or was killed
  double first_t = 0;            ///< of the first record
  double last_t = 0;             ///< of the last record

  /// Takes one more record into account. On error nothing has changed.
  /// A case may end again: the last verdict counts.
  Status Apply(const nlohmann::json& record);

  const CaseState* Find(const std::string& case_id) const;
  std::size_t Count(Verdict verdict) const;
  std::size_t CountUnfinished() const;
  /// Length of the run; if it has no end, up to its last record.
  double Seconds() const;
  /// The command line that runs one case again under the same options, which
  /// are the fact "reproduce-options".
  std::string Reproduce(const std::string& case_id) const;
  /// The command line that runs all of it again.
  std::string Repeat() const;
};

/// ParseRecords, then Apply for each.
Result<RunState> ReadRun(std::string_view text);

}  // namespace lab
