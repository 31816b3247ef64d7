// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>

#include "runner/base/files.h"
#include "runner/base/scratch_fixture.h"
#include "runner/cli/catalog.h"

namespace lab {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

struct Said {
  ExitCode code = ExitCode::kBug;
  std::string out;
  std::string err;
};

// Commands here see the project, and a cache of their own that none of them
// may write to.
class CommandLine : public ScratchFixture {
 protected:
  void SetUp() override {
    ScratchFixture::SetUp();
    ::setenv("CONFINEMENT_LAB_HOME", LAB_SOURCE_DIR, 1);
    ::setenv("CONFINEMENT_LAB_CACHE", cache().c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("CONFINEMENT_LAB_HOME");
    ::unsetenv("CONFINEMENT_LAB_CACHE");
    EXPECT_FALSE(std::filesystem::exists(cache()));
  }
  Path cache() const { return dir_->path() / "cache"; }

  static Said Run(std::vector<std::string> arguments) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    Said said;
    said.code = RunCommandLine(std::move(arguments));
    said.out = testing::internal::GetCapturedStdout();
    said.err = testing::internal::GetCapturedStderr();
    return said;
  }

 private:
};

// kind's own variable; a lab that went on with another engine would not be what
// the person asked for.
TEST_F(CommandLine, DoctorLooksAtTheProviderThatKindWouldTake) {
  const auto said_with = [](const char* provider) {
    ::setenv("KIND_EXPERIMENTAL_PROVIDER", provider, 1);
    auto said = Run({"doctor", "--lab", "kind"});
    ::unsetenv("KIND_EXPERIMENTAL_PROVIDER");
    return said;
  };
  const auto nerdctl = said_with("nerdctl");
  EXPECT_EQ(nerdctl.code, ExitCode::kProvision);
  EXPECT_THAT(nerdctl.out, HasSubstr("KIND_EXPERIMENTAL_PROVIDER=nerdctl"));
  EXPECT_THAT(nerdctl.out, HasSubstr("unset KIND_EXPERIMENTAL_PROVIDER"));
  const auto podman = said_with("podman").out;
  EXPECT_THAT(podman, HasSubstr("Podman"));
  EXPECT_THAT(podman, Not(HasSubstr("Docker")));
  const auto docker = said_with("docker").out;
  EXPECT_THAT(docker, HasSubstr("Docker"));
  EXPECT_THAT(docker, Not(HasSubstr("Podman")));
}

TEST_F(CommandLine, WhatDoesNotExistIsAUsageErrorThatNamesIt) {
  struct {
    std::vector<std::string> arguments;
    const char* said;
  } const cases[] = {
      {{"--suit", "apparmor"}, "--suit"},
      {{"run", "--suite", "apparmor", "--frobnicate"}, "--frobnicate"},
      {{"dance"}, "\"dance\" is unknown"},
      {{"lab"}, "subcommand"},
      {{"lab", "sideways"}, "sideways"},
      {{"run", "--suite"}, "--suite"},
      {{"--suite", "aparmor"}, "known: apparmor"},
      {{"run"}, "which suite?"},
      {{"-q"}, "which suite?"},
      {{"--suite", "apparmor", "--filter", "enforce-deny-writ"},
       "closest: apparmor.enforce-deny-write"},
      {{"--suite", "apparmor", "--sabotage", "x"}, "permissive-profile"},
      {{"--suite", "apparmor", "--runtime", "youki"}, "known: crun, runc"},
      {{"--suite", "apparmor", "--accel", "hvf"}, "known: auto, kvm, tcg"},
      {{"--suite", "apparmor", "--lab", "kind", "--runtime", "crun"},
       "--runtime crun is for the machines of a vm lab"},
      {{"--suite", "apparmor", "--lab", "kind", "--kubernetes", "1.30",
        "--config", LAB_SOURCE_DIR "/fixtures/kind-configs/valid-choices.yaml"},
       "chooses a machine of a vm lab"},
      {{"--suite", "apparmor", "--node-image", "official"},
       "--node-image official needs --lab kind"},
      {{"--suite", "apparmor", "--lab", "kubeconfig"}, "needs --kubeconfig"},
      {{"--suite", "apparmor", "--lab", "cloud"}, "unknown lab \"cloud\""},
      {{"--suite", "apparmor", "--kubernetes", "1.3"}, "known: 1.23.17"},
      {{"--suite", "apparmor", "--node-os", "buster"},
       "known: bookworm, trixie, sid"},
      {{"--suite", "apparmor", "--node-os", "all"}, "known: bookworm"},
      {{"--suite", "apparmor", "--node-os", "bookworm", "--runtime", "crun"},
       "--runtime: crun cannot run pods on bookworm: crun 1.8.1"},
      {{"lab", "up", "--node-os", "buster"}, "known: bookworm"},
      {{"fetch", "--node-os", "buster"}, "known: bookworm"},
      {{"doctor", "--node-os", "buster"}, "known: bookworm"},
      {{"--suite", "apparmor", "--use-lab", "none", "--node-os", "sid"},
       "leave out --node-os sid"},
      {{"--suite", "apparmor", "--config", "/no/such.yaml"}, "/no/such.yaml"},
      {{"--suite", "apparmor", "--known-issues", "/no/such.json"},
       "/no/such.json"},
      {{"--suite", "apparmor", "--use-lab", "none"}, "no lab \"none\""},
      {{"--suite", "apparmor", "-j", "0"}, "--jobs"},
      {{"--suite", "apparmor", "--color", "red"}, "--color"},
      {{"lab", "up", "--name", "Big Lab"}, "lab name \"Big Lab\""},
      {{"lab", "down", "none"}, "no lab \"none\""},
      {{"lab", "down"}, "no lab"},
      {{"list", "--suite", "none"}, "unknown suite \"none\""},
      {{"explain"}, "id is required"},
      {{"explain", "log-denid"}, "closest: apparmor.log-denied"},
      {{"explain", "S0-311"}, "no statement \"S0-311\"; closest: "},
      {{"list", "--coverage", "--suite", "apparmor"}, "--coverage"},
  };
  for (const auto& one : cases) {
    const auto said = Run(one.arguments);
    const auto line = testing::PrintToString(one.arguments);
    EXPECT_EQ(said.code, ExitCode::kUsage) << line << said.err;
    EXPECT_THAT(said.err, HasSubstr(one.said)) << line;
    EXPECT_EQ(said.err.rfind("runner: ", 0), 0u) << line << said.err;
    EXPECT_THAT(said.out, IsEmpty()) << line;
  }
}

TEST_F(CommandLine, ABadConfigIsNamedWithItsLine) {
  const auto said =
      Run({"--suite", "apparmor", "--config",
           LAB_SOURCE_DIR "/fixtures/kind-configs/invalid-role.yaml"});
  EXPECT_EQ(said.code, ExitCode::kUsage);
  EXPECT_THAT(said.err, HasSubstr("invalid-role.yaml:"));
}

TEST_F(CommandLine, ANodeSystemThatIsNoneIsNamedWithItsLine) {
  const Path file = dir_->path() / "lab.yaml";
  ASSERT_TRUE(WriteFile(file,
                        "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\n"
                        "nodes:\n- role: control-plane\n- role: worker\n"
                        "  labels:\n    lab.local/node-os: buster\n"));
  const auto said = Run({"--suite", "apparmor", "--config", file.string()});
  EXPECT_EQ(said.code, ExitCode::kUsage);
  EXPECT_THAT(said.err,
              HasSubstr(file.string() +
                        ":7: label lab.local/node-os: unknown node operating "
                        "system \"buster\"; known: bookworm, trixie, sid"));
}

TEST_F(CommandLine, HelpAndVersionAreOutput) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{}, {"--help"}, {"-h"}}) {
    const auto said = Run(arguments);
    EXPECT_EQ(said.code, ExitCode::kOk);
    EXPECT_THAT(said.out, HasSubstr("Exit status"));
    EXPECT_THAT(said.err, IsEmpty());
  }
  const auto run = Run({"run", "--help"}).out;
  EXPECT_THAT(run, HasSubstr("--filter"));
  EXPECT_THAT(run, HasSubstr("bookworm, trixie, sid (default: trixie)"));
  EXPECT_THAT(Run({"--version"}).out, HasSubstr("confinement-lab 0."));
}

