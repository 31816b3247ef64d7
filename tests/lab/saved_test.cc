// SPDX-License-Identifier: Apache-2.0
// Saved labs: a lab is saved, ended, and gone on with, twice.
#include "tests/lab/runner.h"

#include "runner/base/text.h"
#include "runner/components/cache.h"

namespace lab::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class SavedLab : public testing::Test {
 protected:
  void SetUp() override {
    const auto up =
        Runner({"lab", "up", "--name", name_, "--config",
                std::string(LAB_SOURCE_DIR) + "/kind-configs/one-worker.yaml"});
    ASSERT_TRUE(up.ended.ok()) << up.err;
    const auto saved = Runner({"lab", "save", name_});
    ASSERT_TRUE(saved.ended.ok()) << saved.err;
  }
  void TearDown() override {
    Runner({"lab", "down", name_});
    Runner({"lab", "forget", name_});
  }
  Finished Run(const Report& report) const {
    std::vector<std::string> arguments = {
        "--suite", "apparmor", "--filter", "*-deny-*", "--from-saved", name_};
    for (const auto& option : report.Options()) arguments.push_back(option);
    return Runner(arguments);
  }

  const std::string name_ = "e2e-" + RandomHex(4);
};

TEST_F(SavedLab, GoesOnAgainAndAgainWithTheSameVerdicts) {
  // The saved lab goes on, and has the addresses.
  const auto still = Runner({"lab", "shell", name_ + "-worker", "--", "true"});
  EXPECT_TRUE(still.ended.ok()) << still.err;
  const auto taken = Runner({"lab", "restore", name_, "--name", "other"});
  EXPECT_EQ(taken.ended.ToString(), "exit status 5");
  EXPECT_THAT(taken.err, HasSubstr("runner lab down " + name_));
  ASSERT_TRUE(Runner({"lab", "down", name_}).ended.ok());

  const auto restored = Runner({"lab", "restore", name_});
  ASSERT_TRUE(restored.ended.ok()) << restored.err;
  const auto clock =
      Runner({"lab", "shell", name_ + "-worker", "--", "date", "+%s"});
  EXPECT_NEAR(std::stod("0" + clock.out), EpochSeconds(), 30);
  ASSERT_TRUE(Runner({"lab", "down", name_}).ended.ok());

  for (int time = 0; time < 2; ++time) {
    const auto report = NewReport();
    const auto run = Run(report);
    EXPECT_EQ(run.ended.ToString(), "exit status 0") << report.Story(run);
    EXPECT_THAT(report.With(Verdict::kPass), SizeIs(2));
    EXPECT_EQ(report.State().facts.at("saved-lab"), name_);
    EXPECT_FALSE(std::filesystem::exists(LabDirectoryOf(report)));
  }
}

}  // namespace
}  // namespace lab::e2e
