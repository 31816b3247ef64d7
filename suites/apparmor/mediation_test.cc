// SPDX-License-Identifier: Apache-2.0
// What a profile decides besides files, and who it decides for.
#include "suites/apparmor/fixture.h"

namespace lab::suite {
namespace {

using ::testing::_;
using ::testing::Each;
using ::testing::Pair;

// S0-2, S3-11. Both containers have the capability; one may not use it.
TEST_F(AppArmor, MediateCapability) {
  constexpr const char* kHas = "capability:chown";
  constexpr const char* kUses = "chown:/tmp/x";
  const auto node = world.NodeWith({"lab-no-chown", "lab-allow-all"});
  const auto pod = ClaimRuns("mediate-capability.yaml", node);
  const auto since = world.LogEnd(node);

  const auto free = world.Try(AsControl(pod), {kHas, kUses}, "control");
  const auto confined =
      world.Try(pod, {kHas, kUses, "create:/tmp/y"}, "confined");

  ASSERT_THAT(free, Each(Pair(_, Allowed())));
  ASSERT_THAT(At(confined, kHas), Allowed());
  ASSERT_THAT(world.ConfinementOf(pod, "confined"),
              ConfinedBy("lab-no-chown", kEnforce));
  EXPECT_THAT(At(confined, "create:/tmp/y"), Allowed());
  EXPECT_THAT(At(confined, kUses), RefusedWith(EPERM));
  const auto record =
      Claim(world.AwaitRecord(node, since, "the refusal", [](const auto& r) {
        return Is(r, AuditEvent::kDenied, "lab-no-chown", "chown");
      }));
  EXPECT_EQ(record.operation, "capable");
  EXPECT_EQ(record.comm, "probe");
}

// S0-2, S3-11.
TEST_F(AppArmor, MediateNetwork) {
  const std::vector<std::string> refused = {"socket:inet/stream",
                                            "socket:inet/dgram"};
  const std::vector<std::string> granted = {"socket:unix/stream"};
  const auto node = world.NodeWith({"lab-no-inet", "lab-allow-all"});
  const auto pod = ClaimRuns("mediate-network.yaml", node);
  const auto since = world.LogEnd(node);

  const auto free =
      world.Try(AsControl(pod), Both(refused, granted), "control");
  const auto confined = world.Try(pod, Both(refused, granted), "confined");

  ASSERT_THAT(free, Each(Pair(_, Allowed())));
  ASSERT_THAT(world.ConfinementOf(pod, "confined"),
              ConfinedBy("lab-no-inet", kEnforce));
  EXPECT_THAT(Only(confined, granted), Each(Pair(_, Allowed())));
  EXPECT_THAT(Only(confined, refused), Each(Pair(_, RefusedWith(EACCES))));
  const auto record =
      Claim(world.AwaitRecord(node, since, "the refusal", [](const auto& r) {
        return r.event == AuditEvent::kDenied && r.profile == "lab-no-inet" &&
               r.family == "inet";
      }));
  EXPECT_EQ(record.operation, "create");
  EXPECT_EQ(record.denied_mask, "create");
}

// S0-52. Who may name any loaded profile may name one that allows more than
// what he would get without asking.
TEST_F(AppArmor, PermissiveEscalation) {
  constexpr const char* kHas = "capability:sys_admin";
  constexpr const char* kMounts = "mount:/tmp";
  const auto node = world.NodeWith({"lab-allow-all"});
  const auto pod = ClaimRuns("permissive-escalation.yaml", node);

  const auto by_default = world.Try(AsControl(pod), {kHas, kMounts}, "default");
  const auto escalated = world.Try(pod, {kHas, kMounts}, "permissive");

  ASSERT_THAT(At(by_default, kHas), Allowed());
  ASSERT_THAT(At(by_default, kMounts), RefusedWith(EACCES));
  ASSERT_THAT(world.ConfinementOf(AsControl(pod), "default"),
              ConfinedBy(kContainerdDefault, kEnforce));
  EXPECT_THAT(world.ConfinementOf(pod, "permissive"),
              ConfinedBy("lab-allow-all", kEnforce));
  EXPECT_THAT(escalated, Each(Pair(_, Allowed())));
}

// S0-11. Policy mediates user namespaces where the kernel can and the policy's
// ABI says so.
TEST_F(AppArmor, ApparmorUsernsRestriction) {
  const auto node = world.NodeWith({});
  Require(world.Behaves("apparmor-parser.mediates-userns", &node),
          "old-parser: needs AppArmor 4's parser, which knows userns rules");
  const auto mask = Must(node.Ask(
      {"cat", "/sys/kernel/security/apparmor/features/namespaces/mask"}));
  Require(mask.out.find("userns_create") != std::string::npos,
          "old-kernel: features/namespaces/mask does not have userns_create");
  world.LoadProfile(node, "lab-no-userns");
  world.LoadProfile(node, "lab-userns");
  const auto pod = ClaimRuns("userns.yaml", node);
  const auto since = world.LogEnd(node);

  const auto free = world.Try(AsControl(pod), {"userns"}, "control");
  const auto confined = world.Try(pod, {"userns"}, "confined");

  ASSERT_THAT(At(free, "userns"), Allowed());
  ASSERT_THAT(world.ConfinementOf(pod, "confined"),
              ConfinedBy("lab-no-userns", kEnforce));
  EXPECT_THAT(At(confined, "userns"), RefusedWith(EACCES));
  const auto record =
      Claim(world.AwaitRecord(node, since, "the refusal", [](const auto& r) {
        return r.event == AuditEvent::kDenied && r.profile == "lab-no-userns";
      }));
  EXPECT_EQ(record.operation, "userns_create");
}

// The exec'd probe is under the container's profile; what it executes is not.
TEST_F(AppArmor, NoNewPrivsTransitions) {
  constexpr const char* kExec = "exec:/bin/probe";
  const auto node = world.NodeWith({"lab-transitions"});
  const auto pod = ClaimRuns("transitions.yaml", node);
  const auto since = world.LogEnd(node);

  const auto free = world.Try(AsControl(pod), {kExec}, "free");
  const auto held = world.Try(pod, {kExec, "exec:/bin/busybox"}, "held");
  const auto child =
      Must(world.Exec(pod, "free", {"env", "/bin/probe", "label"}));

  ASSERT_THAT(At(free, kExec), Allowed());
  Evidence(Kind::kControl,
           "labels of what an exec'd process runs: " + child.out);
  ASSERT_EQ(nlohmann::json::parse(child.out).value("self", ""),
            "lab-transitions//child (enforce)");
  EXPECT_THAT(world.ConfinementOf(pod, "held"),
              ConfinedBy("lab-transitions", kEnforce));
  EXPECT_THAT(At(held, kExec), RefusedWith(EPERM));
  EXPECT_THAT(At(held, "exec:/bin/busybox"), Allowed());
  const auto record =
      Claim(world.AwaitRecord(node, since, "the refusal", [](const auto& r) {
        return Is(r, AuditEvent::kDenied, "lab-transitions", "/bin/probe");
      }));
  EXPECT_EQ(record.operation, "exec");
  EXPECT_EQ(record.info, "no new privs");
}

bool Ready(const Pod& pod) {
  for (const char* container : {"confined", "control"}) {
    if (!pod.ContainerStatus(container).value("ready", false)) return false;
  }
  return true;
}

// A process that comes into the container by another way than its first one
// is under the same profile: an exec, what that executes, a hook, a probe of
// the kubelet's. Those that nobody looks at leave their label in a file.
TEST_F(AppArmor, ExecInherits) {
  const std::vector<std::string> labels = {"env", "cat", "/tmp/post-start",
                                           "/tmp/readiness",
                                           "/proc/self/attr/current"};
  const auto node = world.NodeWith({"lab-file-rules"});
  const auto pod = Claim(world.Await(world.Apply("exec-inherits.yaml", &node),
                                     "to be ready", Ready, 60s));

  const auto free = Must(world.Exec(pod, "control", labels));
  const auto inherited = Must(world.Exec(pod, "confined", labels));
  const auto refused = world.Try(pod, {"read:/etc/hosts"}, "confined");

  Evidence(Kind::kControl, "labels without a profile: " + free.out);
  Evidence(Kind::kLabel, "hook, probe, child of an exec: " + inherited.out);
  ASSERT_EQ(free.out, "unconfined\nunconfined\nunconfined\n") << free.err;
  const std::string label = "lab-file-rules (enforce)\n";
  EXPECT_EQ(inherited.out, label + label + label) << inherited.err;
  EXPECT_THAT(world.ConfinementOf(pod, "confined"),
              ConfinedBy("lab-file-rules", kEnforce));
  EXPECT_THAT(At(refused, "read:/etc/hosts"), RefusedWith(EACCES));
}

}  // namespace
}  // namespace lab::suite