TEST_F(CommandLine, HelpKeepsQuietAboutTheKeeper) {
  EXPECT_EQ(Run({"--help"}).out.find("__keep"), std::string::npos);
}

TEST_F(CommandLine, ListShowsEveryCase) {
  const auto catalog = LoadCatalog(LAB_SOURCE_DIR, "apparmor");
  ASSERT_TRUE(catalog);
  const auto said = Run({"list", "--suite", "apparmor"});
  EXPECT_EQ(said.code, ExitCode::kOk);
  for (const auto& scenario : catalog->scenarios) {
    EXPECT_THAT(said.out, HasSubstr(scenario.id));
    EXPECT_THAT(said.out, HasSubstr(scenario.claim));
  }
}

TEST_F(CommandLine, ListAsJsonHoldsTheCatalog) {
  const auto said = Run({"list", "--json"});
  EXPECT_EQ(said.code, ExitCode::kOk);
  const auto listed = json::parse(said.out, nullptr, false);
  ASSERT_TRUE(listed.is_array()) << said.out;
  const auto file = json::parse(
      *ReadFile(LAB_SOURCE_DIR "/suites/apparmor/catalog/confinement.json"));
  const auto& wanted = file.at("cases")[0];
  const auto it = std::find_if(
      listed.begin(), listed.end(),
      [&](const json& one) { return one.at("id") == wanted.at("id"); });
  ASSERT_NE(it, listed.end());
  for (const auto* field : {"claim", "statements", "expect", "evidence",
                            "fixtures", "profiles", "deadline_seconds"}) {
    EXPECT_EQ(it->at(field), wanted.at(field)) << field;
  }
}

