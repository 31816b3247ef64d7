// SPDX-License-Identifier: Apache-2.0
// What flags and qualifiers of a profile change: whether it is enforced, what
// it logs, and what becomes of the process that breaks it.
#include "suites/apparmor/fixture.h"

namespace lab::suite {
namespace {

using ::testing::_;
using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::Pair;

// Of what was logged under a profile since then: one line each.
std::vector<std::string> LoggedUnder(const std::vector<AuditRecord>& records,
                                     const std::string& profile) {
  std::vector<std::string> lines;
  for (const auto& r : records) {
    if (r.profile == profile) {
      lines.push_back(std::string(AuditEventName(r.event)) + " " + r.operation +
                      " " + r.name);
    }
  }
  return lines;
}

// A record of this event about a path, a capability or a socket's family.
bool IsAbout(const AuditRecord& record, AuditEvent event,
             const std::string& profile, const std::string& what) {
  return Is(record, event, profile, what) ||
         (Is(record, event, profile, "") && record.family == what);
}

// S0-4. The control writes first and leaves nothing.
TEST_F(AppArmor, AuditLog) {
  const std::vector<std::string> writes = {"create:/tmp/x",
                                           "write:/etc/passwd"};
  const auto node = world.NodeWith({"lab-audit-write", "lab-allow-all"});
  const auto pod = ClaimRuns("audit-log.yaml", node);
  const auto since = world.LogEnd(node);

  const auto unheard = world.Try(AsControl(pod), writes, "control");
  const auto audited = world.Try(pod, writes, "audited");

  ASSERT_THAT(unheard, Each(Pair(_, Allowed())));
  EXPECT_THAT(audited, Each(Pair(_, Allowed())));
  EXPECT_THAT(world.ConfinementOf(pod, "audited"),
              ConfinedBy("lab-audit-write", kEnforce));
  for (const auto& [path, mask] : std::map<std::string, std::string>{
           {"/tmp/x", "c"}, {"/etc/passwd", "w"}}) {
    const auto record = Claim(world.AwaitRecord(
        node, since, "the write to " + path, [&](const auto& r) {
          return Is(r, AuditEvent::kAudit, "lab-audit-write", path) &&
                 r.requested_mask.find(mask) != std::string::npos;
        }));
    EXPECT_EQ(record.denied_mask, "");
    EXPECT_EQ(record.comm, "probe");
  }
  EXPECT_THAT(LoggedUnder(world.LogSince(node, since), "lab-allow-all"),
              IsEmpty());
}

TEST_F(AppArmor, AuditFlag) {
  const std::vector<std::string> acts = {"read:/etc/hostname", "chown:/tmp/x",
                                         "socket:inet/stream"};
  const auto node = world.NodeWith({"lab-audit-flag", "lab-allow-all"});
  const auto pod = ClaimRuns("audit-flag.yaml", node);
  const auto since = world.LogEnd(node);

  const auto unheard = world.Try(AsControl(pod), acts, "control");
  const auto audited = world.Try(pod, acts, "audited");

  ASSERT_THAT(unheard, Each(Pair(_, Allowed())));
  EXPECT_THAT(audited, Each(Pair(_, Allowed())));
  EXPECT_THAT(world.ConfinementOf(pod, "audited"),
              ConfinedBy("lab-audit-flag", kEnforce));
  for (const char* what : {"/etc/hostname", "chown", "inet"}) {
    Claim(world.AwaitRecord(
        node, since, std::string("the use of ") + what, [&](const auto& r) {
          return IsAbout(r, AuditEvent::kAudit, "lab-audit-flag", what);
        }));
  }
  EXPECT_THAT(LoggedUnder(world.LogSince(node, since), "lab-allow-all"),
              IsEmpty());
}

// What the same rules with "audit" log comes later in the same log.
TEST_F(AppArmor, DenySilent) {
  const std::map<std::string, int> refusals = {{"create:/root/x", EACCES},
                                               {"chown:/tmp/x", EPERM},
                                               {"socket:inet/stream", EACCES}};
  const std::vector<std::string> acts = {"create:/root/x", "chown:/tmp/x",
                                         "socket:inet/stream"};
  const auto node = world.NodeWith({"lab-deny-silent", "lab-deny-audited"});
  const auto pod = ClaimRuns("deny-silent.yaml", node);
  const auto since = world.LogEnd(node);

  const auto silent = world.Try(pod, acts, "silent");
  const auto audited = world.Try(AsControl(pod), acts, "audited");

  ASSERT_EQ(audited, refusals);
  EXPECT_EQ(silent, refusals);
  EXPECT_THAT(world.ConfinementOf(pod, "silent"),
              ConfinedBy("lab-deny-silent", kEnforce));
  for (const char* what : {"/root/x", "chown", "inet"}) {
    Must(world.AwaitRecord(
        node, since, std::string("the audited refusal of ") + what,
        [&](const auto& r) {
          return IsAbout(r, AuditEvent::kDenied, "lab-deny-audited", what);
        }));
  }
  EXPECT_THAT(LoggedUnder(world.LogSince(node, since), "lab-deny-silent"),
              IsEmpty());
}

// The profile is attached, and allows what the runtime's default would refuse.
TEST_F(AppArmor, ProfileFlagsUnconfined) {
  const std::vector<std::string> acts = {"create:/tmp/x", "chown:/tmp/y"};
  const auto node = world.NodeWith({"lab-flags-unconfined", kDenyWrite});
  const auto pod = ClaimRuns("flags-unconfined.yaml", node);

  const auto refused = world.Try(AsControl(pod), acts, "control");
  const auto free = world.Try(
      pod, Both(acts, {"read:/proc/sysrq-trigger", "socket:inet/stream"}),
      "flagged");

  ASSERT_THAT(refused, Each(Pair(_, RefusedWith(EACCES))));
  EXPECT_THAT(world.ConfinementOf(pod, "flagged"),
              ConfinedBy("lab-flags-unconfined", "unconfined"));
  EXPECT_THAT(Only(free, acts), Each(Pair(_, Allowed())));
  EXPECT_THAT(At(free, "socket:inet/stream"), Allowed());
  // Opened; without AppArmor, too, it cannot be read.
  EXPECT_THAT(At(free, "read:/proc/sysrq-trigger"), RefusedWith(EIO));
}

// The first process of a container, init of its PID namespace, survives: the
// kernel lets a signal from within pass it by. It is refused like any other.
TEST_F(AppArmor, KillMode) {
  constexpr int kKilled = 128 + SIGKILL;
  const auto node = world.NodeWith({"lab-kill", "lab-no-write"});
  const auto since = world.LogEnd(node);
  const auto pod = ClaimRuns("kill-mode.yaml", node);

  const auto refused = world.Try(AsControl(pod), {"create:/tmp/x"}, "control");
  const auto spared =
      world.Try(pod, {"read:/tmp/before", "read:/etc/passwd"}, "killed");
  const auto killed =
      Must(world.Exec(pod, "killed", {"/bin/probe", "create:/tmp/x"}));

  ASSERT_THAT(At(refused, "create:/tmp/x"), RefusedWith(EACCES));
  EXPECT_THAT(world.ConfinementOf(pod, "killed"),
              ConfinedBy("lab-kill", "kill"));
  EXPECT_THAT(At(spared, "read:/etc/passwd"), Allowed());
  EXPECT_EQ(killed.status, kKilled) << killed.out << killed.err;
  for (const char* comm : {"probe", "sh"}) {
    Claim(world.AwaitRecord(
        node, since, std::string("the killing of ") + comm, [&](const auto& r) {
          return Is(r, AuditEvent::kKilled, "lab-kill", "/tmp/x") &&
                 r.comm == comm;
        }));
  }
  const auto after = Claim(world.AwaitRunning(pod));
  EXPECT_EQ(after.ContainerStatus("first").value("restartCount", -1), 0);
}

}  // namespace
}  // namespace lab::suite
