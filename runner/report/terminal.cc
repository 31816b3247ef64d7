// SPDX-License-Identifier: Apache-2.0
#include "runner/report/terminal.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "runner/base/text.h"
#include "runner/report/summary.h"

namespace lab {
namespace {

// Eight frames a second are enough to look alive.
constexpr auto kFrame = 125ms;

std::string_view Environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// A terminal whose cursor can be moved.
bool CanDraw(int fd) {
  const auto term = Environment("TERM");
  return ::isatty(fd) == 1 && !term.empty() && term != "dumb";
}

struct Size {
  int columns = 80;
  int rows = 24;
};

Size SizeOf(int fd) {
  Size size;
  winsize window = {};
  if (::ioctl(fd, TIOCGWINSZ, &window) != 0) return size;
  if (window.ws_col > 0) size.columns = window.ws_col;
  if (window.ws_row > 0) size.rows = window.ws_row;
  return size;
}

// A reader that has gone away is no reason to stop testing, so other errors
// end the attempt in silence. EAGAIN: a child that shares the terminal may have
// made it non-blocking.
void WriteOut(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      pollfd ready = {fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return;
    }
  }
}

double SecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin)
      .count();
}

// "12 s", "2 min 05 s": for numbers that tick.
std::string WholeSeconds(double seconds) {
  if (seconds >= 60) return HumanSeconds(seconds);
  return fmt::format("{} s", static_cast<int>(seconds));
}

std::string ClockTime(double seconds) {
  const int whole = static_cast<int>(seconds);
  const auto minutes = fmt::format("{:02}:{:02}", whole / 60 % 60, whole % 60);
  return whole < 3600 ? minutes : fmt::format("{}:{}", whole / 3600, minutes);
}

}  // namespace

bool WantsColor(ColorMode mode, int fd) {
  if (mode != ColorMode::kAuto) return mode == ColorMode::kAlways;
  if (!Environment("NO_COLOR").empty()) return false;
  const auto force = Environment("CLICOLOR_FORCE");
  if (!force.empty() && force != "0") return true;
  return CanDraw(fd);
}

Terminal::Terminal(TerminalOptions options)
    : options_(options),
      color_(WantsColor(options.color, options.fd)),
      live_(options.verbosity != Verbosity::kQuiet && CanDraw(options.fd)),
      region_(color_),
      writer_(&Terminal::Run, this) {}

Terminal::~Terminal() {
  {
    const Lock lock(mutex_);
    stop_ = true;
    work_.notify_one();
  }
  writer_.join();
}

void Terminal::Begin(const std::string& task, const std::string& text) {
  const Lock lock(mutex_);
  Start(task, text);
}

void Terminal::Update(const std::string& task, const std::string& text) {
  const Lock lock(mutex_);
  const auto known =
      std::find_if(tasks_.begin(), tasks_.end(),
                   [&](const Task& other) { return other.name == task; });
  if (known == tasks_.end()) return;
  known->text = text;
  if (options_.verbosity == Verbosity::kVerbose) {
    known->last_shown = Clock::now();
    Show({Style::kDim, "      ", OneLine(task + "  " + text)});
  }
  Changed();
}

void Terminal::End(const std::string& task, bool ok, const std::string& text) {
  const Lock lock(mutex_);
  const auto ended = Take(task);
  std::string line = OneLine(task);
  if (ended) line += "  " + HumanSeconds(SecondsSince(ended->began));
  if (!ok) {
    Show({Style::kBad, "ERROR ", line});
    Show(ExplainLines(text, ""));
  } else if (options_.verbosity != Verbosity::kQuiet) {
    if (!text.empty()) line += "  " + OneLine(text);
    Show({Style::kGood, "DONE  ", line});
  }
  Changed();
}

void Terminal::Note(const std::string& text) {
  if (options_.verbosity == Verbosity::kQuiet) return;
  const Lock lock(mutex_);
  Show({Style::kWarning, "NOTE  ", OneLine(text)});
  Changed();
}

void Terminal::SetTotal(std::size_t cases) {
  const Lock lock(mutex_);
  total_ = cases;
  Changed();
}

void Terminal::CaseStarted(const std::string& id) {
  const Lock lock(mutex_);
  Start(id, "");
}

void Terminal::CaseEnded(const std::string& id, Verdict verdict, double seconds,
                         const std::string& headline,
                         const std::string& reproduce) {
  const Lock lock(mutex_);
  Take(id);
  ++ended_;
  if (verdict == Verdict::kError) ++errors_;
  if (verdict == Verdict::kFail || verdict == Verdict::kFixed) ++failed_;
  const bool bad = IsBad(verdict);
  if (bad || options_.verbosity != Verbosity::kQuiet) {
    auto line = OneLine(id) + "  " + HumanSeconds(seconds);
    if (!bad && !headline.empty()) line += "  " + OneLine(headline);
    Show({StyleOf(verdict), fmt::format("{:<6}", WordOf(verdict)), line});
    if (bad) Show(ExplainLines(headline, reproduce));
  }
  Changed();
}

void Terminal::Summary(const RunState& run, const ReportFiles& files) {
  auto lines = SummaryLines(run, files);
  Lock lock(mutex_);
  tasks_.clear();
  total_ = 0;
  Show(std::move(lines));
  hurry_ = true;
  Changed();
  const auto mine = changes_;
  written_.wait(lock, [&] { return shown_changes_ >= mine; });
}

