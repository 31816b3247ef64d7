// SPDX-License-Identifier: Apache-2.0
// Filters from files on the node: which file, found or not.
#include <fmt/format.h>

#include "suites/seccomp/fixture.h"

namespace lab::suite {
namespace {

using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

using nlohmann::json;

constexpr unsigned kInvalid = 422;

// S3-24, S3-26, S3-28. One operation, four system calls: the file names all.
TEST_F(Seccomp, LocalhostChmod) {
  const std::vector<std::string> changes = {"chmod:/tmp/a", "fchmod:/tmp/b",
                                            "fchmodat:/tmp/c"};
  const auto node = AnyNode();
  const auto control = Claim(world.AwaitRunning(Apply("nil-twin.yaml", node)));
  const auto pod = ClaimRuns("localhost-chmod.yaml", node);

  const auto free = world.Try(AsControl(control), changes);
  auto acts = changes;
  acts.push_back("chown:/tmp/d");
  const auto filtered = world.Try(pod, acts);

  for (const auto& change : changes) {
    ASSERT_THAT(At(free, change), Allowed());
    EXPECT_THAT(At(filtered, change), RefusedWith(EPERM)) << change;
  }
  EXPECT_THAT(At(filtered, "chown:/tmp/d"), Allowed());
  EXPECT_THAT(world.FilteringOf(pod), FilteredBy(1));
}

// S3-26 (D-16). The file as the document prints it: with "name", as Docker
// once took it, where an OCI runtime wants "names". To runc the rule names
// nothing, and chmod is allowed; crun refuses the container.
TEST_F(Seccomp, SingularName) {
  const auto node = AnyNode();
  const auto control =
      Claim(world.AwaitRunning(Apply("localhost-chmod.yaml", node)));
  const auto pod = Apply("singular-name.yaml", node);

  const auto refused = world.Try(AsControl(control), {"chmod:/tmp/a"});

  ASSERT_THAT(At(refused, "chmod:/tmp/a"), RefusedWith(EPERM));
  if (world.DefaultRuntime(node) == "crun") {
    const auto held = ClaimRefused(pod);
    EXPECT_THAT(Refusal(held), HasSubstr("config.json"));
    EXPECT_THAT(world.ProcessesOf(node, held), Not(Contains("sleep")));
    return;
  }
  const auto running = Claim(world.AwaitRunning(pod));
  const auto tried = world.Try(running, {"chmod:/tmp/a"});
  EXPECT_THAT(At(tried, "chmod:/tmp/a"), Allowed());
  EXPECT_THAT(world.FilteringOf(running), FilteredBy(1));
}

// S3-29 (D-16). The document's example leaves out ".json". The pod waits, says
// which file it misses, and starts once that is there.
TEST_F(Seccomp, LocalhostMissing) {
  const auto node = AnyNode();
  const auto control =
      Claim(world.AwaitRunning(Apply("localhost-chmod.yaml", node)));
  const auto pod = Apply("localhost-missing.yaml", node);

  const auto held = Claim(world.AwaitRefused(pod, 1));

  ASSERT_THAT(
      At(world.Try(AsControl(control), {"chmod:/tmp/a"}), "chmod:/tmp/a"),
      RefusedWith(EPERM));
  EXPECT_EQ(held.WaitingReason(), "CreateContainerError");
  const std::string file = std::string(kSeccompRoot) + "/chmod";
  EXPECT_THAT(held.WaitingMessage(),
              EndsWith(fmt::format("cannot load seccomp profile \"{0}\": open "
                                   "{0}: no such file or directory",
                                   file)));
  EXPECT_EQ(held.ContainerId(), "");
  world.PlaceSeccomp(node, "chmod", world.SeccompText("chmod.json"));
  const auto released = Claim(world.AwaitRunning(pod));
  EXPECT_THAT(At(world.Try(released, {"chmod:/tmp/a"}), "chmod:/tmp/a"),
              RefusedWith(EPERM));
  EXPECT_THAT(world.FilteringOf(released), FilteredBy(1));
}

// What the API server refuses, so that no kubelet sees it.
TEST_F(Seccomp, LocalhostPathValidation) {
  const auto submit = [&](const json& profile) {
    json pod = world.Manifest("seccomp/nil.yaml");
    pod["spec"]["securityContext"]["seccompProfile"] = profile;
    return world.Submit(pod, kTryPods);
  };
  const std::string field = "spec.securityContext.seccompProfile";
  const auto good =
      submit({{"type", "Localhost"}, {"localhostProfile", "lab/x.json"}});
  ASSERT_TRUE(good.accepted()) << good.message();
  Evidence(Kind::kControl, "a relative path is taken, there or not");

  const auto absolute =
      submit({{"type", "Localhost"}, {"localhostProfile", "/etc/x.json"}});
  const auto upwards =
      submit({{"type", "Localhost"}, {"localhostProfile", "lab/../../x"}});
  const auto nameless = submit({{"type", "Localhost"}});
  const auto needless =
      submit({{"type", "RuntimeDefault"}, {"localhostProfile", "x.json"}});
  const auto unknown = submit({{"type", "Strict"}});

  for (const auto* reply :
       {&absolute, &upwards, &nameless, &needless, &unknown}) {
    EXPECT_EQ(reply->status, kInvalid);
  }
  EXPECT_THAT(absolute.message(), HasSubstr("must be a relative path"));
  EXPECT_THAT(upwards.message(), HasSubstr("must not contain '..'"));
  EXPECT_THAT(nameless.message(),
              HasSubstr(field + ".localhostProfile: Required value: must be "
                                "set when seccomp type is Localhost"));
  EXPECT_THAT(needless.message(),
              HasSubstr("can only be set when seccomp type is Localhost"));
  EXPECT_THAT(unknown.message(), HasSubstr(field + ".type: Unsupported value"));
}

}  // namespace
}  // namespace lab::suite
