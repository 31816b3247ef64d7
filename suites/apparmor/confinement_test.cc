// SPDX-License-Identifier: Apache-2.0
// A loaded profile, and what it does to a container.
#include "suites/apparmor/fixture.h"

namespace lab::suite {
namespace {

using ::testing::_;
using ::testing::Each;
using ::testing::Not;
using ::testing::Pair;

using nlohmann::json;

constexpr const char* kWrite = "create:/tmp/x";

json Annotations(const Pod& pod) {
  return pod.object.at("metadata").value("annotations", json::object());
}

// S0-13, S0-21, S0-28, both forms in which a pod may name its profile.
TEST_F(AppArmor, LocalhostApplied) {
  const auto node = world.NodeWith({kDenyWrite});
  const auto control = Control("hello-control.yaml", node);
  std::vector<Pod> confined = {ClaimRuns("hello-apparmor.yaml", node)};
  if (world.Behaves("api.apparmor-fields")) {
    confined.push_back(ClaimRuns("hello-apparmor-field.yaml", node));
  }

  const auto free = world.Try(control, {kWrite});

  ASSERT_THAT(world.ConfinementOf(control),
              Not(ConfinedBy(kDenyWrite, kEnforce)));
  ASSERT_THAT(At(free, kWrite), Allowed());
  for (const auto& pod : confined) {
    EXPECT_THAT(At(world.Try(pod, {kWrite}), kWrite), RefusedWith(EACCES));
    EXPECT_THAT(world.ConfinementOf(pod), ConfinedBy(kDenyWrite, kEnforce));
    EXPECT_EQ(world.Log(pod), "Hello AppArmor!\n");
  }
}

// S0-25, S0-30, S3-22. The file itself, as the documents read it.
TEST_F(AppArmor, ProcAttr) {
  const auto node = world.NodeWith({kDenyWrite, "lab-no-write-complain"});
  const auto unconfined = Control("unconfined.yaml", node);
  const auto enforced = ClaimRuns("hello-apparmor.yaml", node);
  const auto complaining = ClaimRuns("no-write-complain.yaml", node);

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
  const std::vector<std::string> writes = {
      "create:/tmp/lab-new", "mkdir:/tmp/lab-directory", "write:/etc/passwd",
      "write:/dev/null"};
  const std::vector<std::string> reads = {"read:/etc/passwd", "list:/",
                                          "exec:/bin/busybox"};
  const auto node = world.NodeWith({kDenyWrite});
  const auto control = Control("hello-control.yaml", node);
  const auto confined = ClaimRuns("hello-apparmor.yaml", node);

  const auto free = world.Try(control, writes);
  const auto touch = Must(world.Exec(confined, "", {"touch", "/tmp/test"}));
  const auto tried =
      world.Try(confined, Both(Both(writes, reads), {"read:/tmp/test"}));

  ASSERT_THAT(free, Each(Pair(_, Allowed())));
  ASSERT_THAT(world.ConfinementOf(confined), ConfinedBy(kDenyWrite, kEnforce));
  EXPECT_EQ(touch.status, 1);
  EXPECT_EQ(touch.err, "touch: /tmp/test: Permission denied\n");
  EXPECT_THAT(At(tried, "read:/tmp/test"), RefusedWith(ENOENT));
  EXPECT_THAT(Only(tried, writes), Each(Pair(_, RefusedWith(EACCES))));
  EXPECT_THAT(Only(tried, reads), Each(Pair(_, Allowed())));
}

// S0-18, KEP-24: fields since 1.30; what becomes of annotations: sync_test.cc.
TEST_F(AppArmor, FieldBasic) {
  Require(world.Behaves("api.apparmor-fields"),
          "no-fields: this API server knows annotations only");
  const auto node = world.NodeWith({kDenyWrite});
  const auto control = Control("hello-control.yaml", node);
  const auto container = ClaimRuns("hello-apparmor-field.yaml", node);
  const auto whole_pod = ClaimRuns("hello-apparmor-pod-field.yaml", node);

  ASSERT_THAT(At(world.Try(control, {kWrite}), kWrite), Allowed());
  const json field = FieldOf(container.object.at("spec"));
  EXPECT_EQ(field.value("localhostProfile", ""), kDenyWrite);
  EXPECT_TRUE(FieldOf(whole_pod.object.at("spec")).is_null());
  const bool copied = world.Behaves("api.apparmor-fields-become-annotations");
  for (const auto& pod : {container, whole_pod}) {
    EXPECT_EQ(Annotations(pod).empty(), !copied) << Annotations(pod);
    EXPECT_THAT(At(world.Try(pod, {kWrite}), kWrite), RefusedWith(EACCES));
    EXPECT_THAT(world.ConfinementOf(pod), ConfinedBy(kDenyWrite, kEnforce));
  }
}

// S0-61. The containers differ in nothing but their profile.
TEST_F(AppArmor, MultiContainer) {
  const auto node = world.NodeWith({kDenyWrite});
  // The pods, and their container that is denied writing.
  std::vector<std::pair<Pod, std::string>> pods = {
      {ClaimRuns("multi-container.yaml", node), "denied"}};
  if (world.Behaves("api.apparmor-fields")) {
    pods.emplace_back(ClaimRuns("multi-container-fields.yaml", node),
                      "inherits");
  }
  Pod control = pods.front().first;  // its other containers
  control.control = true;
  ASSERT_THAT(At(world.Try(control, {kWrite}, "default"), kWrite), Allowed());
  ASSERT_THAT(At(world.Try(control, {kWrite}, "unconfined"), kWrite),
              Allowed());

  for (const auto& [pod, denied] : pods) {
    EXPECT_THAT(At(world.Try(pod, {kWrite}, denied), kWrite),
                RefusedWith(EACCES));
    EXPECT_THAT(world.ConfinementOf(pod, denied),
                ConfinedBy(kDenyWrite, kEnforce));
    EXPECT_THAT(world.ConfinementOf(pod, "default"),
                ConfinedBy(kContainerdDefault, kEnforce));
    EXPECT_THAT(world.ConfinementOf(pod, "unconfined"), Unconfined());
  }
}

// The default profile refuses this file whatever its mode says; without a
// profile it opens, and cannot be read (EIO).
constexpr const char* kSysrq = "read:/proc/sysrq-trigger";

// S0-20, S0-62.
TEST_F(AppArmor, RuntimeDefault) {
  const auto node = world.NodeWith({});
  const auto control = Control("unconfined.yaml", node);
  const auto asked = ClaimRuns("runtime-default.yaml", node);
  const auto silent = ClaimRuns("hello-control.yaml", node);

  ASSERT_THAT(At(world.Try(control, {kSysrq}), kSysrq), RefusedWith(EIO));
  ASSERT_THAT(world.ConfinementOf(control), Unconfined());
  EXPECT_TRUE(world.HasProfile(node, kContainerdDefault));
  for (const auto& pod : {asked, silent}) {
    EXPECT_THAT(At(world.Try(pod, {kSysrq}), kSysrq), RefusedWith(EACCES));
    EXPECT_THAT(world.ConfinementOf(pod),
                ConfinedBy(kContainerdDefault, kEnforce));
  }
}

// S0-22, S0-65.
TEST_F(AppArmor, Unconfined) {
  const auto node = world.NodeWith({});
  const auto control = Control("hello-control.yaml", node);
  const auto by_annotation = ClaimRuns("unconfined.yaml", node);

  ASSERT_THAT(At(world.Try(control, {kSysrq}), kSysrq), RefusedWith(EACCES));
  EXPECT_THAT(At(world.Try(by_annotation, {kSysrq}), kSysrq), RefusedWith(EIO));
  EXPECT_TRUE(world.HasProfile(node, kContainerdDefault));
  EXPECT_THAT(world.ConfinementOf(by_annotation), lab::suite::Unconfined());
  if (!world.Behaves("api.apparmor-fields")) return;
  const auto by_field = ClaimRuns("unconfined-pod-field.yaml", node);
  EXPECT_THAT(world.ConfinementOf(by_field, "inherits"),
              lab::suite::Unconfined());
  EXPECT_THAT(world.ConfinementOf(by_field, "confined"),
              ConfinedBy(kContainerdDefault, kEnforce));
}

// S0-2, S3-11. Each pair of acts differs in nothing but the path.
TEST_F(AppArmor, MediateFile) {
  const std::vector<std::string> granted = {
      "read:/etc/hostname", "create:/tmp/x", "exec:/bin/busybox"};
  const std::vector<std::string> refused = {"read:/etc/hosts", "create:/root/x",
                                            "exec:/tmp/copy"};
  const auto node = world.NodeWith({"lab-file-rules", "lab-allow-all"});
  const auto control = Control("allow-all.yaml", node);
  const auto confined = ClaimRuns("file-rules.yaml", node);
  for (const auto& pod : {control, confined}) {
    const auto copied =
        Must(world.Exec(pod, "", {"cp", "/bin/busybox", "/tmp/copy"}));
    ASSERT_EQ(copied.status, 0) << copied.err;
  }
  const auto since = world.LogEnd(node);

  const auto free = world.Try(control, Both(granted, refused));
  const auto ruled = world.Try(confined, Both(granted, refused));

  ASSERT_THAT(free, Each(Pair(_, Allowed())));
  ASSERT_THAT(world.ConfinementOf(confined),
              ConfinedBy("lab-file-rules", kEnforce));
  EXPECT_THAT(Only(ruled, granted), Each(Pair(_, Allowed())));
  EXPECT_THAT(Only(ruled, refused), Each(Pair(_, RefusedWith(EACCES))));
  for (const auto& [path, mask] : std::map<std::string, std::string>{
           {"/etc/hosts", "r"}, {"/root/x", "c"}, {"/tmp/copy", "x"}}) {
    Claim(world.AwaitRecord(
        node, since, "the refusal of " + path, [&](const AuditRecord& r) {
          return r.event == AuditEvent::kDenied &&
                 r.profile == "lab-file-rules" && r.name == path &&
                 r.denied_mask.find(mask) != std::string::npos;
        }));
  }
}

}  // namespace
}  // namespace lab::suite
