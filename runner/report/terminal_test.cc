// SPDX-License-Identifier: Apache-2.0
// The terminal that is none: a pipe.
#include "runner/report/terminal.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <optional>
#include <regex>
#include <thread>

#include "runner/base/unique_fd.h"

namespace lab {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Pipe {
 public:
  Pipe() {
    std::array<int, 2> ends = {-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) ADD_FAILURE() << "pipe2";
    read_.Reset(ends[0]);
    write_.Reset(ends[1]);
  }
  int fd() const { return write_.get(); }

  /// Reads on until `text` has been seen. False if it does not come.
  bool Await(const std::string& text) {
    const auto deadline = Deadline::In(10s);
    while (seen_.find(text) == std::string::npos) {
      pollfd ready = {read_.get(), POLLIN, 0};
      const int left = static_cast<int>(deadline.Left().count());
      if (::poll(&ready, 1, left) != 1 || !ReadSome()) return false;
    }
    return true;
  }
  std::string Rest() {
    write_.Reset();
    while (ReadSome()) {
    }
    return seen_;
  }

 private:
  bool ReadSome() {
    std::array<char, 4096> buffer;
    const ssize_t n = ::read(read_.get(), buffer.data(), buffer.size());
    if (n > 0) seen_.append(buffer.data(), static_cast<std::size_t>(n));
    return n > 0;
  }

  UniqueFd read_;
  UniqueFd write_;
  std::string seen_;
};

// What `act` makes a terminal write. Times that were measured become "N s".
std::string Written(TerminalOptions options,
                    const std::function<void(Terminal&)>& act) {
  Pipe pipe;
  options.fd = pipe.fd();
  {
    Terminal terminal(options);
    act(terminal);
  }
  return std::regex_replace(pipe.Rest(), std::regex("0\\.[0-9] s"), "N s");
}

TerminalOptions With(Verbosity verbosity) {
  TerminalOptions options;
  options.color = ColorMode::kNever;
  options.verbosity = verbosity;
  return options;
}

void Work(Terminal& terminal) {
  terminal.Note("kind is not on PATH");
  terminal.Begin("kubernetes", "downloading");
  terminal.Update("kubernetes", "verifying");
  terminal.End("kubernetes", true, "from the cache");
  terminal.Begin("node image", "");
  terminal.End("node image", false, "exit 125\nno \x1b[31mspace");
}

void RunCases(Terminal& terminal) {
  terminal.SetTotal(3);
  terminal.CaseStarted("apparmor.a");
  terminal.CaseEnded("apparmor.a", Verdict::kPass, 2.1, "", "");
  terminal.CaseStarted("apparmor.b");
  terminal.CaseEnded("apparmor.b", Verdict::kFail, 3.25, "touch succeeded",
                     "build/runner --suite apparmor --filter b");
  terminal.CaseEnded("apparmor.c", Verdict::kSkip, 1, "kernel: too old", "");
}

TEST(PlainTerminal, ShowsBeginAndEndOfWork) {
  EXPECT_EQ(Written(With(Verbosity::kNormal), Work),
            "NOTE  kind is not on PATH\n"
            "RUN   kubernetes  downloading\n"
            "DONE  kubernetes  N s  from the cache\n"
            "RUN   node image\n"
            "ERROR node image  N s\n"
            "      exit 125\n"
            "      no \uFFFD[31mspace\n");
}

TEST(PlainTerminal, ShowsWhyACaseFailedAndHowToRepeatIt) {
  EXPECT_EQ(Written(With(Verbosity::kNormal), RunCases),
            "RUN   apparmor.a\n"
            "PASS  apparmor.a  2.1 s\n"
            "RUN   apparmor.b\n"
            "FAIL  apparmor.b  3.2 s\n"
            "      touch succeeded\n"
            "      reproduce: build/runner --suite apparmor --filter b\n"
            "SKIP  apparmor.c  1.0 s  kernel: too old\n");
}

TEST(PlainTerminal, ShowsUpdatesWhenVerbose) {
  EXPECT_THAT(Written(With(Verbosity::kVerbose), Work),
              HasSubstr("RUN   kubernetes  downloading\n"
                        "      kubernetes  verifying\n"
                        "DONE  "));
}

TEST(PlainTerminal, ShowsOnlyFailuresAndSummaryWhenQuiet) {
  const auto act = [](Terminal& terminal) {
    Work(terminal);
    RunCases(terminal);
    terminal.Summary(RunState(), {"junit.xml", "report.html", "records.jsonl"});
  };
  EXPECT_EQ(Written(With(Verbosity::kQuiet), act),
            "ERROR node image  N s\n"
            "      exit 125\n"
            "      no \uFFFD[31mspace\n"
            "FAIL  apparmor.b  3.2 s\n"
            "      touch succeeded\n"
            "      reproduce: build/runner --suite apparmor --filter b\n"
            "\n"
            "junit    junit.xml\n"
            "report   report.html\n"
            "records  records.jsonl\n"
            "TOTAL no case ran in N s (suite , run )\n");
}

TEST(PlainTerminal, GivesASignOfLife) {
  Pipe pipe;
  auto options = With(Verbosity::kNormal);
  options.fd = pipe.fd();
  options.heartbeat = 20ms;
  Terminal terminal(options);
  terminal.Begin("nodes", "booting");
  terminal.Update("nodes", "kubelet to answer");
  EXPECT_TRUE(pipe.Await("still running: nodes (0 s): kubelet to answer\n"));
}

TEST(PlainTerminal, SummaryIsWrittenWhenItReturns) {
  Pipe pipe;
  auto options = With(Verbosity::kNormal);
  options.fd = pipe.fd();
  Terminal terminal(options);
  terminal.Summary(RunState(), {"junit.xml", "report.html", "records.jsonl"});
  EXPECT_THAT(pipe.Rest(), HasSubstr("TOTAL"));
}

TEST(PlainTerminal, TakesCallsFromManyThreads) {
  const auto act = [](Terminal& terminal) {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&terminal, i] {
        for (int j = 0; j < 50; ++j) {
          const auto id = "t." + std::to_string(i) + "-" + std::to_string(j);
          terminal.CaseStarted(id);
          terminal.Update(id, "waiting");
          terminal.CaseEnded(id, Verdict::kPass, 60, "", "");
        }
      });
    }
    for (auto& thread : threads) thread.join();
  };
  const auto text = Written(With(Verbosity::kNormal), act);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 800);
  EXPECT_THAT(text, HasSubstr("PASS  t.7-49  1 min 00 s\n"));
}

