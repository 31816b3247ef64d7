// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/matrix_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runner/base/scratch_fixture.h"

namespace lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace fs = std::filesystem;

// A project's root of its own, so that its matrix and catalog may change.
class Matrix : public ScratchFixture {
 protected:
  void SetUp() override {
    ScratchFixture::SetUp();
    home_ = dir_->path() / "home";
    fs::create_directories(home_ / "suites");
    fs::create_directories(home_ / "matrices");
    for (const char* same : {"components", "kind-configs", "fixtures"}) {
      fs::create_directory_symlink(Path(LAB_SOURCE_DIR) / same, home_ / same);
    }
    fs::copy(Path(LAB_SOURCE_DIR) / "suites" / "apparmor",
             home_ / "suites" / "apparmor", fs::copy_options::recursive);
    Write(
        "combinations:\n"
        "  - {name: a, runtime: crun, filter: 'pro*-[la][it]*'}\n"
        "  - {name: b, runtime: runc, config: kind-configs/one-worker.yaml,"
        " filter: proc-attr}\n");
    options_.suite = "apparmor";
    options_.matrix = "m";
  }

  void Write(const std::string& text) {
    ASSERT_TRUE(WriteFile(home_ / "matrices" / "m.yaml", text));
  }
  Result<MatrixPlan> Plan() const {
    return PlanMatrix({home_, dir_->path() / "cache", {}}, options_);
  }
  std::string PlanError() const {
    const auto plan = Plan();
    return plan ? "" : plan.error().what;
  }

  // A report directory as a matrix leaves it; the combinations of `ended` have
  // an end, which was an interruption where the signal is not 0.
  Path Begun(const std::string& name,
             const std::vector<std::pair<std::string, int>>& ended) {
    const Path directory = home_ / "reports" / "runs" / name;
    EXPECT_TRUE(MakeDirectories(directory));
    EXPECT_TRUE(WriteFile(directory / kMatrixJson, PlanToJson(*Plan()).dump()));
    for (const auto& [combination, signal] : ended) {
      EXPECT_TRUE(MakeDirectories(directory / combination));
      const RecordWriter writer(directory / combination / "records.jsonl");
      EXPECT_TRUE(writer.Write({{"event", "run"},
                                {"id", "r1"},
                                {"suite", "apparmor"},
                                {"started", "2026-05-04T03:02:01"},
                                {"cases", {"apparmor.proc-attr"}}}));
      EXPECT_TRUE(writer.Write({{"event", "case-end"},
                                {"id", "apparmor.proc-attr"},
                                {"verdict", "pass"},
                                {"seconds", 1}}));
      EXPECT_TRUE(writer.Write({{"event", "run-end"},
                                {"exit", signal == 0 ? 0 : 128 + signal},
                                {"seconds", 7.5},
                                {"interrupted", signal}}));
    }
    return directory;
  }
  Result<Path> Resumable(const std::string& report_dir = "") const {
    return FindResumable(home_, report_dir, *Plan());
  }
  std::string ResumeError(const std::string& report_dir = "") const {
    const auto found = Resumable(report_dir);
    EXPECT_TRUE(found || found.error().kind == ErrorKind::kUsage);
    return found ? "" : found.error().what;
  }

  Path home_;
  RunOptions options_;
};

TEST_F(Matrix, PlanResolvesEveryCombination) {
  const auto plan = Plan();
  ASSERT_TRUE(plan) << plan.error().what;
  ASSERT_THAT(plan->combinations, SizeIs(2));
  const auto& a = plan->combinations[0];
  EXPECT_THAT(a.cases,
              ElementsAre("apparmor.proc-attr", "apparmor.profile-listing"));
  EXPECT_EQ(a.lab.config.file, home_ / "kind-configs" / "default.yaml");
  const auto& b = plan->combinations[1];
  EXPECT_THAT(b.cases, ElementsAre("apparmor.proc-attr"));
  EXPECT_EQ(b.options.runtime, "runc");
  EXPECT_EQ(b.lab.config.file, home_ / "kind-configs" / "one-worker.yaml");
  EXPECT_THAT(b.lab.options, HasSubstr("--runtime runc"));
  EXPECT_EQ(plan->cases, a.cases);
}

TEST_F(Matrix, AFilterOfTheCommandLineSelectsFurther) {
  options_.filter = "profile-*";
  const auto plan = Plan();
  ASSERT_TRUE(plan) << plan.error().what;
  ASSERT_THAT(plan->combinations, SizeIs(1));
  EXPECT_THAT(plan->combinations[0].cases,
              ElementsAre("apparmor.profile-listing"));
  EXPECT_THAT(plan->left_out, ElementsAre("b"));
}

TEST_F(Matrix, WhatAPlanCannotHonourIsNamedWithItsLine) {
  struct {
    const char* combination;
    const char* said;
  } const cases[] = {
      {"kubernetes: '1.2'", "m.yaml:2: combination \"x\": unknown Kubernetes"},
      {"node-os: woody",
       "m.yaml:2: combination \"x\": --node-os: unknown node "
       "operating"},
      {"runtime: kata", "--runtime: unknown value \"kata\""},
      {"accel: hax", "--accel: unknown value \"hax\""},
      {"config: kind-configs/none.yaml", "kind-configs/none.yaml"},
      {"filter: proc-atr", "closest: apparmor.proc-attr"},
      {"filter: zzz*", "filter \"zzz*\" matches no case"},
  };
  for (const auto& one : cases) {
    Write(std::string("combinations:\n  - {name: x, ") + one.combination +
          "}\n");
    const auto plan = Plan();
    ASSERT_FALSE(plan) << one.combination;
    EXPECT_THAT(plan.error().what, HasSubstr("m.yaml:2: combination \"x\": "));
    EXPECT_THAT(plan.error().what, HasSubstr(one.said));
    EXPECT_EQ(plan.error().kind, ErrorKind::kUsage) << plan.error().what;
  }
}

