// SPDX-License-Identifier: Apache-2.0
// The suite in a real lab, where all is well.
#include "runner/base/text.h"
#include "tests/lab/runner.h"

namespace lab::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> In(const std::string& lab, const Report& report,
                            std::vector<std::string> more = {}) {
  more.insert(more.end(), {"--suite", "apparmor", "--use-lab", lab});
  for (const auto& option : report.Options()) more.push_back(option);
  return more;
}

class WholeRun : public testing::TestWithParam<const char*> {};

// From nothing to nothing: provision, all cases, report, and no lab left. What
// the suite's own lab cannot show is skipped, and nothing else.
TEST_P(WholeRun, PassesAndLeavesNothing) {
  const std::string suite = GetParam();
  const auto table = nlohmann::json::parse(*ReadFile(
      Path(LAB_SOURCE_DIR) / "suites" / suite / "sabotage-table.json"));
  const std::set<std::string> elsewhere = table.at("elsewhere");
  const auto report = NewReport();
  std::vector<std::string> arguments = {"--suite", suite};
  for (const auto& option : report.Options()) arguments.push_back(option);

  const auto run = Runner(arguments, 12min);

  EXPECT_EQ(run.ended.ToString(), "exit status 0") << report.Story(run);
  EXPECT_EQ(report.With(Verdict::kSkip), elsewhere);
  EXPECT_GE(report.With(Verdict::kPass).size(), 40u);
  report.ExpectValidJunit();
  report.ExpectWholePage();
  const auto state = report.State();
  for (const char* fact : {"kernel", "lsm", "apparmor-features", "kubelet",
                           "runtime", "accelerator"}) {
    EXPECT_TRUE(state.facts.contains(fact)) << fact;
  }
  for (const auto& one : state.cases) {
    if (one.verdict == Verdict::kSkip) continue;
    EXPECT_THAT(one.evidence, Not(IsEmpty())) << one.id;
  }
  const Path directory = LabDirectoryOf(report);
  EXPECT_FALSE(std::filesystem::exists(directory));
  EXPECT_THAT(ProcessesWith(directory.string()), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Suite, WholeRun,
                         testing::Values("apparmor", "seccomp"));

TEST(UseLab, LeavesTheLabAsItWas) {
  const std::string profiles = "/sys/kernel/security/apparmor/profiles";
  const auto list = [&] {
    auto names = Lines(
        Runner({"lab", "shell", SharedLab() + "-worker", "--", "cat", profiles})
            .out);
    // The runtime loads its own default when it first needs it.
    std::erase_if(names, [](const std::string& name) {
      return name.starts_with("cri-containerd");
    });
    return std::set<std::string>(names.begin(), names.end());
  };
  const auto before = list();
  const auto contents = Contents(SharedLab());
  const auto report = NewReport();

  const auto run =
      Runner(In(SharedLab(), report, {"--filter", "enforce-deny-write"}));

  EXPECT_EQ(run.ended.ToString(), "exit status 0") << report.Story(run);
  EXPECT_EQ(list(), before);
  EXPECT_EQ(Contents(SharedLab()), contents);
}

TEST(LabShell, PassesArgumentsAndStatusOn) {
  const std::string node = SharedLab() + "-worker2";

  const auto said = Runner(
      {"lab", "shell", node, "--", "printf", "%s|", "a b", "$HOME", "'"});
  const auto failed =
      Runner({"lab", "shell", node, "--", "sh", "-c", "exit 7"});

  EXPECT_EQ(said.out, "a b|$HOME|'|");
  EXPECT_EQ(failed.ended.ToString(), "exit status 7");
}

TEST(TwoLabs, LiveSideBySide) {
  const std::string other = "e2e-" + RandomHex(4);
  const std::string config =
      std::string(LAB_SOURCE_DIR) + "/kind-configs/one-worker.yaml";
  const std::string& first = SharedLab();

  const auto up = Runner(
      {"lab", "up", "--name", other, "--config", config, "--runtime", "runc"});
  ASSERT_TRUE(up.ended.ok()) << up.err;
  const auto one = NewReport(), two = NewReport();
  const auto in_other = Runner(In(other, one, {"--filter", "proc-attr"}));
  const auto in_first = Runner(In(first, two, {"--filter", "proc-attr"}));
  const auto listed = Runner({"lab", "ls"});
  const auto down = Runner({"lab", "down", other});

  EXPECT_TRUE(in_other.ended.ok()) << in_other.err;
  EXPECT_TRUE(in_first.ended.ok()) << in_first.err;
  EXPECT_THAT(listed.out, AllOf(HasSubstr(first), HasSubstr(other)));
  EXPECT_EQ(one.State().facts.at("default-runtime"), "runc");
  EXPECT_TRUE(down.ended.ok()) << down.err;
  EXPECT_THAT(Runner({"lab", "ls"}).out, HasSubstr(first));
}

}  // namespace
}  // namespace lab::e2e
