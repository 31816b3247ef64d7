// SPDX-License-Identifier: Apache-2.0
#include "runner/report/junit.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>

#include <utility>

#include "runner/base/files.h"
#include "runner/report/test_run.h"

extern char** environ;

namespace lab {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Runs xmllint (Debian: libxml2-utils) on `xml`. Empty if the schema accepts
// it, else what xmllint says.
std::string SchemaComplaint(const std::string& xml) {
  auto dir = TempDir::In(std::filesystem::temp_directory_path(), "junit-");
  if (!dir) return dir.error().what;
  const std::string file = dir->path() / "junit.xml";
  const std::string complaint = dir->path() / "complaint";
  if (const auto s = WriteFile(file, xml); !s) return s.error().what;
  const std::string schema = LAB_SOURCE_DIR "/reports/schema/junit.xsd";
  const char* argv[] = {"xmllint",      "--noout",    "--schema",
                        schema.c_str(), file.c_str(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, complaint.c_str(),
                                   O_WRONLY | O_CREAT, 0600);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, argv[0], &actions, nullptr,
                                 const_cast<char**>(argv), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return "cannot run xmllint (package libxml2-utils)";
  int ended = 0;
  ::waitpid(pid, &ended, 0);
  if (ended == 0) return "";
  return ReadFile(complaint).value_or("xmllint failed") + xml;
}

RunState SomeRun() {
  RunState run;
  run.id = "k3f9";
  run.suite = "apparmor";
  run.started = "2026-05-04T03:02:01";
  run.facts["kernel"] = "6.12.1";
  return run;
}

// The derived document, which must be valid.
std::string Derived(const RunState& run) {
  auto xml = DeriveJunit(run, "host-1");
  EXPECT_EQ(SchemaComplaint(xml), "");
  return xml;
}

TEST(Junit, SchemaRefusesWhatReadersRefuse) {
  for (const auto* xml :
       {"<testsuites/>", "not xml",
        "<testsuites tests='1' failures='0' errors='0' time='1.000'>"
        "<testsuite name='a' tests='1' failures='0' errors='0' skipped='0' "
        "time='1.000'><testcase classname='a' name='b' time='1.000'>"
        "<system-out/><failure type='fail' message='late'/></testcase>"
        "</testsuite></testsuites>"}) {
    EXPECT_NE(SchemaComplaint(xml), "") << xml;
  }
}

TEST(Junit, OfAnEmptyRunIsValid) {
  EXPECT_THAT(Derived(RunState()), HasSubstr("tests=\"0\""));
}

TEST(Junit, SuiteNamesTheRunAndItsFacts) {
  const auto xml = Derived(SomeRun());
  EXPECT_THAT(xml, HasSubstr("<property name=\"run-id\" value=\"k3f9\""));
  EXPECT_THAT(xml, HasSubstr("<property name=\"kernel\" value=\"6.12.1\""));
  EXPECT_THAT(xml, HasSubstr("timestamp=\"2026-05-04T03:02:01\""));
  EXPECT_THAT(xml, HasSubstr("hostname=\"host-1\""));
}

TEST(Junit, LeavesOutATimestampThatReadersWouldRefuse) {
  auto run = SomeRun();
  run.started = "2026-05-04T03:02:01Z";
  EXPECT_THAT(Derived(run), Not(HasSubstr("timestamp")));
}

TEST(Junit, PassedCaseIsSplitAtTheFirstDot) {
  auto run = SomeRun();
  AddCase(run, "apparmor.enforce-deny-write.twice", Verdict::kPass);
  EXPECT_THAT(Derived(run),
              HasSubstr("<testcase classname=\"apparmor\" "
                        "name=\"enforce-deny-write.twice\" time=\"3.210\" />"));
}

TEST(Junit, FailureHasHeadlinePlaceAndReproduceLine) {
  auto run = SomeRun();
  run.facts["reproduce-options"] = "--kubernetes 1.36.3";
  auto& c = AddCase(run, "apparmor.deny", Verdict::kFail);
  c.failed_checks = {
      {Verdict::kFail, "touch succeeded\nmore", "x_test.cc", 12}};
  EXPECT_THAT(Derived(run),
              HasSubstr("<failure type=\"fail\" message=\"touch succeeded\">"
                        "x_test.cc:12: touch succeeded\nmore\n"
                        "reproduce: build/runner --suite apparmor --filter "
                        "deny --kubernetes 1.36.3</failure>"));
}

TEST(Junit, ErrorIsNoFailure) {
  auto run = SomeRun();
  AddCase(run, "apparmor.deny", Verdict::kError, "the suite died of signal 11");
  const auto xml = Derived(run);
  EXPECT_THAT(xml, HasSubstr("<error type=\"error\" message=\"the suite died "
                             "of signal 11\">the suite died of signal 11\n"
                             "reproduce: build/runner"));
  EXPECT_THAT(xml, HasSubstr("failures=\"0\" errors=\"1\""));
}

TEST(Junit, SkipHasATokenAndASentence) {
  auto run = SomeRun();
  AddCase(run, "apparmor.a", Verdict::kSkip, "kernel: no AppArmor");
  AddCase(run, "apparmor.b", Verdict::kSkip, "needs this: that");
  AddCase(run, "apparmor.c", Verdict::kSkip);
  const auto xml = Derived(run);
  EXPECT_THAT(xml, HasSubstr("message=\"kernel: no AppArmor\""));
  EXPECT_THAT(xml, HasSubstr("message=\"skipped: needs this: that\""));
  EXPECT_THAT(xml, HasSubstr("message=\"skipped: no reason was given\""));
  EXPECT_THAT(xml, HasSubstr("errors=\"0\" skipped=\"3\""));
}

TEST(Junit, KnownIsSkippedAndFixedFails) {
  auto run = SomeRun();
  AddCase(run, "apparmor.a", Verdict::kKnown, "issue 12");
  AddCase(run, "apparmor.b", Verdict::kFixed, "");
  const auto xml = Derived(run);
  EXPECT_THAT(xml, HasSubstr("<skipped type=\"known\" "
                             "message=\"known-issue: issue 12\""));
  EXPECT_THAT(xml, HasSubstr("<failure type=\"fixed\""));
  EXPECT_THAT(xml, HasSubstr("failures=\"1\" errors=\"0\" skipped=\"1\""));
}

TEST(Junit, KilledRunIsNotGreen) {
  auto run = SomeRun();
  run.phases = {{"lab", "", true, 1}, {"nodes", "", std::nullopt, 0}};
  auto& running = AddCase(run, "apparmor.a", std::nullopt);
  running.started_at = 100;
  run.last_t = 107.5;
  AddCase(run, "apparmor.b", std::nullopt).started = false;
  const auto xml = Derived(run);
  EXPECT_THAT(xml, HasSubstr("name=\"a\" time=\"7.500\">\n      <error "
                             "type=\"not-finished\" message=\"the run ended "
                             "before this case did\""));
  EXPECT_THAT(xml, HasSubstr("the run ended before this phase did"));
  EXPECT_THAT(xml, HasSubstr("tests=\"4\" failures=\"0\" errors=\"3\""));
}

TEST(Junit, FailedPhaseIsAnErrorOfTheLab) {
  auto run = SomeRun();
  run.phases = {{"nodes", "podman run: exit 125\nno space left", false, 4.5}};
  const auto xml = Derived(run);
  EXPECT_THAT(xml, HasSubstr("<testcase classname=\"lab\" name=\"nodes\" "
                             "time=\"4.500\">"));
  EXPECT_THAT(xml, HasSubstr("<error type=\"phase\" message=\"podman run: exit "
                             "125\">podman run: exit 125\nno space left<"));
}

TEST(Junit, EvidenceStandsInSystemOutOneLineEach) {
  auto run = SomeRun();
  auto& c = AddCase(run, "apparmor.a", Verdict::kPass);
  c.node = "lab-n1";
  c.evidence = {{"label", "lab-deny (enforce)"}, {"trace", "one\ntwo"}};
  EXPECT_THAT(Derived(run), HasSubstr("<system-out>node: lab-n1\n"
                                      "label: lab-deny (enforce)\n"
                                      "trace: one | two\n</system-out>"));
}

TEST(Junit, CutsHugeTextsAndSaysWhereTheRestIs) {
  auto run = SomeRun();
  auto& c = AddCase(run, "apparmor.a", Verdict::kFail);
  for (int i = 0; i < 3000; ++i) c.evidence.push_back({"node", "\u20ac\u20ac"});
  std::string text = "head";
  for (int i = 0; i < 10000; ++i) text += "\u20ac";
  c.failed_checks = {{Verdict::kFail, text, "x.cc", 1}};
  const auto xml = Derived(run);
  EXPECT_LT(xml.size(), 22'000u);
  EXPECT_THAT(xml, HasSubstr("all of it is in records.jsonl)</system-out>"));
  EXPECT_THAT(xml, HasSubstr("records.jsonl)\nreproduce: build/runner"));
}

TEST(Junit, HostileTextStaysText) {
  const std::string hostile =
      "]]></failure>&amp;<!--\x1b[2J\x07\xff\xfe\xed\xa0\x80\r\n\t\"'\x7f" +
      std::string(1, '\0') + "\xEF\xBF\xBF end";
  for (const auto verdict :
       {Verdict::kPass, Verdict::kFail, Verdict::kSkip, Verdict::kError,
        Verdict::kKnown, Verdict::kFixed}) {
    auto run = SomeRun();
    run.id = run.suite = run.started = run.facts[hostile] = hostile;
    run.phases = {{hostile, hostile, false, -1}};
    auto& c = AddCase(run, hostile + "." + hostile, verdict, hostile);
    c.failed_checks = {{verdict, hostile, hostile, 1}};
    c.evidence = {{hostile, hostile}};
    c.node = hostile;
    EXPECT_THAT(Derived(run), HasSubstr("]]&gt;&lt;/failure&gt;&amp;amp;"));
  }
}

// Readers that know a case by class and name alone must not mix runs.
TEST(Junit, OfSeveralRunsNamesTheRunEverywhere) {
  auto one = SomeRun();
  AddCase(one, "apparmor.a", Verdict::kPass);
  one.phases = {{"lab", "ready", true, 2.5}};
  auto two = SomeRun();
  two.facts["kernel"] = "5.10.0";
  AddCase(two, "apparmor.a", Verdict::kFail, "wrote");
  AddCase(two, "apparmor.b", std::nullopt);

  const auto xml = DeriveJunit({{"1.36-crun", one}, {"1.23-runc", two}},
                               "apparmor nightly", "host-1");

  EXPECT_EQ(SchemaComplaint(xml), "");
  EXPECT_THAT(xml, HasSubstr("<testsuites name=\"apparmor nightly\" "
                             "tests=\"4\" failures=\"1\" errors=\"1\" "));
  for (const auto* part : {"<testsuite name=\"lab [1.36-crun]\"",
                           "<testsuite name=\"apparmor [1.36-crun]\"",
                           "<testsuite name=\"apparmor [1.23-runc]\"",
                           "classname=\"lab\" name=\"lab [1.36-crun]\"",
                           "classname=\"apparmor\" name=\"a [1.36-crun]\"",
                           "classname=\"apparmor\" name=\"a [1.23-runc]\"",
                           "<property name=\"kernel\" value=\"5.10.0\"",
                           "<error type=\"not-finished\""}) {
    EXPECT_THAT(xml, HasSubstr(part));
  }
}

// A matrix that was killed at once: nothing but cases without an end.
TEST(Junit, OfRunsThatNeverBeganIsValidAndRed) {
  RunState run;
  run.suite = "apparmor";
  run.cases.emplace_back().id = "apparmor.a";
  const auto xml = DeriveJunit({{"a", run}, {"b", run}}, "apparmor x", "h");
  EXPECT_EQ(SchemaComplaint(xml), "");
  EXPECT_THAT(xml, HasSubstr("tests=\"2\" failures=\"0\" errors=\"2\""));
  EXPECT_EQ(SchemaComplaint(DeriveJunit(std::vector<NamedRun>(), "x", "h")),
            "");
}

}  // namespace
}  // namespace lab
