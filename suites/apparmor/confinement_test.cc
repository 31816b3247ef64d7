// SPDX-License-Identifier: Apache-2.0
// A loaded profile, and what it does to a container.
#include "suites/apparmor/fixture.h"

namespace lab::suite {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StrEq;

using nlohmann::json;

const std::vector<std::string> kWrites = {
    "create:/tmp/lab-new", "mkdir:/tmp/lab-directory", "write:/etc/passwd",
    "write:/dev/null"};
const std::vector<std::string> kReads = {"read:/etc/passwd", "list:/",
                                         "exec:/bin/busybox"};

json ProfileField(const Pod& pod) {
  return pod.object.at("spec").at("containers").at(0).value(
      "/securityContext/appArmorProfile"_json_pointer, json());
}

json Annotations(const Pod& pod) {
  return pod.object.at("metadata").value("annotations", json::object());
}

// S0-13, S0-21, S0-28, both forms in which a pod may name its profile.
TEST_F(AppArmor, LocalhostApplied) {
  const auto node = world.NodeWith({kDenyWrite});
  const auto control = Run("hello-control.yaml", node);
  const auto other = world.ConfinementOf(control);

  const auto by_annotation = ClaimRuns("hello-apparmor.yaml", node);
  const auto by_field = ClaimRuns("hello-apparmor-field.yaml", node);

  ASSERT_THAT(other, Not(ConfinedBy(kDenyWrite, kEnforce)));
  EXPECT_THAT(world.ConfinementOf(by_annotation),
              ConfinedBy(kDenyWrite, kEnforce));
  EXPECT_THAT(world.ConfinementOf(by_field), ConfinedBy(kDenyWrite, kEnforce));
  EXPECT_EQ(world.Log(by_annotation), "Hello AppArmor!\n");
  EXPECT_THAT(world.Try(control, {"create:/tmp/x"}),
              Each(Pair(StrEq("create:/tmp/x"), Allowed())));
  EXPECT_THAT(world.Try(by_annotation, {"create:/tmp/x"}),
              Each(Pair(StrEq("create:/tmp/x"), RefusedWith(EACCES))));
}

// S0-25, S0-30, S3-22. The file itself, as the documents read it.
TEST_F(AppArmor, ProcAttr) {
  const auto node = world.NodeWith({kDenyWrite, "lab-no-write-complain"});
  const auto unconfined = Run("unconfined.yaml", node);
  const auto enforced = Run("hello-apparmor.yaml", node);
  const auto complaining = Run("no-write-complain.yaml", node);

  const auto read =
      Must(world.Exec(enforced, "", {"cat", "/proc/1/attr/current"}));

  EXPECT_EQ(read.out, std::string(kDenyWrite) + " (enforce)\n");
  EXPECT_THAT(world.ConfinementOf(enforced), ConfinedBy(kDenyWrite, kEnforce));
  EXPECT_THAT(world.ConfinementOf(complaining),
              ConfinedBy("lab-no-write-complain", kComplain));
  EXPECT_THAT(world.ConfinementOf(unconfined), Unconfined());
}

// S0-26, S0-31. The act of the document, then the same through the probe,
// whose errno leaves no doubt.
TEST_F(AppArmor, EnforceDenyWrite) {
  const auto node = world.NodeWith({kDenyWrite});
  const auto control = Run("hello-control.yaml", node);
  const auto confined = Run("hello-apparmor.yaml", node);
  ASSERT_THAT(world.ConfinementOf(confined), ConfinedBy(kDenyWrite, kEnforce));
  ASSERT_THAT(world.Try(control, kWrites), Each(Pair(testing::_, Allowed())));

  const auto touch = Must(world.Exec(confined, "", {"touch", "/tmp/test"}));
  const auto writes = world.Try(confined, kWrites);
  const auto reads = world.Try(confined, kReads);

  EXPECT_EQ(touch.status, 1);
  EXPECT_EQ(touch.err, "touch: /tmp/test: Permission denied\n");
  EXPECT_THAT(writes, Each(Pair(testing::_, RefusedWith(EACCES))));
  EXPECT_THAT(reads, Each(Pair(testing::_, Allowed())));
  EXPECT_THAT(world.Try(confined, {"read:/tmp/test"}),
              Each(Pair(testing::_, RefusedWith(ENOENT))));
}

// S0-18, KEP-24: fields since 1.30; since 1.34 they are no longer copied into
// annotations (kubernetes PR 131989).
TEST_F(AppArmor, FieldBasic) {
  const auto node = world.NodeWith({kDenyWrite});
  const auto control = Run("hello-control.yaml", node);
  const auto container = ClaimRuns("hello-apparmor-field.yaml", node);
  const auto whole_pod = ClaimRuns("hello-apparmor-pod-field.yaml", node);

  ASSERT_THAT(world.Try(control, {"create:/tmp/x"}),
              Each(Pair(testing::_, Allowed())));
  EXPECT_EQ(ProfileField(container).value("localhostProfile", ""), kDenyWrite);
  EXPECT_TRUE(ProfileField(whole_pod).is_null()) << ProfileField(whole_pod);
  EXPECT_TRUE(Annotations(container).empty()) << Annotations(container);
  EXPECT_TRUE(Annotations(whole_pod).empty()) << Annotations(whole_pod);
  for (const auto& pod : {container, whole_pod}) {
    EXPECT_THAT(world.ConfinementOf(pod), ConfinedBy(kDenyWrite, kEnforce));
    EXPECT_THAT(world.Try(pod, {"create:/tmp/x"}),
                Each(Pair(testing::_, RefusedWith(EACCES))));
  }
}

// S0-61. The containers differ in nothing but their profile.
TEST_F(AppArmor, MultiContainer) {
  const auto node = world.NodeWith({kDenyWrite});
  const auto pod = ClaimRuns("multi-container.yaml", node);
  const auto fields = ClaimRuns("multi-container-fields.yaml", node);

  EXPECT_THAT(world.ConfinementOf(pod, "denied"),
              ConfinedBy(kDenyWrite, kEnforce));
  EXPECT_THAT(world.ConfinementOf(pod, "default"),
              ConfinedBy(kContainerdDefault, kEnforce));
  EXPECT_THAT(world.ConfinementOf(pod, "unconfined"), Unconfined());
  EXPECT_THAT(world.Try(pod, {"create:/tmp/x"}, "denied"),
              Each(Pair(testing::_, RefusedWith(EACCES))));
  EXPECT_THAT(world.Try(pod, {"create:/tmp/x"}, "default"),
              Each(Pair(testing::_, Allowed())));
  EXPECT_THAT(world.Try(pod, {"create:/tmp/x"}, "unconfined"),
              Each(Pair(testing::_, Allowed())));
  EXPECT_THAT(world.ConfinementOf(fields, "inherits"),
              ConfinedBy(kDenyWrite, kEnforce));
  EXPECT_THAT(world.ConfinementOf(fields, "default"),
              ConfinedBy(kContainerdDefault, kEnforce));
  EXPECT_THAT(world.ConfinementOf(fields, "unconfined"), Unconfined());
}

// S0-20, S0-62. The default profile refuses /proc/sysrq-trigger whatever the
// file mode says; without a profile it opens, and cannot be read (EIO).
TEST_F(AppArmor, RuntimeDefault) {
  const auto node = world.NodeWith({});
  const std::vector<std::string> act = {"read:/proc/sysrq-trigger"};
  const auto control = Run("unconfined.yaml", node);
  const auto asked = ClaimRuns("runtime-default.yaml", node);
  const auto silent = ClaimRuns("hello-control.yaml", node);

  ASSERT_THAT(world.ConfinementOf(control), Unconfined());
  ASSERT_THAT(world.Try(control, act),
              Each(Pair(testing::_, RefusedWith(EIO))));
  for (const auto& pod : {asked, silent}) {
    EXPECT_THAT(world.ConfinementOf(pod),
                ConfinedBy(kContainerdDefault, kEnforce));
    EXPECT_THAT(world.Try(pod, act),
                Each(Pair(testing::_, RefusedWith(EACCES))));
  }
}

// S0-22, S0-65.
TEST_F(AppArmor, Unconfined) {
  const auto node = world.NodeWith({});
  const std::vector<std::string> act = {"read:/proc/sysrq-trigger"};
  const auto control = Run("hello-control.yaml", node);
  const auto by_annotation = ClaimRuns("unconfined.yaml", node);
  const auto by_field = ClaimRuns("unconfined-pod-field.yaml", node);

  ASSERT_THAT(world.Try(control, act),
              Each(Pair(testing::_, RefusedWith(EACCES))));
  EXPECT_THAT(world.ConfinementOf(by_annotation), lab::suite::Unconfined());
  EXPECT_THAT(world.Try(by_annotation, act),
              Each(Pair(testing::_, RefusedWith(EIO))));
  EXPECT_THAT(world.ConfinementOf(by_field, "inherits"),
              lab::suite::Unconfined());
  EXPECT_THAT(world.ConfinementOf(by_field, "confined"),
              ConfinedBy(kContainerdDefault, kEnforce));
}

// S0-2, S3-11. Each pair of acts differs in nothing but the path.
TEST_F(AppArmor, MediateFile) {
  const auto node = world.NodeWith({"lab-file-rules", "lab-allow-all"});
  const std::vector<std::string> granted = {
      "read:/etc/hostname", "create:/tmp/x", "exec:/bin/busybox"};
  const std::vector<std::string> refused = {
      "read:/etc/hosts", "create:/root/x", "exec:/tmp/copy"};
  const auto control = Run("allow-all.yaml", node);
  const auto confined = Run("file-rules.yaml", node);
  for (const auto& pod : {control, confined}) {
    const auto copied = Must(
        world.Exec(pod, "", {"cp", "/bin/busybox", "/tmp/copy"}));
    ASSERT_EQ(copied.status, 0) << copied.err;
  }
  ASSERT_THAT(world.Try(control, granted), Each(Pair(testing::_, Allowed())));
  ASSERT_THAT(world.Try(control, refused), Each(Pair(testing::_, Allowed())));
  ASSERT_THAT(world.ConfinementOf(confined),
              ConfinedBy("lab-file-rules", kEnforce));
  const auto since = world.LogEnd(node);

  EXPECT_THAT(world.Try(confined, granted), Each(Pair(testing::_, Allowed())));
  EXPECT_THAT(world.Try(confined, refused),
              Each(Pair(testing::_, RefusedWith(EACCES))));
  for (const auto& [path, mask] : std::map<std::string, std::string>{
           {"/etc/hosts", "r"}, {"/root/x", "c"}, {"/tmp/copy", "x"}}) {
    Claim(world.AwaitRecord(node, since, "the refusal of " + path,
                            [&](const AuditRecord& r) {
                              return r.event == AuditEvent::kDenied &&
                                     r.profile == "lab-file-rules" &&
                                     r.name == path &&
                                     r.denied_mask.find(mask) !=
                                         std::string::npos;
                            }));
  }
}

}  // namespace
}  // namespace lab::suite
