// SPDX-License-Identifier: Apache-2.0
// The two forms in which a pod may name its profile, annotation and field, and
// what the API server makes of one where there is, or is not, the other:
// KEP-24. Nearly all of it is asked without storing anything.
#include "suites/apparmor/fixture.h"

namespace lab::suite {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using nlohmann::json;

constexpr unsigned kCreated = 201, kInvalid = 422;
constexpr const char* kTryDeployments = "deployments?dryRun=All";

const json kLocalhost = {{"type", "Localhost"},
                         {"localhostProfile", kDenyWrite}};
const json kDefault = {{"type", "RuntimeDefault"}};
const json kFree = {{"type", "Unconfined"}};

json Annotations(const Reply& reply) {
  return reply.object.at("metadata").value("annotations", json::object());
}

std::string WarningOf(const std::string& container,
                      const std::string& of = "metadata") {
  return of + ".annotations[" + kProfileKey + container + "]" + kDeprecated;
}

class AppArmorSync : public AppArmor {
 protected:
  Reply Bare(const std::string& name) {
    return world.Submit(Item(world.Manifest("sync-pods.yaml"), name), kTryPods);
  }
  Reply Template(const std::string& name) {
    return world.Submit(Item(world.Manifest("sync-templates.yaml"), name),
                        kTryDeployments, "apps/v1");
  }
  // What the API server answers where fields are: none before 1.30.
  void NeedsFields() {
    Require(world.Behaves("api.apparmor-fields"),
            "no-fields: this API server knows annotations only");
  }
};

// Before there are fields, the one that is asked for gets lost.
TEST_F(AppArmorSync, SyncAnnotationToField) {
  const auto annotation = Bare("annotation");
  const auto by_default = Bare("annotation-default");
  const auto free = Bare("annotation-unconfined");
  const auto overrides = Bare("overrides-pod-field");
  const auto equal = Bare("equals-pod-field");
  const auto control = Bare("container-field");

  for (const auto& reply : {annotation, by_default, free, overrides, equal}) {
    ASSERT_EQ(reply.status, kCreated) << reply.message();
  }
  if (!world.Behaves("api.apparmor-annotations-become-fields")) {
    EXPECT_TRUE(FieldOf(annotation).is_null());
    EXPECT_TRUE(FieldOf(control).is_null());
    EXPECT_THAT(annotation.warnings, IsEmpty());
    Evidence(Kind::kControl, "a field that is asked for is dropped as well");
    return;
  }
  EXPECT_EQ(FieldOf(annotation), kLocalhost);
  EXPECT_EQ(FieldOf(by_default), kDefault);
  EXPECT_EQ(FieldOf(free), kFree);
  EXPECT_EQ(FieldOf(overrides), kLocalhost);
  for (const auto& reply : {annotation, by_default, free, overrides}) {
    EXPECT_THAT(reply.warnings, ElementsAre(WarningOf("hello")));
  }
  // What the pod says already is not copied, and not warned of.
  EXPECT_TRUE(FieldOf(equal).is_null()) << FieldOf(equal);
  EXPECT_THAT(equal.warnings, IsEmpty());
  EXPECT_THAT(control.warnings, IsEmpty());
  Evidence(Kind::kControl, "a pod with the field only is not warned of");
}

TEST_F(AppArmorSync, SyncFieldToAnnotation) {
  NeedsFields();
  const auto container = Bare("container-field");
  const auto whole_pod = Bare("pod-field");
  const auto both = Bare("equals-field");

  ASSERT_EQ(Annotations(both),
            json::object({{kProfileKey + std::string("hello"),
                           "localhost/" + std::string(kDenyWrite)}}));
  Evidence(Kind::kControl, "an annotation that is given stays");
  EXPECT_THAT(both.warnings, IsEmpty());
  const bool copied = world.Behaves("api.apparmor-fields-become-annotations");
  for (const auto& reply : {container, whole_pod}) {
    ASSERT_EQ(reply.status, kCreated) << reply.message();
    EXPECT_EQ(Annotations(reply), copied ? Annotations(both) : json::object());
    EXPECT_THAT(reply.warnings, IsEmpty());
  }
  EXPECT_EQ(FieldOf(container), kLocalhost);
  EXPECT_TRUE(FieldOf(whole_pod).is_null()) << FieldOf(whole_pod);
}

TEST_F(AppArmorSync, SyncConflict) {
  NeedsFields();
  const std::string field =
      " is invalid: spec.containers[0].securityContext.appArmorProfile.";
  const auto equal = Bare("equals-field");
  const auto other_type = Bare("other-type");
  const auto other_name = Bare("other-name");
  const auto invalid = Bare("invalid-annotation");
  const auto one_each = Bare("one-each");

  ASSERT_EQ(equal.status, kCreated) << equal.message();
  EXPECT_EQ(FieldOf(equal), kLocalhost);
  Evidence(Kind::kControl, "annotation and field that agree are taken");
  for (const auto& reply : {other_type, other_name, invalid}) {
    EXPECT_EQ(reply.status, kInvalid);
  }
  EXPECT_EQ(other_type.message(),
            "Pod \"other-type\"" + field +
                "type: Forbidden: apparmor type in annotation and field must "
                "match");
  EXPECT_EQ(other_name.message(),
            "Pod \"other-name\"" + field +
                "localhostProfile: Forbidden: apparmor profile in annotation "
                "and field must match");
  EXPECT_EQ(invalid.message(),
            "Pod \"invalid-annotation\" is invalid: [metadata.annotations[" +
                std::string(kProfileKey) +
                "hello]: Invalid value: \"foo\": invalid AppArmor profile "
                "name: \"foo\", spec.containers[0].securityContext."
                "appArmorProfile.type: Forbidden: apparmor type in annotation "
                "and field must match]");
  // One container each way is no conflict.
  ASSERT_EQ(one_each.status, kCreated) << one_each.message();
  EXPECT_EQ(FieldOf(one_each, 0), kLocalhost);
  EXPECT_EQ(FieldOf(one_each, 1).value("localhostProfile", ""), "other");
  EXPECT_THAT(one_each.warnings, ElementsAre(WarningOf("second")));
}

// Templates are checked like pods, and never synchronized: what a pod gets
// copied, a template is refused for.
TEST_F(AppArmorSync, SyncTemplate) {
  NeedsFields();
  const auto annotation = Template("annotation");
  const auto field = Template("container-field");
  const auto equals_pod = Template("equals-pod-field");
  const auto equals = Template("equals-field");
  const auto overrides = Template("overrides-pod-field");
  const auto pod = Bare("overrides-pod-field");

  ASSERT_EQ(pod.status, kCreated) << pod.message();
  Evidence(Kind::kControl, "as a bare pod the override is taken");
  EXPECT_EQ(overrides.status, kInvalid);
  EXPECT_EQ(overrides.message(),
            "Deployment.apps \"overrides-pod-field\" is invalid: spec.template."
            "spec.containers[0].securityContext.appArmorProfile.type: "
            "Forbidden: apparmor type in annotation and field must match");
  for (const auto& reply : {annotation, field, equals_pod, equals}) {
    ASSERT_EQ(reply.status, kCreated) << reply.message();
  }
  const auto template_of = [](const Reply& reply) {
    return reply.object.at("spec").at("template");
  };
  EXPECT_TRUE(FieldOf(template_of(annotation).at("spec")).is_null());
  EXPECT_FALSE(template_of(field).at("metadata").contains("annotations"));
  EXPECT_THAT(annotation.warnings,
              ElementsAre(WarningOf("hello", "spec.template.metadata")));
  for (const auto& reply : {field, equals_pod, equals}) {
    EXPECT_THAT(reply.warnings, IsEmpty());
  }
}

// S0-54, S0-55, S0-56 (D-5). That the annotation would be refused one day was
// announced, and did not come. What confines is what is stored.
TEST_F(AppArmor, AnnotationAfterGa) {
  const auto node = world.NodeWith({kDenyWrite});
  const auto control = Control("hello-control.yaml", node);
  const auto pod = ClaimRuns("hello-apparmor.yaml", node);

  const auto free = world.Try(control, {"create:/tmp/x"});
  const auto tried = world.Try(pod, {"create:/tmp/x"});

  ASSERT_THAT(At(free, "create:/tmp/x"), Allowed());
  EXPECT_EQ(pod.object.at("metadata").at("annotations").size(), 1u);
  EXPECT_THAT(At(tried, "create:/tmp/x"), RefusedWith(EACCES));
  EXPECT_THAT(world.ConfinementOf(pod), ConfinedBy(kDenyWrite, kEnforce));
  if (!world.Behaves("api.apparmor-annotations-become-fields")) return;
  EXPECT_EQ(FieldOf(pod.object.at("spec")), kLocalhost);
}

// No API server sees the pod before it runs: the kubelet reads the annotation
// itself. The API's mirror of it is synchronized like any pod.
TEST_F(AppArmor, SyncStaticPod) {
  const auto node = world.NodeWith({kDenyWrite});
  const auto control = Control("hello-control.yaml", node);
  const auto mirror = world.PlaceStaticPod(node, "static-pod.yaml");

  const auto pod = Claim(world.AwaitRunning(mirror, 90s));
  const auto free = world.Try(control, {"create:/tmp/x"});
  const auto tried = world.Try(pod, {"create:/tmp/x"});

  ASSERT_THAT(At(free, "create:/tmp/x"), Allowed());
  const json annotations = pod.object.at("metadata").at("annotations");
  EXPECT_EQ(annotations.value("kubernetes.io/config.source", ""), "file");
  EXPECT_EQ(pod.node(), node.node());
  EXPECT_THAT(At(tried, "create:/tmp/x"), RefusedWith(EACCES));
  EXPECT_THAT(world.ConfinementOf(pod), ConfinedBy(kDenyWrite, kEnforce));
  if (!world.Behaves("api.apparmor-annotations-become-fields")) return;
  EXPECT_EQ(FieldOf(pod.object.at("spec")), kLocalhost);
}

}  // namespace
}  // namespace lab::suite
