// SPDX-License-Identifier: Apache-2.0
// What a person sees while the runner works. On a terminal: a live region with
// the work in progress and a bar, and above it the lines that last. Elsewhere
// (a file, a CI log): plain lines, and a sign of life for work that takes long.
#pragma once

#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "runner/base/clock.h"
#include "runner/base/progress.h"
#include "runner/report/display.h"
#include "runner/report/live_region.h"
#include "runner/report/record.h"
#include "runner/report/summary.h"

namespace lab {

enum class ColorMode { kAuto, kAlways, kNever };
enum class Verbosity {
  kQuiet,  ///< failures and the summary only
  kNormal,
  kVerbose,  ///< also every Update as a line that stays
};

struct TerminalOptions {
  ColorMode color = ColorMode::kAuto;
  Verbosity verbosity = Verbosity::kNormal;
  /// Not owned. stdout is reserved for data, so this is stderr.
  int fd = STDERR_FILENO;
  /// Without a terminal: how long a task may be silent.
  Duration heartbeat = 30s;
  /// Stands above the work in progress: what this is a part of. Empty: nothing.
  std::string title;
};

/// Whether to colour: the mode wins, then NO_COLOR (no), CLICOLOR_FORCE (yes),
/// TERM=dumb (no), then whether `fd` is a terminal.
bool WantsColor(ColorMode mode, int fd);

/// Thread-safe. Callers never wait for the terminal: one thread of its own does
/// all writing. Construct after stop::Install(), so that this thread inherits
/// the blocked signals.
class Terminal : public Progress {
 public:
  explicit Terminal(TerminalOptions options);
  /// Shows what is still to be shown and clears the live region.
  ~Terminal() override;
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void Begin(const std::string& task, const std::string& text) override;
  /// `task` may also be the id of a case that is running.
  void Update(const std::string& task, const std::string& text) override;
  void End(const std::string& task, bool ok, const std::string& text) override;
  void Note(const std::string& text) override;

  /// The number of cases selected; from then on there is a bar.
  void SetTotal(std::size_t cases);
  void CaseStarted(const std::string& id);
  /// `headline` says why, for every verdict but pass; `reproduce` is a command
  /// line, shown for bad verdicts.
  void CaseEnded(const std::string& id, Verdict verdict, double seconds,
                 const std::string& headline, const std::string& reproduce);
  /// Removes the live region for good and shows the totals; returns when they
  /// have been written.
  void Summary(const RunState& run, const ReportFiles& files);

 private:
  using Clock = std::chrono::steady_clock;
  using Lock = std::unique_lock<std::mutex>;

  struct Task {
    std::string name;
    std::string text;  ///< what it is doing or waiting for
    Clock::time_point began;
    Clock::time_point last_shown;
  };

  void Start(const std::string& name, const std::string& text);
  std::optional<Task> Take(const std::string& name);
  void Show(StyledLine line);
  void Show(std::vector<StyledLine> lines);
  void Changed();

  void Run();
  void AwaitWork(Lock& lock);
  std::optional<Clock::time_point> NextTick() const;
  void AddHeartbeats();
  std::string TakeBytes();
  std::vector<StyledLine> LiveLines(std::size_t rows) const;
  StyledLine Bar() const;

  const TerminalOptions options_;
  const bool color_;
  const bool live_;
  const Clock::time_point began_ = Clock::now();

  std::mutex mutex_;
  std::condition_variable work_;     ///< the writer waits for changes
  std::condition_variable written_;  ///< Summary waits for the writer
  std::vector<Task> tasks_;
  std::vector<StyledLine> lasting_;  ///< not written yet
  LiveRegion region_;
  std::size_t total_ = 0;
  std::size_t ended_ = 0;
  std::size_t failed_ = 0;
  std::size_t errors_ = 0;
  std::uint64_t changes_ = 0;        ///< made by callers
  std::uint64_t taken_changes_ = 0;  ///< seen by the writer
  std::uint64_t shown_changes_ = 0;  ///< written
  Clock::time_point last_frame_;
  bool hurry_ = false;  ///< do not wait for the next frame
  bool stop_ = false;
  std::thread writer_;  ///< last, so that it finds everything else in place
};

}  // namespace lab
