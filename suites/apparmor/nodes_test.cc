// SPDX-License-Identifier: Apache-2.0
// What nodes hold, and where pods land.
#include "suites/apparmor/fixture.h"

namespace lab::suite {
namespace {

using ::testing::HasSubstr;

using nlohmann::json;

std::string ModeOf(const std::vector<LoadedProfile>& profiles,
                   const std::string& name) {
  const auto* profile = FindProfile(profiles, name);
  return profile == nullptr ? "not loaded" : profile->mode;
}

// S0-9, S3-14. The control is the kernel's own list of security modules, which
// comes from another file: it says what the letter must be.
TEST_F(AppArmor, ModuleEnabledFile) {
  for (const auto& node : world.Workers()) {
    const auto modules = Must(node.AskOk({"cat", "/sys/kernel/security/lsm"}));
    ASSERT_THAT("," + modules + ",", HasSubstr(",capability,"));
    const bool listed =
        ("," + modules + ",").find(",apparmor,") != std::string::npos;

    const auto enabled =
        Must(node.AskOk({"cat", "/sys/module/apparmor/parameters/enabled"}));

    EXPECT_EQ(enabled, listed ? "Y\n" : "N\n") << node.node();
    Evidence(Kind::kNode, node.node() + ": enabled " + enabled.substr(0, 1));
    Evidence(Kind::kControl, node.node() + ": security modules " + modules);
  }
}

// S0-15, S3-16.
TEST_F(AppArmor, ProfileListing) {
  for (const auto& node : world.WorkersWithAppArmor()) {
    const auto profiles = world.Profiles(node);

    ASSERT_EQ(ModeOf(profiles, "lab-never-made"), "not loaded");
    Evidence(Kind::kControl, node.node() + ": does not list lab-never-made");
    EXPECT_EQ(ModeOf(profiles, kDenyWrite), kEnforce) << node.node();
    EXPECT_EQ(ModeOf(profiles, "lab-no-write-complain"), kComplain)
        << node.node();
    Evidence(Kind::kNode, node.node() + ": lists " +
                              std::to_string(profiles.size()) +
                              " profiles, each with its mode");
  }
}

// S0-27, S0-38: whichever node the scheduler takes, the profile is there. The
// two pods refuse to share a node.
TEST_F(AppArmor, LoadAllNodes) {
  Require(world.WorkersWithAppArmor().size() >= 2,
          "one-worker: two pods on two nodes need two workers with AppArmor");
  Require(world.WorkersWithoutAppArmor().empty(),
          "half-apparmor: the scheduler may choose a node that has none");
  for (const auto& node : world.Workers()) {
    EXPECT_TRUE(world.HasProfile(node, kDenyWrite)) << node.node();
    ASSERT_FALSE(world.HasProfile(node, "lab-never-made", Kind::kControl));
  }
  const auto first = world.Apply("every-worker-a.yaml");
  const auto second = world.Apply("every-worker-b.yaml");

  const auto one = Claim(world.AwaitRunning(first));
  const auto other = Claim(world.AwaitRunning(second));

  EXPECT_NE(one.node(), other.node());
  for (const auto& pod : {one, other}) {
    const auto tried = world.Try(pod, {"create:/tmp/x"});
    EXPECT_THAT(At(tried, "create:/tmp/x"), RefusedWith(EACCES));
    EXPECT_THAT(world.ConfinementOf(pod), ConfinedBy(kDenyWrite, kEnforce));
  }
}

// S0-39. The profile is on one worker; the scheduler uses both all the same.
TEST_F(AppArmor, SchedulerUnaware) {
  Require(
      world.Workers().size() == 2 && world.WorkersWithAppArmor().size() == 2,
      "not-two-workers: this needs exactly two nodes to choose from, both "
      "with AppArmor");
  world.RequireOwnKernels();
  const auto with = world.Workers().front();
  const auto without = world.Workers().back();
  ASSERT_FALSE(world.HasProfile(with, "lab-one-worker"));
  ASSERT_FALSE(world.HasProfile(without, "lab-one-worker"));
  world.LoadProfile(with, "lab-one-worker");
  const std::vector<Pod> pods = {world.Apply("one-worker-a.yaml"),
                                 world.Apply("one-worker-b.yaml")};

  std::vector<Pod> lucky, held;
  for (const auto& pod : pods) {
    const auto placed =
        Claim(world.Await(pod, "to be scheduled",
                          [](const Pod& p) { return !p.node().empty(); }));
    (placed.node() == with.node() ? lucky : held).push_back(placed);
  }
  ASSERT_EQ(lucky.size(), 1u);
  ASSERT_EQ(held.size(), 1u);
  const auto running = Claim(world.AwaitRunning(lucky.front()));
  held.front().control = true;  // alike but for the node
  auto refused = Claim(world.AwaitRefused(held.front(), 1));
  refused.control = false;
  const auto write = world.Try(running, {"create:/tmp/x"});
  EXPECT_THAT(At(write, "create:/tmp/x"), RefusedWith(EACCES));
  EXPECT_THAT(world.ConfinementOf(running),
              ConfinedBy("lab-one-worker", kEnforce));
  EXPECT_EQ(refused.WaitingReason(),
            world.Behaves("kubelet.checks-profile", &without)
                ? "Blocked"
                : "CreateContainerError");

  world.LoadProfile(without, "lab-one-worker");
  const auto released = Claim(world.AwaitRunning(refused, 90s));
  EXPECT_THAT(world.ConfinementOf(released),
              ConfinedBy("lab-one-worker", kEnforce));
}

// S0-40. The control twin differs in the label's value, and goes nowhere.
TEST_F(AppArmor, NodeLabelSelector) {
  const auto node = world.NodeWith({});
  world.LoadProfile(node, "lab-labelled-node");
  world.LabelNode(node, "apparmor.lab.local/lab-labelled-node", "loaded");

  auto nowhere = world.Apply("label-nowhere.yaml");
  nowhere.control = true;
  const auto pod = Claim(world.AwaitRunning(world.Apply("labelled-node.yaml")));

  EXPECT_EQ(pod.node(), node.node());
  const auto tried = world.Try(pod, {"create:/tmp/x"});
  EXPECT_THAT(At(tried, "create:/tmp/x"), RefusedWith(EACCES));
  EXPECT_THAT(world.ConfinementOf(pod),
              ConfinedBy("lab-labelled-node", kEnforce));
  const auto unscheduled =
      Must(world.Await(nowhere, "to be found unschedulable", [](const Pod& p) {
        const json status = p.object.at("status");
        for (const auto& c : status.value("conditions", json::array())) {
          if (c.value("reason", "") == "Unschedulable") return true;
        }
        return false;
      }));
  EXPECT_EQ(unscheduled.phase(), "Pending");
  EXPECT_EQ(unscheduled.node(), "");
}

}  // namespace
}  // namespace lab::suite
