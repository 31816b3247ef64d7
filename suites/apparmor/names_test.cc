// SPDX-License-Identifier: Apache-2.0
// What a pod's word for its profile comes to: names of all shapes, names that
// are none, and privileged containers.
#include "suites/apparmor/fixture.h"

namespace lab::suite {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// S0-64. A name is applied to the letter, whatever it is made of.
TEST_F(AppArmor, ProfileNameSyntax) {
  const std::string longest = "lab-long-" + std::string(191, 'x');
  const std::map<std::string, std::string> names = {
      {"child", "lab-names//child"},
      {"spaces", "lab name with spaces"},
      {"path", "/usr/bin/lab.x"},
      {"long", longest}};
  const auto node = world.NodeWith({"lab-names"});
  for (const auto& [container, name] : names) {
    ASSERT_TRUE(world.HasProfile(node, name));
  }
  ASSERT_FALSE(world.HasProfile(node, "lab", Kind::kControl));
  ASSERT_FALSE(world.HasProfile(node, "lab name", Kind::kControl));
  const auto pod = ClaimRuns("profile-names.yaml", node);

  const auto free = world.Try(AsControl(pod), {"create:/tmp/x"}, "control");

  ASSERT_THAT(At(free, "create:/tmp/x"), Allowed());
  for (const auto& [container, name] : names) {
    const auto tried = world.Try(pod, {"create:/tmp/x"}, container);
    EXPECT_THAT(At(tried, "create:/tmp/x"), RefusedWith(EACCES)) << name;
    EXPECT_THAT(world.ConfinementOf(pod, container),
                ConfinedBy(name, kEnforce));
  }
}

// A pod that is refused its profile: by the kubelet or, since that no longer
// looks, by the runtime.
void ExpectRefused(World& world, const Pod& pod, const NodeShell& node,
                   const std::string& profile) {
  const bool checks = world.Behaves("kubelet.checks-profile", &node);
  const auto refused =
      Claim(world.Await(pod, "to be refused", [](const Pod& p) {
        const auto reason = p.WaitingReason();
        return p.Running() ||
               (!reason.empty() && reason != "ContainerCreating");
      }));
  EXPECT_EQ(refused.WaitingReason(),
            checks ? "Blocked" : "CreateContainerError");
  const std::string message =
      checks ? refused.object.at("status").value("message", "")
             : refused.WaitingMessage();
  EXPECT_THAT(message,
              HasSubstr(checks ? "profile \"" + profile + "\" is not loaded"
                               : "apparmor profile not found " + profile));
}

// S0-64. The kubelet that checks reads a line of the kernel's list up to its
// first parenthesis.
TEST_F(AppArmor, ProfileNameParenthesis) {
  constexpr const char* kName = "lab (enforce)";
  const auto node = world.NodeWith({kName});
  const auto control = Control("hello-control.yaml", node);
  const auto pod = world.Apply("profile-name-parenthesis.yaml", &node);

  ASSERT_THAT(At(world.Try(control, {"create:/tmp/x"}), "create:/tmp/x"),
              Allowed());
  if (world.Behaves("kubelet.checks-profile", &node)) {
    ExpectRefused(world, pod, node, kName);
    return;
  }
  const auto running = Claim(world.AwaitRunning(pod));
  const auto tried = world.Try(running, {"create:/tmp/x"});
  EXPECT_THAT(At(tried, "create:/tmp/x"), RefusedWith(EACCES));
  EXPECT_THAT(world.ConfinementOf(running), ConfinedBy(kName, kEnforce));
}

// The kernel could stack the two; the runtime looks for one profile that is
// called so.
TEST_F(AppArmor, StackedProfileName) {
  const auto node = world.NodeWith({"lab-allow-all", "lab-no-write"});
  const auto pod = world.Apply("stacked-name.yaml", &node);
  const auto control = Control("no-write.yaml", node);

  ASSERT_THAT(world.ConfinementOf(control),
              ConfinedBy("lab-no-write", kEnforce));
  ExpectRefused(world, pod, node, "lab-allow-all//&lab-no-write");
}

// Nothing is called unconfined, so this is no way around a policy that allows
// any localhost profile.
TEST_F(AppArmor, LocalhostUnconfinedTrick) {
  const auto node = world.NodeWith({});
  EXPECT_FALSE(world.HasProfile(node, "unconfined"));
  const auto pod = world.Apply("localhost-unconfined.yaml", &node);
  const auto control = Control("unconfined.yaml", node);

  ASSERT_THAT(world.ConfinementOf(control), lab::suite::Unconfined());
  ExpectRefused(world, pod, node, "unconfined");
}

// S0-63, against the document: what a runtime makes of a privileged container
// is its own business. This is containerd's (contrib/apparmor and the CRI
// plugin's GenerateApparmorSpecOpts).
TEST_F(AppArmor, Privileged) {
  constexpr const char* kWrite = "create:/tmp/x";
  const auto node = world.NodeWith({kDenyWrite});
  const auto pod = ClaimRuns("privileged.yaml", node);

  const auto plain = world.ConfinementOf(AsControl(pod), "control");
  const auto denied = world.Try(pod, {kWrite}, "localhost");

  ASSERT_THAT(plain, ConfinedBy(kContainerdDefault, kEnforce));
  EXPECT_THAT(At(denied, kWrite), RefusedWith(EACCES));
  EXPECT_THAT(world.ConfinementOf(pod, "localhost"),
              ConfinedBy(kDenyWrite, kEnforce));
  for (const char* container : {"nil", "default", "unconfined"}) {
    const auto free = world.Try(pod, {kWrite}, container);
    EXPECT_THAT(At(free, kWrite), Allowed()) << container;
    EXPECT_THAT(world.ConfinementOf(pod, container), lab::suite::Unconfined())
        << container;
  }
}

// The control is the same text without the line that includes.
TEST_F(AppArmor, AbstractionMissing) {
  constexpr const char* kProfile = "lab-missing-abstraction";
  const auto node = world.NodeWith({});
  std::string text = world.ProfileText(kProfile);

  const auto refused = world.TryLoad(node, kProfile, text);

  EXPECT_EQ(refused.ended.value, 1) << refused.ended.ToString();
  EXPECT_THAT(
      refused.err,
      AllOf(HasSubstr("AppArmor parser error"), HasSubstr("line 7"),
            HasSubstr("Could not open 'abstractions/lab-no-such-file'")));
  EXPECT_FALSE(world.HasProfile(node, kProfile));

  const std::string line = "  include <abstractions/lab-no-such-file>\n";
  ASSERT_THAT(text, HasSubstr(line));
  text.erase(text.find(line), line.size());
  const auto loaded = world.TryLoad(node, kProfile, text);
  ASSERT_TRUE(loaded.ended.ok()) << loaded.err;
  EXPECT_TRUE(world.HasProfile(node, kProfile, Kind::kControl));
}

}  // namespace
}  // namespace lab::suite