class Color : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : kNames) {
      const char* value = std::getenv(name);
      old_.emplace_back(value ? std::optional<std::string>(value)
                              : std::nullopt);
      ::unsetenv(name);
    }
    ::setenv("TERM", "xterm", 1);
  }
  void TearDown() override {
    for (std::size_t i = 0; i < std::size(kNames); ++i) {
      ::unsetenv(kNames[i]);
      if (old_[i]) ::setenv(kNames[i], old_[i]->c_str(), 1);
    }
  }

 private:
  static constexpr const char* kNames[] = {"NO_COLOR", "CLICOLOR_FORCE",
                                           "TERM"};
  std::vector<std::optional<std::string>> old_;
};

TEST_F(Color, IsNotForPipesUnlessForced) {
  const Pipe pipe;
  EXPECT_FALSE(WantsColor(ColorMode::kAuto, pipe.fd()));
  ::setenv("CLICOLOR_FORCE", "1", 1);
  EXPECT_TRUE(WantsColor(ColorMode::kAuto, pipe.fd()));
  ::setenv("CLICOLOR_FORCE", "0", 1);
  EXPECT_FALSE(WantsColor(ColorMode::kAuto, pipe.fd()));
}

TEST_F(Color, IsRefusedByNoColorButTheFlagWins) {
  const Pipe pipe;
  ::setenv("NO_COLOR", "1", 1);
  ::setenv("CLICOLOR_FORCE", "1", 1);
  EXPECT_FALSE(WantsColor(ColorMode::kAuto, pipe.fd()));
  EXPECT_TRUE(WantsColor(ColorMode::kAlways, pipe.fd()));
  ::unsetenv("NO_COLOR");
  EXPECT_FALSE(WantsColor(ColorMode::kNever, pipe.fd()));
}

TEST_F(Color, MarksTheVerdict) {
  auto options = With(Verbosity::kNormal);
  options.color = ColorMode::kAlways;
  EXPECT_THAT(Written(options, RunCases),
              HasSubstr("\x1b[32mPASS  \x1b[0mapparmor.a  2.1 s\n"));
}

}  // namespace
}  // namespace lab
