// SPDX-License-Identifier: Apache-2.0
// Wishes that cannot be met: exit status 2, one line that names the wish and
// what would have been accepted, nothing built or started.
#include "runner/base/text.h"
#include "tests/lab/runner.h"

namespace lab::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

struct Wish {
  std::vector<std::string> arguments;
  std::string names;    ///< what the line must name
  std::string accepts;  ///< what it must offer
};

class BadWish : public testing::TestWithParam<Wish> {};

TEST_P(BadWish, IsRefusedInOneLine) {
  const auto said = Runner(GetParam().arguments, 20s);

  EXPECT_EQ(said.ended.ToString(), "exit status 2");
  EXPECT_THAT(Lines(said.err), SizeIs(1));
  EXPECT_THAT(said.err, HasSubstr(GetParam().names));
  EXPECT_THAT(said.err, HasSubstr(GetParam().accepts));
}

const std::string kBadConfig = std::string(LAB_SOURCE_DIR) +
                               "/fixtures/kind-configs/"
                               "invalid-unknown-field.yaml";

const std::string kRemovedGate =
    std::string(LAB_SOURCE_DIR) + "/kind-configs/gate-off.yaml";

INSTANTIATE_TEST_SUITE_P(
    All, BadWish,
    testing::Values(
        Wish{{"--suite", "apparmour"}, "apparmour", "apparmor"},
        Wish{{"--suite", "apparmor", "--filter", "enforce-deny"},
             "enforce-deny",
             "enforce-deny-write"},
        Wish{{"--suite", "apparmor", "--kubernetes", "1.2"}, "1.2", "1.36.3"},
        Wish{
            {"--suite", "apparmor", "--runtime", "kata"}, "kata", "crun, runc"},
        Wish{
            {"--suite", "apparmor", "--accel", "hax"}, "hax", "auto, kvm, tcg"},
        Wish{{"--suite", "apparmor", "--lab", "cloud"}, "cloud", "vm"},
        Wish{{"--suite", "apparmor", "--config", "/no/such.yaml"},
             "/no/such.yaml",
             "No such file"},
        Wish{{"--suite", "apparmor", "--config", kBadConfig},
             "invalid-unknown-field.yaml:",
             "unknown field"},
        Wish{{"--suite", "apparmor", "--lab", "kubeconfig"},
             "--lab kubeconfig",
             "--kubeconfig FILE"},
        Wish{{"--suite", "apparmor", "--kubeconfig", "/no/such"},
             "/no/such",
             "--lab kubeconfig"},
        Wish{{"--suite", "apparmor", "--config", kRemovedGate},
             "gate-off.yaml:8: feature gate AppArmor",
             "it went in 1.33"},
        Wish{{"lab", "up", "--config", kRemovedGate},
             "gate-off.yaml:8: feature gate AppArmor",
             "it went in 1.33"},
        Wish{{"lab", "plan", "/no/such.yaml"}, "/no/such.yaml", "No such file"},
        Wish{{"lab", "plan", kRemovedGate, "--lab", "cloud"}, "cloud", "kind"},
        Wish{{"--suite", "apparmor", "--sabotage", "rain"},
             "rain",
             "permissive-profile"},
        Wish{{"--suite", "apparmor", "--node-os", "woody"}, "woody", "trixie"},
        Wish{{"--suite", "apparmor", "--matrix", "dayly"}, "dayly", "smoke"},
        Wish{{"--suite", "apparmor", "--resume"}, "--resume", "--matrix"},
        Wish{{"--suite", "apparmor", "--use-lab", "nowhere"}, "nowhere", "lab"},
        Wish{{"--suite", "apparmor", "--no-such-option"},
             "--no-such-option",
             "--help"},
        Wish{{"explain", "enforce-deny-wrote"},
             "enforce-deny-wrote",
             "enforce-deny-write"},
        Wish{{"lab", "down", "nowhere"}, "nowhere", "lab"},
        Wish{{"lab", "save", "nowhere"}, "nowhere", "lab"},
        Wish{{"lab", "restore", "nowhere"}, "nowhere", "saved lab"},
        Wish{{"lab", "forget", "nowhere"}, "nowhere", "saved lab"},
        Wish{{"--suite", "apparmor", "--from-saved", "nowhere"},
             "nowhere",
             "saved lab"}));

TEST(NothingSelected, IsExitFourAndAValidReport) {
  const auto report = NewReport();
  std::vector<std::string> arguments = {"--suite", "apparmor", "--filter",
                                        "zzz*"};
  for (const auto& option : report.Options()) arguments.push_back(option);

  const auto said = Runner(arguments, 20s);

  EXPECT_EQ(said.ended.ToString(), "exit status 4");
  EXPECT_THAT(said.err, HasSubstr("zzz*"));
  EXPECT_THAT(said.err, HasSubstr("report.html"));
  report.ExpectValidJunit();
  report.ExpectWholePage();
}

TEST(MissingProgram, IsExitFiveWithTheCommandThatMendsIt) {
  // A PATH on which everything is but QEMU; the runner also looks in the
  // system's own directories, so the stand-in comes first and is too old.
  const auto bin = NewReport();
  const Path qemu = bin.directory.path() / "qemu-system-x86_64";
  ASSERT_TRUE(WriteFile(qemu, "#!/bin/sh\necho version 7.2\n", 0755));
  const std::string path = bin.directory.path().string() + ":/usr/bin:/bin";

  const auto said = RunToEnd(
      {.argv = {std::string(LAB_BINARY_DIR) + "/runner", "--suite", "apparmor"},
       .env = {{"PATH", path}},
       .timeout = 20s});

  ASSERT_TRUE(said);
  EXPECT_EQ(said->ended.ToString(), "exit status 5");
  EXPECT_THAT(said->err, HasSubstr("QEMU: 7.2"));
  EXPECT_THAT(said->err, HasSubstr("make setup"));
}

// What the catalog names, the suite has, and the other way round.
TEST(Suite, HasACaseForEveryScenarioAndNoOther) {
  const auto listed = Runner({"list", "--suite", "apparmor", "--json"});
  std::set<std::string> wanted;
  for (const auto& one : nlohmann::json::parse(listed.out)) {
    wanted.insert(one.at("test"));
  }

  const auto suite = RunToEnd({.argv = {LAB_BINARY_DIR "/suites/suite-apparmor",
                                        "--gtest_list_tests"}});

  ASSERT_TRUE(suite);
  std::set<std::string> cases;
  for (const auto& line : Lines(suite->out)) {
    if (line.starts_with("  ")) cases.insert(std::string(Trim(line)));
  }
  EXPECT_EQ(cases, wanted);
}

// kind's own variable: a lab on another engine would not be what was asked for.
TEST(Provider, NerdctlIsRefusedWithTheReason) {
  ::setenv("KIND_EXPERIMENTAL_PROVIDER", "nerdctl", 1);
  const auto said =
      Runner({"--suite", "seccomp", "--lab", "kind", "--filter", "static-pod"});
  ::unsetenv("KIND_EXPERIMENTAL_PROVIDER");

  EXPECT_EQ(said.ended.ToString(), "exit status 5");
  EXPECT_THAT(said.err, HasSubstr("KIND_EXPERIMENTAL_PROVIDER=nerdctl"));
  EXPECT_THAT(said.err, HasSubstr("network"));
  EXPECT_THAT(said.err, HasSubstr("unset KIND_EXPERIMENTAL_PROVIDER"));
}

}  // namespace
}  // namespace lab::e2e
