// SPDX-License-Identifier: Apache-2.0
// The runner as its users meet it: a program with arguments, output, an exit
// status and files. What the end-to-end tests share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/process/process.h"
#include "runner/report/record.h"

namespace lab::e2e {

/// build/runner with these arguments, to its end.
Finished Runner(const std::vector<std::string>& arguments,
                Duration timeout = 8min);

/// A run of the suite that goes on while the test does something to it.
class Background {
 public:
  Background(const std::vector<std::string>& arguments, const Path& log);
  Process& process() { return process_; }
  /// Pids of descendants whose command line holds `text`.
  std::vector<pid_t> Descendants(const std::string& text) const;
  int ExitStatus(Duration patience);

 private:
  Process process_;
};

/// Files of one run.
struct Report {
  TempDir directory;
  std::vector<std::string> Options() const {
    return {"--report-dir", directory.path().string()};
  }
  RunState State() const;
  /// Fails the test unless junit.xml passes reports/schema/junit.xsd.
  void ExpectValidJunit() const;
  /// Fails the test unless report.html is there and whole.
  void ExpectWholePage() const;
  /// What a failed test needs to say: cases that did not go well, with the
  /// text of each failed check, and the last lines of the run's output.
  std::string Story(const Finished& run) const;
  /// `arguments` of a run that is to be told in it.
  std::vector<std::string> Of(std::vector<std::string> arguments) const;
  /// Names of the cases with this verdict, without the suite.
  std::set<std::string> With(Verdict verdict) const;
};
Report NewReport();

/// Waits until `condition`; fails the test if it does not come true.
void Await(const std::string& what, Duration patience,
           const std::function<bool()>& condition);

/// A lab that several tests use; made at the first call, ended at exit.
const std::string& SharedLab();

/// What a run could leave in a lab, a line each: objects of the API, and pods
/// that run on the workers.
std::set<std::string> Contents(const std::string& lab);

/// Processes of this machine whose command line holds `text`.
std::vector<pid_t> ProcessesWith(const std::string& text);

/// The directory of the lab that a report's run made; empty before there is.
Path LabDirectoryOf(const Report& report);

}  // namespace lab::e2e
