// SPDX-License-Identifier: Apache-2.0
// The records of a run being written: by the runner through this object, by
// suites straight into the file. Keeps the state derived from them, and
// junit.xml beside them up to date; report.html comes at the end.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "runner/base/files.h"
#include "runner/report/record.h"

namespace lab {

class Journal {
 public:
  /// Creates the directory and records.jsonl (empty) in it. junit.xml, beside
  /// the records if `junit` is empty, appears with the first SaveJunit(). The
  /// report.html of an earlier run is removed: it is of other records.
  static Result<Journal> Create(const Path& directory, const Path& junit);

  /// Appends a record, and takes it and what suites have appended since into
  /// account.
  Status Write(const nlohmann::json& record);
  /// Takes what suites have appended into account.
  Status Catch();
  /// Cuts off the line that a killed suite left unfinished.
  Status DropTornLine() const { return writer_.DropTornLine(); }
  /// Derives junit.xml anew and replaces it atomically.
  Status SaveJunit() const;
  /// Derives report.html, in the frame that lies in this file, and replaces it
  /// atomically.
  Status SaveHtml(const Path& frame) const;

  /// A lab phase begins and ends; the end is passed through.
  Status Phase(const std::string& name, const std::string& text);
  Status PhaseEnd(const std::string& name, double seconds,
                  const Status& outcome, const std::string& text);

  const RunState& state() const { return state_; }
  const Path& records() const { return writer_.path(); }
  const Path& junit() const { return junit_; }
  Path html() const { return records().parent_path() / "report.html"; }

 private:
  Journal(Path records, Path junit)
      : writer_(std::move(records)), junit_(std::move(junit)) {}

  RecordWriter writer_;
  Path junit_;
  RunState state_;
  std::size_t taken_ = 0;  ///< bytes of the file already in state_
};

}  // namespace lab
