// SPDX-License-Identifier: Apache-2.0
// How long work tells people where it is. The terminal implements it
// (report/terminal.h); tests use a silent one.
#pragma once

#include <string>

namespace lab {

/// Receives the beginning, the course and the end of named pieces of work,
/// several at a time. Thread-safe.
class Progress {
 public:
  virtual ~Progress() = default;
  /// `task` names the work until End ("kubernetes 1.36.3"); unique among those
  /// in progress.
  virtual void Begin(const std::string& task, const std::string& text) = 0;
  /// What it is doing now.
  virtual void Update(const std::string& task, const std::string& text) = 0;
  /// `ok` false: `text` says what went wrong.
  virtual void End(const std::string& task, bool ok,
                   const std::string& text) = 0;
  /// A line that stays: a decision, a warning.
  virtual void Note(const std::string& text) = 0;
};

class SilentProgress : public Progress {
 public:
  void Begin(const std::string&, const std::string&) override {}
  void Update(const std::string&, const std::string&) override {}
  void End(const std::string&, bool, const std::string&) override {}
  void Note(const std::string&) override {}
};

}  // namespace lab
