// SPDX-License-Identifier: Apache-2.0
// What the API server takes, and what it refuses. Nearly all of it is asked
// without storing anything.
#include <fmt/format.h>

#include "suites/apparmor/fixture.h"

namespace lab::suite {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

using nlohmann::json;
using ::testing::MatchesRegex;

constexpr unsigned kCreated = 201, kOk = 200, kForbidden = 403, kInvalid = 422;

json Annotate(const std::string& key, const json& value) {
  return {{"metadata", {{"annotations", {{key, value}}}}}};
}

// What the API server is expected to say of `pod`, by its own annotation.
std::string Refusal(const json& pod) {
  return pod.at("metadata").at("annotations").at("lab.local/refused");
}

// S0-19, S0-61, S3-17.
TEST_F(AppArmor, AnnotationKey) {
  const auto nobody =
      world.Submit(world.Manifest("annotation-key-nobody.yaml"), kTryPods);
  const auto init =
      world.Submit(world.Manifest("annotation-key-init.yaml"), kTryPods);
  const auto right =
      world.Submit(world.Manifest("hello-apparmor.yaml"), kTryPods);

  ASSERT_EQ(right.status, kCreated) << right.message();
  Evidence(Kind::kControl, "the key of a container that exists is taken");
  EXPECT_EQ(init.status, kCreated) << init.message();
  EXPECT_EQ(nobody.status, kInvalid);
  EXPECT_EQ(nobody.message(),
            "Pod \"annotation-key-nobody\" is invalid: metadata.annotations["
            "container.apparmor.security.beta.kubernetes.io/nobody]: Invalid "
            "value: \"nobody\": container not found");
  if (!world.Behaves("api.apparmor-annotations-become-fields")) return;
  EXPECT_EQ(FieldOf(init.object.at("spec"), 0, "initContainers")
                .value("localhostProfile", ""),
            kDenyWrite);
  EXPECT_TRUE(FieldOf(init).is_null()) << FieldOf(init);
}

// S0-66, S3-18. Each reference with what is said of it: fixtures.
TEST_F(AppArmor, InvalidRef) {
  std::vector<json> pods =
      world.Manifest("reference-annotations.yaml")["items"];
  if (world.Behaves("api.apparmor-fields")) {
    for (auto& pod : world.Manifest("reference-fields.yaml")["items"]) {
      pods.push_back(std::move(pod));
    }
  }
  int taken = 0;
  for (const auto& pod : pods) {
    const auto reply = world.Submit(pod, kTryPods);
    const std::string expected = Refusal(pod);
    taken += expected.empty() ? 1 : 0;
    EXPECT_EQ(reply.status, expected.empty() ? kCreated : kInvalid) << pod;
    EXPECT_THAT(reply.message(), EndsWith(expected)) << pod;
  }
  Evidence(Kind::kControl,
           fmt::format("{} of {} references are taken", taken, pods.size()));
  EXPECT_GE(taken, 5);
}

// The longest name that the API takes, and one letter more.
TEST_F(AppArmor, LongestName) {
  Require(world.Behaves("api.apparmor-fields"),
          "no-fields: an annotation's name has no limit of its own");
  constexpr std::size_t kLongest = 4095;
  json pod = world.Manifest("hello-apparmor-field.yaml");
  json& name = pod["spec"]["containers"][0]["securityContext"]
                  ["appArmorProfile"]["localhostProfile"];

  name = std::string(kLongest, 'x');
  const auto longest = world.Submit(pod, kTryPods);
  name = std::string(kLongest + 1, 'x');
  const auto longer = world.Submit(pod, kTryPods);

  ASSERT_EQ(longest.status, kCreated);
  Evidence(Kind::kControl, "a name of 4095 letters is taken");
  EXPECT_EQ(longer.status, kInvalid);
  EXPECT_THAT(longer.message(),
              MatchesRegex(".*localhostProfile: Too long: may not be "
                           "(longer than 4095|more than 4095 bytes)"));
}

// The annotation passes the API, so the node decides; the field does not.
TEST_F(AppArmor, EmptyLocalhostName) {
  const auto node = world.NodeWith({});
  const auto control = world.Apply("hello-control.yaml", &node);
  const auto pod = world.Apply("empty-localhost.yaml", &node);
  const bool for_good =
      world.Behaves("kubelet.rejects-without-apparmor-for-good", &node);

  const auto refused =
      Claim(world.Await(pod, "to be refused", [&](const Pod& p) {
        return p.object.at("status").value("reason", "") == "AppArmor";
      }));

  ASSERT_TRUE(Must(world.AwaitRunning(control)).Running());
  Evidence(Kind::kControl, "the twin without an annotation runs");
  const json status = refused.object.at("status");
  EXPECT_EQ(refused.phase(), for_good ? "Failed" : "Pending");
  EXPECT_THAT(status.value("message", ""),
              AllOf(HasSubstr("Cannot enforce AppArmor: "),
                    HasSubstr(world.Behaves("kubelet.checks-profile", &node)
                                  ? "profile \"\" is not loaded"
                                  : "invalid empty AppArmor profile name: ")));
  EXPECT_THAT(refused.ContainerId(), IsEmpty());
  if (!world.Behaves("api.apparmor-fields")) return;
  EXPECT_TRUE(FieldOf(refused.object.at("spec")).is_null());
  const auto field =
      world.Submit(world.Manifest("empty-localhost-field.yaml"), kTryPods);
  EXPECT_EQ(field.status, kInvalid);
  EXPECT_THAT(field.message(),
              EndsWith("Required value: must be set when AppArmor type is "
                       "Localhost"));
}

// The pods are on no node, so nothing but the API server has a say.
TEST_F(AppArmor, AnnotationImmutable) {
  const auto annotated = world.Apply("immutable-annotated.yaml");
  const auto plain = world.Apply("immutable-plain.yaml");
  const std::string key = kProfileKey + std::string("hello");

  const auto other = world.Change(annotated, Annotate("lab.local/other", "x"));
  const auto changed = world.Change(annotated, Annotate(key, "unconfined"));
  const auto removed = world.Change(annotated, Annotate(key, nullptr));
  const auto added = world.Change(plain, Annotate(key, "unconfined"));

  ASSERT_EQ(other.status, kOk) << other.message();
  Evidence(Kind::kControl, "another annotation of the same pod was changed");
  for (const auto& reply : {changed, removed}) {
    EXPECT_EQ(reply.status, kInvalid);
    EXPECT_EQ(reply.message(),
              "Pod \"immutable-annotated\" is invalid: metadata.annotations[" +
                  key +
                  "]: Forbidden: may not remove or update AppArmor "
                  "annotations");
  }
  EXPECT_EQ(added.status, kInvalid);
  EXPECT_EQ(added.message(),
            "Pod \"immutable-plain\" is invalid: metadata.annotations[" + key +
                "]: Forbidden: may not add AppArmor annotations");
  if (!world.Behaves("api.apparmor-fields")) return;
  const json field = {{"appArmorProfile", {{"type", "Unconfined"}}}};
  const auto set =
      world.Change(plain, {{"spec", {{"securityContext", field}}}});
  EXPECT_EQ(set.status, kInvalid);
  EXPECT_THAT(set.message(),
              AllOf(StartsWith("Pod \"immutable-plain\" is invalid: spec: "
                               "Forbidden: pod updates may not change fields "
                               "other than"),
                    HasSubstr("AppArmorProfile")));
}

// The control differs in the name of the system only.
TEST_F(AppArmor, WindowsPod) {
  Require(world.Behaves("api.apparmor-fields"),
          "no-fields: this API server has no appArmorProfile to forbid");
  const json windows = world.Manifest("windows-field.yaml");
  json linux = windows;
  linux["spec"]["os"]["name"] = "linux";

  const auto taken = world.Submit(linux, kTryPods);
  const auto refused = world.Submit(windows, kTryPods);

  ASSERT_EQ(taken.status, kCreated) << taken.message();
  Evidence(Kind::kControl, "the same pod with os linux is taken");
  EXPECT_EQ(refused.status, kInvalid);
  EXPECT_EQ(refused.message(),
            "Pod \"windows-field\" is invalid: [spec.securityContext."
            "appArmorProfile: Forbidden: cannot be set for a windows pod, "
            "spec.containers[0].securityContext.appArmorProfile: Forbidden: "
            "cannot be set for a windows pod]");
}

json Debugger(const World& world, const json& security) {
  return {{"spec",
           {{"ephemeralContainers",
             {{{"name", "debug"},
               {"image", world.lab().image},
               {"securityContext", security}}}}}}};
}

// What `kubectl debug` sends, with its general and its restricted profile.
TEST_F(AppArmor, DebugUnderRestricted) {
  const json drop_all = {{"allowPrivilegeEscalation", false},
                         {"capabilities", {{"drop", {"ALL"}}}}};
  ASSERT_EQ(world.LabelNamespace(kEnforceLevel, "restricted").status, kOk);
  const auto pod = world.Apply("restricted.yaml");

  const auto refused =
      world.Change(pod, Debugger(world, json::object()), "ephemeralcontainers");
  const auto taken =
      world.Change(pod, Debugger(world, drop_all), "ephemeralcontainers");

  ASSERT_EQ(taken.status, kOk) << taken.message();
  Evidence(Kind::kControl, "a debug container that meets restricted is taken");
  EXPECT_EQ(taken.object.at("spec").at("ephemeralContainers").size(), 1u);
  EXPECT_EQ(refused.status, kForbidden);
  EXPECT_EQ(
      refused.message(),
      "pods \"restricted\" is forbidden: violates PodSecurity "
      "\"restricted:latest\": allowPrivilegeEscalation != false (container "
      "\"debug\" must set securityContext.allowPrivilegeEscalation=false), "
      "unrestricted capabilities (container \"debug\" must set "
      "securityContext.capabilities.drop=[\"ALL\"])");
}

// S0-51, in today's words: a policy that comes later does not reach the pods
// that are there, nor changes of them that it has no opinion on.
TEST_F(AppArmor, ExistingPodsNotValidated) {
  const auto node = world.NodeWith({});
  const auto pod = ClaimRuns("unconfined.yaml", node);
  json twin = world.Manifest("unconfined.yaml");
  twin["metadata"]["name"] = "twin";
  ASSERT_EQ(world.Submit(twin, kTryPods).status, kCreated);
  Evidence(Kind::kControl, "before the policy a twin is taken");

  const auto labelled = world.LabelNamespace(kEnforceLevel, "baseline");
  const auto refused = world.Submit(twin, kTryPods);
  const auto changed = world.Change(pod, Annotate("lab.local/other", "x"));

  ASSERT_EQ(labelled.status, kOk) << labelled.message();
  EXPECT_EQ(refused.status, kForbidden);
  EXPECT_THAT(
      refused.message(),
      AllOf(StartsWith("pods \"twin\" is forbidden: violates PodSecurity "
                       "\"baseline:latest\": forbidden AppArmor profile"),
            HasSubstr("container.apparmor.security.beta.kubernetes.io/hello="
                      "\"unconfined\"")));
  EXPECT_EQ(changed.status, kOk) << changed.message();
  EXPECT_THAT(labelled.warnings,
              Contains(HasSubstr("unconfined: forbidden AppArmor profile")));
  const auto after = Claim(world.AwaitRunning(pod));
  EXPECT_EQ(after.uid(), pod.uid());
  EXPECT_EQ(after.ContainerStatus().value("restartCount", -1), 0);
  EXPECT_THAT(world.ConfinementOf(after), Unconfined());
}

}  // namespace
}  // namespace lab::suite
