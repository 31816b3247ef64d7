// SPDX-License-Identifier: Apache-2.0
#include "runner/process/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "runner/base/wait.h"

namespace lab {
namespace {

using ::testing::HasSubstr;

Command Sh(const std::string& script) { return {.argv = {"sh", "-c", script}}; }

TEST(Run, CapturesBothStreamsAndTheStatus) {
  const auto r = RunToEnd(Sh("echo out; echo err >&2; exit 3"));

  ASSERT_TRUE(r);
  EXPECT_EQ(r->out, "out\n");
  EXPECT_EQ(r->err, "err\n");
  EXPECT_EQ(r->ended.ToString(), "exit status 3");
}

TEST(Run, TellsASignalFromAStatus) {
  const auto by_signal = RunToEnd(Sh("kill -SYS $$"));
  const auto by_status = RunToEnd(Sh("exit 31"));

  ASSERT_TRUE(by_signal && by_status);
  EXPECT_EQ(by_signal->ended.how, Ended::How::kSignaled);
  EXPECT_EQ(by_signal->ended.value, SIGSYS);
  EXPECT_EQ(by_status->ended.how, Ended::How::kExited);
}

TEST(Run, HandsArgumentsOverUntouched) {
  const auto r = RunToEnd({.argv = {"printf", "%s|", "a b", "$HOME", "", "'"}});

  ASSERT_TRUE(r);
  EXPECT_EQ(r->out, "a b|$HOME||'|");
}

TEST(Run, FeedsInputAndEnvironmentAndDirectory) {
  const auto r = RunToEnd({.argv = {"sh", "-c", "cat; echo $LAB_X; pwd"},
                           .env = {{"LAB_X", "y"}},
                           .directory = "/",
                           .input = "in\n"});

  ASSERT_TRUE(r);
  EXPECT_EQ(r->out, "in\ny\n/\n");
}

TEST(Run, KillsTheWholeGroupAtTheTimeout) {
  auto command = Sh("sleep 1000 & echo $!; sleep 1000");
  command.timeout = 300ms;

  const auto r = RunToEnd(command);

  ASSERT_TRUE(r);
  EXPECT_EQ(r->ended.how, Ended::How::kTimedOut);
  const pid_t grandchild = std::stoi(r->out);
  EXPECT_TRUE(WaitUntil("end of the grandchild", Deadline::In(5s), 10ms,
                        [&] { return !ProcessId::Of(grandchild).Alive(); }));
}

TEST(Run, DoesNotWaitForAGrandchildThatHoldsThePipe) {
  const Stopwatch watch;
  const auto r = RunToEnd(Sh("setsid sleep 3 & exit 0"));

  ASSERT_TRUE(r);
  EXPECT_TRUE(r->ended.ok());
  EXPECT_LT(watch.Seconds(), 2.5);
}

TEST(Run, NamesAProgramThatDoesNotExist) {
  const auto r = RunToEnd({.argv = {"no-such-program-of-ours"}});

  ASSERT_FALSE(r);
  EXPECT_THAT(r.error().what, HasSubstr("no-such-program-of-ours"));
}

TEST(RunOk, SaysCommandStatusAndLastWords) {
  const auto r = RunOk(Sh("echo the reason >&2; exit 4"));

  ASSERT_FALSE(r);
  EXPECT_THAT(r.error().what, HasSubstr("exit status 4: the reason"));
}

TEST(Process, EndsWithItsOwner) {
  ProcessId id;
  {
    auto p = Process::Start({.argv = {"sleep", "1000"}});
    ASSERT_TRUE(p);
    id = p->id();
    EXPECT_TRUE(id.Alive());
  }
  EXPECT_FALSE(id.Alive());
}

TEST(Process, StopKillsWhatIgnoresSigterm) {
  auto p = Process::Start(
      {.argv = {"sh", "-c", "trap '' TERM; while :; do sleep 1; done"}});
  ASSERT_TRUE(p);

  p->Stop(200ms);

  EXPECT_FALSE(p->Running());
}

TEST(ProcessIdTest, AnotherStartTimeIsAnotherProcess) {
  auto self = ProcessId::Of(::getpid());
  EXPECT_TRUE(self.Alive());
  self.start_time += 1;
  EXPECT_FALSE(self.Alive());
}

}  // namespace
}  // namespace lab