TEST_F(CommandLine, ExplainShowsClaimAndFiles) {
  const auto said = Run({"explain", "late-load-recovers"});
  EXPECT_EQ(said.code, ExitCode::kOk);
  EXPECT_THAT(said.out, HasSubstr("apparmor.late-load-recovers"));
  EXPECT_THAT(said.out, HasSubstr("--- fixtures/pods/late-load.yaml ---"));
  EXPECT_THAT(said.out, HasSubstr("kind: Pod"));
  EXPECT_THAT(said.out, HasSubstr("build/runner --suite apparmor --filter "
                                  "late-load-recovers"));
}

TEST_F(CommandLine, ExplainMarksWhatHoldsForTheDefaultVersion) {
  const auto said = Run({"explain", "unloaded-profile"});
  EXPECT_EQ(said.code, ExitCode::kOk);
  EXPECT_THAT(said.out, HasSubstr("* >=1.24"));
  EXPECT_THAT(said.out, HasSubstr("\n  >=1.5 <1.24"));
  EXPECT_THAT(said.out, HasSubstr("  S0-14  AppArmor tutorial (ja)"));
}

TEST_F(CommandLine, ExplainTakesStatements) {
  const auto tested = Run({"explain", "S4-31"});
  EXPECT_EQ(tested.code, ExitCode::kOk);
  EXPECT_THAT(tested.out, HasSubstr("apparmor.enforce-deny-write"));
  const auto policy = Run({"explain", "S0-41"});
  EXPECT_EQ(policy.code, ExitCode::kOk);
  EXPECT_THAT(policy.out, HasSubstr("not tested  PodSecurityPolicy"));
}

TEST_F(CommandLine, CoverageHasEveryStatement) {
  const auto said = Run({"list", "--coverage"});
  EXPECT_EQ(said.code, ExitCode::kOk);
  EXPECT_THAT(said.out, HasSubstr("S0-26"));
  EXPECT_THAT(said.out, HasSubstr("not tested: PodSecurityPolicy"));
  EXPECT_THAT(said.out, HasSubstr(", 0 open;"));
  const auto listed =
      json::parse(Run({"list", "--coverage", "--json"}).out, nullptr, false);
  ASSERT_TRUE(listed.is_array());
  for (const auto& one : listed) {
    EXPECT_NE(one.at("scenarios").empty(), one.at("not_tested") == "") << one;
  }
}

TEST_F(CommandLine, SabotagesAreListed) {
  const auto said = Run({"--suite", "apparmor", "--list-sabotage"});
  EXPECT_EQ(said.code, ExitCode::kOk);
  EXPECT_THAT(said.out, HasSubstr("permissive-profile"));
}

TEST_F(CommandLine, AnEmptyCacheHasNoLabs) {
  const auto listed = Run({"lab", "ls"});
  EXPECT_EQ(listed.code, ExitCode::kOk);
  EXPECT_THAT(listed.err, HasSubstr("runner lab up"));
  EXPECT_EQ(Run({"lab", "ls", "--json"}).out, "[]\n");
  EXPECT_THAT(Run({"lab", "gc"}).out, HasSubstr("nothing to remove"));
}

TEST_F(CommandLine, AHomeThatIsNoneIsAUsageError) {
  ::setenv("CONFINEMENT_LAB_HOME", "/no/such/home", 1);
  const auto said = Run({"list"});
  EXPECT_EQ(said.code, ExitCode::kUsage);
  EXPECT_THAT(said.err, HasSubstr("/no/such/home"));
}

}  // namespace
}  // namespace lab
