// SPDX-License-Identifier: Apache-2.0
// The terminal on a terminal: the near end of a pseudo-terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>

#include <array>
#include <cstdlib>
#include <regex>

#include "runner/base/unique_fd.h"
#include "runner/report/fake_screen.h"
#include "runner/report/terminal.h"

namespace lab {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

constexpr unsigned short kColumns = 40;
constexpr unsigned short kRows = 8;

class TtyTerminal : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TERM", "xterm", 1);
    winsize size = {kRows, kColumns, 0, 0};
    int far = -1;
    int near = -1;
    ASSERT_EQ(::openpty(&far, &near, nullptr, nullptr, &size), 0);
    far_.Reset(far);
    near_.Reset(near);
    TerminalOptions options;
    options.color = ColorMode::kNever;
    options.fd = near;
    terminal_.emplace(options);
  }

  Terminal& terminal() { return *terminal_; }

  /// Shows what comes until one line is like `pattern`.
  bool Await(const std::string& pattern) {
    const auto deadline = Deadline::In(10s);
    const std::regex regex(pattern);
    const auto found = [&] {
      const auto lines = screen_.Shown();
      return std::any_of(lines.begin(), lines.end(), [&](const auto& line) {
        return std::regex_search(line, regex);
      });
    };
    while (!found()) {
      if (!ReadSome(static_cast<int>(deadline.Left().count()))) return false;
    }
    return true;
  }

  /// Ends the terminal; what is left on the screen then.
  std::vector<std::string> Final() {
    terminal_.reset();
    near_.Reset();
    while (ReadSome(10'000)) {
    }
    return screen_.Shown();
  }
  const FakeScreen& screen() const { return screen_; }

 private:
  bool ReadSome(int timeout) {
    std::array<char, 4096> buffer;
    pollfd ready = {far_.get(), POLLIN, 0};
    if (::poll(&ready, 1, timeout) != 1) return false;
    const ssize_t n = ::read(far_.get(), buffer.data(), buffer.size());
    if (n <= 0) return false;
    screen_.Write({buffer.data(), static_cast<std::size_t>(n)});
    return true;
  }

  UniqueFd far_;
  UniqueFd near_;
  std::optional<Terminal> terminal_;
  FakeScreen screen_{kColumns, kRows};
};

TEST_F(TtyTerminal, ShowsWorkInProgressAndABar) {
  terminal().SetTotal(4);
  terminal().CaseEnded("s.a", Verdict::kPass, 1, "", "");
  terminal().CaseEnded("s.b", Verdict::kFail, 1, "", "");
  terminal().CaseStarted("s.c");
  terminal().Update("s.c", "pod is Pending");
  EXPECT_TRUE(Await("^  s\\.c  \\d s  pod is Pending$"));
  EXPECT_THAT(screen().Shown().back(),
              HasSubstr("[##########..........] 2/4 cases"));
}

TEST_F(TtyTerminal, LeavesOnlyTheLinesThatLast) {
  terminal().SetTotal(2);
  terminal().Begin("nodes", "booting");
  EXPECT_TRUE(Await("nodes"));
  terminal().End("nodes", true, "");
  terminal().CaseStarted("s.a");
  EXPECT_TRUE(Await("s\\.a"));
  terminal().CaseEnded("s.a", Verdict::kPass, 2.1, "", "");
  terminal().CaseStarted("s.never-ends");
  EXPECT_TRUE(Await("never-ends"));
  EXPECT_THAT(Final(), ElementsAre(MatchesRegex("DONE  nodes  .* s"),
                                   "PASS  s.a  2.1 s"));
  EXPECT_EQ(screen().row(), 2u);
  EXPECT_EQ(screen().column(), 0u);
}

TEST_F(TtyTerminal, NeverWritesBeyondItsWidth) {
  const std::string words = "a pod that waits for a node that is not there ";
  terminal().SetTotal(1000);
  for (int i = 0; i < 3; ++i) {
    const auto task = "task-with-a-name-that-is-long-" + std::to_string(i);
    terminal().Begin(task, words + words);
    terminal().CaseEnded("s.a", Verdict::kError, 1, words + words, "");
    terminal().Note(words);
    EXPECT_TRUE(Await("task.*\\.\\.$"));
  }
  EXPECT_THAT(Final(), Contains(HasSubstr("node that is not there")));
  EXPECT_EQ(screen().overruns(), 0);
}

TEST_F(TtyTerminal, NeverDrawsMoreThanItsHeight) {
  terminal().SetTotal(100);
  for (int i = 0; i < 30; ++i) {
    terminal().Begin("task " + std::to_string(i), "");
  }
  EXPECT_TRUE(Await("and 27 more"));
  terminal().Note("done");
  EXPECT_TRUE(Await("done"));
  EXPECT_THAT(Final(), ElementsAre("NOTE  done"));
}

TEST_F(TtyTerminal, SummaryEndsTheLiveRegion) {
  terminal().SetTotal(2);
  terminal().CaseStarted("s.a");
  EXPECT_TRUE(Await("cases"));
  terminal().Summary(RunState(), {"junit.xml", "report.html", "records.jsonl"});
  EXPECT_TRUE(Await("TOTAL"));
  EXPECT_THAT(screen().Shown(), Each(Not(HasSubstr("cases "))));
  EXPECT_THAT(screen().Shown(), Contains("junit    junit.xml"));
}

TEST_F(TtyTerminal, TicksWithoutNews) {
  terminal().Begin("nodes", "booting");
  EXPECT_TRUE(Await("nodes  0 s"));
  EXPECT_TRUE(Await("nodes  1 s"));
}

}  // namespace
}  // namespace lab
