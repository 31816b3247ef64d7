// SPDX-License-Identifier: Apache-2.0
// Complain mode, and what the kernel writes down.
#include "suites/apparmor/fixture.h"

namespace lab::suite {
namespace {

using ::testing::_;
using ::testing::Each;
using ::testing::Pair;

// S0-3. The mode alone makes the difference.
TEST_F(AppArmor, ComplainNoAllow) {
  const auto node = world.NodeWith({"lab-no-write", "lab-no-write-complain"});
  const auto enforced = Control("no-write.yaml", node);
  const auto complaining = ClaimRuns("no-write-complain.yaml", node);
  const auto since = world.LogEnd(node);

  const auto control = world.Try(enforced, {"create:/tmp/enforced"});
  const auto reported = world.Try(complaining, {"create:/tmp/reported"});

  ASSERT_THAT(control, Each(Pair(_, RefusedWith(EACCES))));
  ASSERT_THAT(world.ConfinementOf(complaining),
              ConfinedBy("lab-no-write-complain", kComplain));
  EXPECT_THAT(reported, Each(Pair(_, Allowed())));
  Claim(world.AwaitRecord(node, since, "the report", [](const auto& r) {
    return Is(r, AuditEvent::kAllowed, "lab-no-write-complain",
              "/tmp/reported");
  }));
  Claim(world.AwaitRecord(node, since, "the refusal", [](const auto& r) {
    return Is(r, AuditEvent::kDenied, "lab-no-write", "/tmp/enforced");
  }));
}

// Against S0-3 as literally read: aa-complain(8) says that deny rules are
// enforced even in complain mode, and apparmor.d(5) that they are not logged.
// The control's record comes later in the same log, so the log was working.
TEST_F(AppArmor, ComplainDenyStillEnforced) {
  const auto node =
      world.NodeWith({"lab-deny-write-complain", "lab-no-write-complain"});
  const auto denied = ClaimRuns("deny-write-complain.yaml", node);
  const auto control = Control("no-write-complain.yaml", node);
  const auto since = world.LogEnd(node);

  const auto touched = Must(world.Exec(denied, "", {"touch", "/tmp/silent"}));
  const auto refused = world.Try(denied, {"create:/tmp/silent"});
  const auto allowed = world.Try(control, {"create:/tmp/loud"});

  ASSERT_THAT(allowed, Each(Pair(_, Allowed())));
  ASSERT_THAT(world.ConfinementOf(denied),
              ConfinedBy("lab-deny-write-complain", kComplain));
  EXPECT_EQ(touched.status, 1);
  EXPECT_THAT(refused, Each(Pair(_, RefusedWith(EACCES))));
  Must(world.AwaitRecord(node, since, "the control", [](const auto& r) {
    return Is(r, AuditEvent::kAllowed, "lab-no-write-complain", "/tmp/loud");
  }));
  for (const auto& record : world.LogSince(node, since)) {
    EXPECT_NE(record.profile, "lab-deny-write-complain") << record.name;
  }
}

// S0-4, S0-60, and that the document's own profile leaves no line at all. The
// silent one writes first: the records of the others prove that the log works.
TEST_F(AppArmor, LogDenied) {
  const auto node = world.NodeWith(
      {kDenyWrite, "lab-no-write", "lab-audit-deny-write", "lab-audit-write"});
  const auto silent = ClaimRuns("hello-apparmor.yaml", node);
  const auto implicit = ClaimRuns("no-write.yaml", node);
  const auto audited = ClaimRuns("audit-deny-write.yaml", node);
  const auto allowed = Control("audit-write.yaml", node);
  const auto since = world.LogEnd(node);

  EXPECT_THAT(world.Try(silent, {"create:/tmp/silent"}),
              Each(Pair(_, RefusedWith(EACCES))));
  EXPECT_THAT(world.Try(implicit, {"create:/tmp/implicit"}),
              Each(Pair(_, RefusedWith(EACCES))));
  EXPECT_THAT(world.Try(audited, {"create:/tmp/audited"}),
              Each(Pair(_, RefusedWith(EACCES))));
  ASSERT_THAT(world.Try(allowed, {"create:/tmp/allowed"}),
              Each(Pair(_, Allowed())));
  EXPECT_THAT(world.ConfinementOf(silent), ConfinedBy(kDenyWrite, kEnforce));
  EXPECT_THAT(world.ConfinementOf(implicit),
              ConfinedBy("lab-no-write", kEnforce));

  const auto record = Claim(
      world.AwaitRecord(node, since, "the implicit denial", [](const auto& r) {
        return Is(r, AuditEvent::kDenied, "lab-no-write", "/tmp/implicit");
      }));
  EXPECT_EQ(record.comm, "probe");
  EXPECT_EQ(record.denied_mask, "c");
  Claim(world.AwaitRecord(node, since, "the audited denial", [](const auto& r) {
    return Is(r, AuditEvent::kDenied, "lab-audit-deny-write", "/tmp/audited");
  }));
  Claim(world.AwaitRecord(node, since, "the audited write", [](const auto& r) {
    return Is(r, AuditEvent::kAudit, "lab-audit-write", "/tmp/allowed");
  }));
  for (const auto& seen : world.LogSince(node, since)) {
    EXPECT_NE(seen.name, "/tmp/silent");
  }
}

}  // namespace
}  // namespace lab::suite