TEST_F(Matrix, OptionsThatTheFileDecidesAreRefused) {
  options_.lab.runtime = "runc";
  EXPECT_THAT(PlanError(), HasSubstr("leave out --runtime"));
  options_.lab.runtime = LabOptions().runtime;
  options_.sabotage = "no-profile";
  EXPECT_THAT(PlanError(), HasSubstr("leave out --sabotage"));
  options_.sabotage.clear();
  options_.use_lab = "demo";
  EXPECT_THAT(PlanError(), HasSubstr("leave out --use-lab"));
}

TEST_F(Matrix, ACombinationWithoutRecordsHasItsCasesAndFacts) {
  const auto plan = Plan();
  const auto run =
      ReadCombination(plan->combinations[1], plan->suite, home_ / "nowhere");
  EXPECT_EQ(run.CountUnfinished(), 1u);
  EXPECT_EQ(run.facts.at("default-runtime"), "runc");
  EXPECT_EQ(run.facts.at("kubernetes"),
            plan->combinations[1].lab.kubernetes.version);
  EXPECT_FALSE(HasFinished(run));
  EXPECT_THAT(run.Reproduce("apparmor.proc-attr"), HasSubstr("--runtime runc"));
}

TEST_F(Matrix, BrokenRecordsAreAFailedPhase) {
  const auto directory = Begun("2026-a", {});
  fs::create_directories(directory / "a");
  ASSERT_TRUE(WriteFile(directory / "a" / "records.jsonl", "nonsense\n"));
  const auto plan = Plan();
  const auto run =
      ReadCombination(plan->combinations[0], plan->suite, directory);
  ASSERT_THAT(run.phases, SizeIs(1));
  EXPECT_EQ(run.phases[0].ok, false);
  EXPECT_THAT(run.phases[0].text, HasSubstr("nonsense"));
  EXPECT_EQ(run.CountUnfinished(), 2u);
}

TEST_F(Matrix, ResumeTakesTheNewestUnfinishedRun) {
  EXPECT_THAT(ResumeError(), HasSubstr("no unfinished run of matrix m"));
  Begun("2026-01", {{"a", 0}});
  const auto newer = Begun("2026-02", {{"a", 0}, {"b", 2}});
  Begun("2026-03", {{"a", 0}, {"b", 0}});
  const auto found = Resumable();
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(*found, newer);
}

TEST_F(Matrix, AnInterruptedOrKilledCombinationHasNotFinished) {
  const auto directory = Begun("2026-01", {{"a", 0}, {"b", 15}});
  const auto plan = Plan();
  const auto finished = [&](std::size_t i) {
    return HasFinished(
        ReadCombination(plan->combinations[i], plan->suite, directory));
  };
  EXPECT_TRUE(finished(0));
  EXPECT_FALSE(finished(1));
  fs::remove_all(directory / "a");
  EXPECT_FALSE(finished(0));
}

TEST_F(Matrix, ResumeInADirectoryThatIsNamed) {
  const auto older = Begun("2026-01", {{"a", 0}});
  Begun("2026-02", {});
  EXPECT_EQ(Resumable(older.string()).value_or(""), older);
  EXPECT_THAT(ResumeError((home_ / "matrices").string()),
              HasSubstr("holds no run of matrix m"));
}

TEST_F(Matrix, ResumeRefusesWhatHasChanged) {
  Begun("2026-01", {{"a", 0}});
  options_.filter = "proc-attr";
  EXPECT_THAT(ResumeError(), HasSubstr("--filter or the versions"));
  options_.filter.clear();
  EXPECT_THAT(ResumeError(), IsEmpty());

  const Path catalog = home_ / "suites/apparmor/catalog/nodes.json";
  const auto text = *ReadFile(catalog);
  ASSERT_TRUE(WriteFile(catalog, text + "\n"));
  EXPECT_THAT(ResumeError(), HasSubstr("the catalog of apparmor has changed"));
  ASSERT_TRUE(WriteFile(catalog, text));

  Write("combinations:\n  - {name: a, filter: pro*}\n");
  EXPECT_THAT(ResumeError(), HasSubstr("m.yaml has changed since"));
  EXPECT_THAT(ResumeError(), HasSubstr("without --resume a new run begins"));
}

TEST_F(Matrix, RunsOfOtherFilesAreNotItsOwn) {
  Begun("2026-01", {});
  fs::copy(home_ / "matrices" / "m.yaml", home_ / "matrices" / "n.yaml");
  options_.matrix = "n";
  EXPECT_THAT(EarlierRuns(home_, *Plan()), IsEmpty());
}

TEST_F(Matrix, TimeIsKnownFromTheSameCasesOnly) {
  Begun("2026-01", {{"a", 0}, {"b", 0}});
  const auto seconds = LastSeconds(home_, *Plan());
  EXPECT_EQ(seconds.at("b"), 7.5);
  EXPECT_FALSE(seconds.contains("a"));  // one of two cases has no end
}

}  // namespace
}  // namespace lab
