// SPDX-License-Identifier: Apache-2.0
// The suite in a real lab, where all is well.
#include "runner/base/text.h"
#include "runner/cluster/api.h"
#include "runner/cluster/node.h"
#include "runner/components/cache.h"
#include "tests/lab/runner.h"

namespace lab::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
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

// By what a run makes sure of that: a pod that nobody knows of is seen, one
// that is known is not, and its processes end when the node is told so.
TEST(UseLab, PodsThatAreLeftAreSeenAndEnded) {
  const auto lab = LabFile::Load(*DefaultCacheRoot() / "labs" / SharedLab());
  ASSERT_TRUE(lab);
  const Api api(lab->api_socket);
  const NodeShell node(*lab, lab->Workers().front().name);
  const std::string pods = "/api/v1/namespaces/default/pods";
  const auto made = api.Post(pods, {{"metadata", {{"name", "left"}}},
                                    {"spec",
                                     {{"nodeName", node.node()},
                                      {"restartPolicy", "Never"},
                                      {"containers",
                                       {{{"name", "c"},
                                         {"image", kFixtureImage},
                                         {"command", {"sleep", "1h"}}}}}}}});
  ASSERT_TRUE(made) << made.error().what;
  const std::string uid = made->at("metadata").at("uid");
  const auto phase = [&] {
    const auto pod = api.Get(pods + "/left");
    return pod ? pod->at("status").value("phase", "") : pod.error().what;
  };
  Await("the pod to run", 60s, [&] { return phase() == "Running"; });

  const auto unknown = node.AskOk({"lab-node", "others", "0"});
  const auto known = node.AskOk({"lab-node", "others", "0", uid});
  const auto ended = node.AskOk({"lab-node", "end-pods", uid});
  const auto after = node.AskOk({"lab-node", "others", "0"});

  EXPECT_THAT(unknown.value_or(""), HasSubstr(uid));
  EXPECT_THAT(known.value_or("no answer"), Not(HasSubstr(uid)));
  EXPECT_TRUE(ended) << ended.error().what;
  EXPECT_THAT(after.value_or("no answer"), Not(HasSubstr(uid)));
  Await("the pod to have failed", 60s, [&] { return phase() == "Failed"; });
  EXPECT_TRUE(api.Delete(pods + "/left"));
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
