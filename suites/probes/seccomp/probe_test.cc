// SPDX-License-Identifier: Apache-2.0
// lab-seccomp itself, under filters and without. Needs no privilege: a process
// with no_new_privs may filter itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runner/process/process.h"

namespace lab {
namespace {

using nlohmann::json;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using Words = std::vector<std::string>;

const std::string kProbe = std::string(LAB_BINARY_DIR) + "/probes/seccomp";
const std::string kUnderFilter =
    std::string(LAB_BINARY_DIR) + "/tests/under-filter";

Finished RunProbe(const Words& filter, const Words& arguments = {}) {
  Words argv;
  if (!filter.empty()) {
    argv.push_back(kUnderFilter);
    argv.insert(argv.end(), filter.begin(), filter.end());
    argv.push_back("--");
  }
  argv.push_back(kProbe);
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  auto ran = RunToEnd({.argv = argv, .timeout = 30s});
  EXPECT_TRUE(ran) << ran.error().what;
  return ran ? *ran : Finished{};
}

json Report(const Words& filter, const Words& arguments = {}) {
  const Finished ran = RunProbe(filter, arguments);
  EXPECT_TRUE(ran.ended.ok()) << ran.ended.ToString() << " " << ran.err;
  return json::parse(ran.out, nullptr, false);
}

json Call(const json& report, const std::string& name) {
  for (const auto& call : report.at("calls")) {
    if (call.at("name") == name) return call;
  }
  return {};
}

std::string ClassOf(const json& report, const std::string& name) {
  return Call(report, name).value("class", "absent");
}

// The probe's view is of its own process, so whoever runs the tests under a
// filter (a container) cannot expect one without.
bool Filtered() { return Report({}).at("seccomp").at("mode") != "disabled"; }

TEST(SeccompProbeTest, WithoutFilterNothingIsBlocked) {
  if (Filtered()) GTEST_SKIP() << "this process has a filter already";
  const json report = Report({});
  const json& counts = report.at("counts");
  EXPECT_EQ(counts.at("errno"), 0);
  EXPECT_EQ(counts.at("trap"), 0);
  EXPECT_EQ(counts.at("kill"), 0);
  EXPECT_EQ(counts.at("unknown"), 0);
  EXPECT_EQ(counts.at("not-probed"), 0);
  EXPECT_GE(report.at("calls").size(), 470u);
  EXPECT_EQ(ClassOf(report, "mkdir"), "allowed");
  EXPECT_EQ(ClassOf(report, "create_module"), "not-implemented");
  EXPECT_EQ(ClassOf(report, "syscall_337"), "not-implemented");
  EXPECT_EQ(Call(report, "exit_group").at("answer"), "exit");
}

struct Rule {
  const char* action;
  const char* expected;
  const char* error;
  const char* answer;
};

class RuleTest : public testing::TestWithParam<Rule> {};

TEST_P(RuleTest, IsToldFromTheKernel) {
  const Rule& rule = GetParam();
  const std::string action = rule.action;
  const json report = Report({"allow", "mkdir=" + action, "sync=" + action,
                              "create_module=" + action});
  EXPECT_EQ(report.at("method").at("name"), "verdict");
  for (const char* name : {"mkdir", "sync", "create_module"}) {
    const json call = Call(report, name);
    EXPECT_EQ(call.at("class"), rule.expected) << name;
    EXPECT_EQ(call.value("errno", ""), rule.error) << name;
  }
  EXPECT_EQ(Call(report, "mkdir").at("answer"), rule.answer);
  EXPECT_EQ(report.at("counts").at(rule.expected), 3);
  EXPECT_EQ(ClassOf(report, "rmdir"), "allowed");
  EXPECT_EQ(report.at("counts").at("unknown"), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Actions, RuleTest,
    testing::Values(Rule{"1", "errno", "EPERM", "EPERM"},
                    Rule{"38", "errno", "ENOSYS", "ENOSYS"},
                    Rule{"22", "errno", "EINVAL", "EINVAL"},
                    Rule{"0", "errno", "0", "ok"},
                    Rule{"trap", "trap", "", "trap"},
                    Rule{"kill", "kill", "", "SIGSYS"}),
    [](const auto& rule) {
      return std::string("Action_") + rule.param.action;
    });

TEST(SeccompProbeTest, LoggedIsAllowed) {
  EXPECT_EQ(ClassOf(Report({"allow", "mkdir=log"}), "mkdir"), "allowed");
}

// The list of those that a filter must allow for the probe to run at all is
// the probe's own business; here the default is what is asked about.
TEST(SeccompProbeTest, BeyondIsTheFiltersDefault) {
  Words filter = {"1"};
  for (const char* name : {"execve",
                           "brk",
                           "arch_prctl",
                           "set_tid_address",
                           "set_robust_list",
                           "rseq",
                           "prlimit64",
                           "readlinkat",
                           "getrandom",
                           "mprotect",
                           "uname",
                           "openat",
                           "open",
                           "read",
                           "write",
                           "close",
                           "readlink",
                           "access",
                           "faccessat",
                           "getsid",
                           "getpid",
                           "lstat",
                           "newfstatat",
                           "rt_sigaction",
                           "rt_sigprocmask",
                           "rt_sigreturn",
                           "prctl",
                           "seccomp",
                           "pipe2",
                           "clone",
                           "poll",
                           "ioctl",
                           "wait4",
                           "kill",
                           "rt_sigtimedwait",
                           "exit",
                           "exit_group",
                           "clock_gettime",
                           "munmap",
                           "mmap"}) {
    filter.push_back(name + std::string("=allow"));
  }
  const json report = Report(filter);
  EXPECT_EQ(report.at("method").at("name"), "verdict");
  EXPECT_EQ(report.at("beyond").at("class"), "errno");
  EXPECT_EQ(report.at("beyond").at("errno"), "EPERM");
  EXPECT_EQ(ClassOf(report, "syscall_337"), "errno");
  EXPECT_EQ(ClassOf(report, "mount"), "errno");
  EXPECT_EQ(ClassOf(report, "mmap"), "allowed");
}

// Where filters may not be added, the answers alone decide; what both sides
// could have said stays open, and a control run settles it.
TEST(SeccompProbeTest, ControlSettlesWhatAnswersLeaveOpen) {
  if (Filtered()) GTEST_SKIP() << "this process has a filter already";
  const Words filter = {"allow", "seccomp=1", "mkdir=1", "rmdir=38"};
  const json alone = Report(filter);
  EXPECT_EQ(alone.at("method").at("name"), "answers");
  EXPECT_EQ(ClassOf(alone, "mkdir"), "unknown");
  EXPECT_EQ(ClassOf(alone, "rmdir"), "unknown");
  EXPECT_EQ(ClassOf(alone, "sync"), "not-probed");
  EXPECT_LE(alone.at("counts").at("not-probed"), 20);

  auto dir = TempDir::In(testing::TempDir(), "seccomp-probe-");
  ASSERT_TRUE(dir);
  const Path control = dir->path() / "control.json";
  // Indented by somebody else since.
  ASSERT_TRUE(WriteFile(control, Report({}).dump(2)));
  const json settled = Report(filter, {"--control", control.string()});
  EXPECT_EQ(settled.at("method").at("name"), "control");
  EXPECT_EQ(Call(settled, "mkdir").value("errno", ""), "EPERM");
  EXPECT_EQ(Call(settled, "rmdir").value("errno", ""), "ENOSYS");
  EXPECT_EQ(ClassOf(settled, "create_module"), "not-implemented");
  EXPECT_EQ(ClassOf(settled, "openat"), "allowed");
  // A tracer that is not there: let through, and yet ENOSYS.
  const json traced =
      Report({"allow", "mkdir=trace"}, {"--control", control.string()});
  EXPECT_EQ(Call(traced, "mkdir").value("errno", ""), "ENOSYS");
}

TEST(SeccompProbeTest, SameCountsAHundredTimes) {
  const Words filter = {"allow", "mkdir=1", "rmdir=38", "chmod=trap",
                        "chown=kill"};
  const json first = Report(filter);
  EXPECT_EQ(first.at("counts").at("errno"), 2);
  std::vector<double> seconds;
  for (int i = 0; i < 100; ++i) {
    const Stopwatch watch;
    const json again = Report(filter);
    seconds.push_back(watch.Seconds());
    ASSERT_EQ(again.at("calls"), first.at("calls")) << "run " << i;
    ASSERT_EQ(again.at("amicontained"), first.at("amicontained"));
  }
  std::sort(seconds.begin(), seconds.end());
  std::printf("lab-seccomp, %zu calls: median %.0f ms, longest %.0f ms\n",
              first.at("calls").size(), seconds[50] * 1e3,
              seconds.back() * 1e3);
}

TEST(SeccompProbeTest, LikeAmicontained) {
  const Finished ran = RunProbe(
      {"allow", "mkdir=1", "rmdir=13", "chmod=38", "fork=1", "statx=1"},
      {"--format", "amicontained"});
  ASSERT_TRUE(ran.ended.ok()) << ran.err;
  EXPECT_THAT(ran.out, StartsWith("Container Runtime: "));
  EXPECT_THAT(ran.out, HasSubstr("Seccomp: filtering\nBlocked Syscalls ("));
  EXPECT_THAT(ran.out, HasSubstr("MKDIR RMDIR "));
  EXPECT_THAT(ran.out, HasSubstr(" STATX"));
  EXPECT_THAT(ran.out, HasSubstr("SETSID"));       // it is a group's leader
  EXPECT_THAT(ran.out, Not(HasSubstr("CHMOD")));   // ENOSYS does not count
  EXPECT_THAT(ran.out, Not(HasSubstr(" FORK ")));  // skipped
}

TEST(SeccompProbeTest, TellsWhatItRunsIn) {
  const json report = Report({"allow", "mkdir=1"});
  EXPECT_EQ(report.at("seccomp").at("mode"), "filtering");
  EXPECT_GE(report.at("seccomp").value("filters", 0), 1);
  EXPECT_TRUE(report.at("seccomp").at("no_new_privs").get<bool>());
  for (const char* set :
       {"inheritable", "permitted", "effective", "bounding", "ambient"}) {
    EXPECT_TRUE(report.at("capabilities").contains(set)) << set;
  }
  EXPECT_TRUE(report.at("namespaces").contains("pid"));
  EXPECT_THAT(report.at("uid_map"), Not(IsEmpty()));
}

struct BadInput {
  const char* what;
  Words arguments;
  const char* says;
};

TEST(SeccompProbeTest, BadInputIsOneLineAndStatusTwo) {
  auto dir = TempDir::In(testing::TempDir(), "seccomp-probe-");
  ASSERT_TRUE(dir);
  const Path other = dir->path() / "other.json";
  ASSERT_TRUE(WriteFile(other, R"({"kernel": "0.0", "mode": "disabled"})"));
  const Path text = dir->path() / "text";
  ASSERT_TRUE(WriteFile(text, "no report\n"));
  const Path filtered = dir->path() / "filtered.json";
  ASSERT_TRUE(WriteFile(filtered, RunProbe({"allow", "mkdir=1"}).out));
  const std::vector<BadInput> inputs = {
      {"unknown argument", {"--fast"}, "unknown argument --fast"},
      {"no value", {"--format"}, "--format needs a value"},
      {"unknown format", {"--format", "xml"}, "unknown format xml"},
      {"no such file", {"--control", "/nowhere"}, "No such file"},
      {"other kernel", {"--control", other.string()}, "made on kernel 0.0"},
      {"no report", {"--control", text.string()}, "not a report"},
      {"filtered", {"--control", filtered.string()}, "made under a filter"},
  };
  for (const auto& [what, arguments, says] : inputs) {
    const Finished ran = RunProbe({}, arguments);
    EXPECT_EQ(ran.ended.ToString(), "exit status 2") << what;
    EXPECT_THAT(ran.out, IsEmpty()) << what;
    EXPECT_THAT(ran.err, HasSubstr(says)) << what;
    EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << what;
  }
  const Finished help = RunProbe({}, {"--help"});
  EXPECT_TRUE(help.ended.ok());
  EXPECT_THAT(help.out, StartsWith("usage: lab-seccomp"));
}

TEST(SeccompProbeTest, SaysWhenItCannotMakeChildren) {
  const Finished ran = RunProbe({"allow", "clone=1"});
  EXPECT_EQ(ran.ended.ToString(), "exit status 3");
  EXPECT_THAT(ran.err, HasSubstr("cannot make a child"));
}

}  // namespace
}  // namespace lab