void Terminal::Start(const std::string& name, const std::string& text) {
  const auto now = Clock::now();
  tasks_.push_back({name, text, now, now});
  if (!live_ && options_.verbosity != Verbosity::kQuiet) {
    Show({Style::kDim, "RUN   ",
          OneLine(name) + (text.empty() ? "" : "  " + OneLine(text))});
  }
  Changed();
}

std::optional<Terminal::Task> Terminal::Take(const std::string& name) {
  const auto known =
      std::find_if(tasks_.begin(), tasks_.end(),
                   [&](const Task& task) { return task.name == name; });
  if (known == tasks_.end()) return std::nullopt;
  Task task = std::move(*known);
  tasks_.erase(known);
  return task;
}

void Terminal::Show(StyledLine line) { lasting_.push_back(std::move(line)); }

void Terminal::Show(std::vector<StyledLine> lines) {
  for (auto& line : lines) Show(std::move(line));
}

void Terminal::Changed() {
  ++changes_;
  work_.notify_one();
}

void Terminal::Run() {
  Lock lock(mutex_);
  bool last = false;
  while (!last) {
    AwaitWork(lock);
    last = stop_;
    hurry_ = false;
    const auto taken = taken_changes_ = changes_;
    const auto bytes = TakeBytes();
    lock.unlock();
    WriteOut(options_.fd, bytes);
    lock.lock();
    last_frame_ = Clock::now();
    shown_changes_ = taken;
    written_.notify_all();
  }
}

void Terminal::AwaitWork(Lock& lock) {
  const auto called = [&] { return stop_ || changes_ != taken_changes_; };
  if (const auto tick = NextTick()) {
    work_.wait_until(lock, *tick, called);
  } else {
    work_.wait(lock, called);
  }
  if (!live_) return;
  work_.wait_until(lock, last_frame_ + kFrame, [&] { return stop_ || hurry_; });
}

// When something is to be shown although nothing changes.
std::optional<Terminal::Clock::time_point> Terminal::NextTick() const {
  if (live_) {
    if (tasks_.empty() && total_ == 0) return std::nullopt;
    return last_frame_ + kFrame;
  }
  if (tasks_.empty() || options_.verbosity == Verbosity::kQuiet) {
    return std::nullopt;
  }
  const auto quietest = std::min_element(
      tasks_.begin(), tasks_.end(),
      [](const Task& a, const Task& b) { return a.last_shown < b.last_shown; });
  return quietest->last_shown + options_.heartbeat;
}

void Terminal::AddHeartbeats() {
  const auto now = Clock::now();
  for (auto& task : tasks_) {
    if (now < task.last_shown + options_.heartbeat) continue;
    task.last_shown = now;
    auto line = fmt::format("still running: {} ({})", OneLine(task.name),
                            WholeSeconds(SecondsSince(task.began)));
    if (!task.text.empty()) line += ": " + OneLine(task.text);
    Show({Style::kDim, "", line});
  }
}

std::string Terminal::TakeBytes() {
  if (!live_ && options_.verbosity != Verbosity::kQuiet) AddHeartbeats();
  const auto lines = std::exchange(lasting_, {});
  if (live_) {
    const auto size = SizeOf(options_.fd);
    const auto region = stop_ ? std::vector<StyledLine>()
                              : LiveLines(static_cast<std::size_t>(size.rows));
    return region_.Render(lines, region, size.columns);
  }
  std::string bytes;
  for (const auto& line : lines) bytes += Paint(line, color_) + "\n";
  return bytes;
}

// Never as high as the terminal: what has scrolled out of it cannot be erased.
std::vector<StyledLine> Terminal::LiveLines(std::size_t rows) const {
  const std::size_t room = rows > 5 ? rows - 4 : 1;
  const std::size_t shown = tasks_.size() <= room ? tasks_.size() : room - 1;
  std::vector<StyledLine> lines;
  if (!options_.title.empty() && (shown > 0 || total_ > 0)) {
    lines.push_back({Style::kDim, OneLine(options_.title), ""});
  }
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& task = tasks_[i];
    auto text = "  " + WholeSeconds(SecondsSince(task.began));
    if (!task.text.empty()) text += "  " + OneLine(task.text);
    lines.push_back({Style::kPlain, "  " + OneLine(task.name), text});
  }
  if (shown < tasks_.size()) {
    lines.push_back(
        {Style::kDim, fmt::format("  and {} more", tasks_.size() - shown), ""});
  }
  if (total_ > 0) lines.push_back(Bar());
  return lines;
}

StyledLine Terminal::Bar() const {
  constexpr std::size_t kWidth = 20;
  const std::size_t full = kWidth * std::min(ended_, total_) / total_;
  auto text = fmt::format(" {}/{} cases", ended_, total_);
  if (failed_ > 0) text += fmt::format("  {} failed", failed_);
  if (errors_ > 0) text += fmt::format("  {} in error", errors_);
  text += "  " + ClockTime(SecondsSince(began_));
  return {failed_ + errors_ > 0 ? Style::kBad : Style::kGood,
          fmt::format("[{:.<{}}]", std::string(full, '#'), kWidth), text};
}

}  // namespace lab
