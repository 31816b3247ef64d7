// SPDX-License-Identifier: Apache-2.0
// The vm lab and the kind lab of one file give the same answers: what their
// components say of themselves, what the API does, what is on the nodes, and
// the verdicts of the suites.
#include <fmt/format.h>

#include <cstdlib>

#include "runner/base/text.h"
#include "runner/cluster/api.h"
#include "runner/cluster/kubelet.h"
#include "runner/cluster/node.h"
#include "runner/cluster/yaml.h"
#include "runner/components/cache.h"
#include "tests/lab/kind_fixture.h"

namespace lab::e2e {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

// What is seen of a lab: a subject, and how it is.
using Seen = std::map<std::string, std::string>;

struct Shape {
  std::string name;
  std::string config;  ///< below the project's root
  std::string cases;   ///< of the seccomp suite; empty: none
  /// What both labs must show, so that they do not agree on nothing.
  Seen must;
};

void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.config; }

const char* const kCases =
    "nil-unconfined,seccompdefault-on,spec-not-mutated,three-pods,"
    "localhost-chmod,localhost-missing,tutorial-log,cap-and-seccomp,"
    "wrong-annotation-keys,static-pod";

// Two labs are made of each; the rest with LAB_WHOLE_TABLE.
std::vector<Shape> Shapes() {
  const std::string configs = "kind-configs/";
  std::vector<Shape> all = {
      {"OneWorkerOfTwo",
       configs + "seccomp-default-one-worker.yaml",
       kCases,
       {}},
      {"FourConfigs",
       "tests/lab/parity.yaml",
       "",
       {{"api server gate HPAScaleToZero", "1"},
        {"storage version hashes", "no"},
        {"audit parity-plain", "create Metadata ResponseComplete"}}}};
  if (std::getenv("LAB_WHOLE_TABLE") == nullptr) return all;
  all.push_back({"FeatureGates", configs + "feature-gates.yaml", kCases, {}});
  all.push_back({"Admission", configs + "pod-security-defaults.yaml", "", {}});
  all.push_back({"Profiles", configs + "seccomp-profiles.yaml", kCases, {}});
  all.push_back({"Audit", configs + "audit-policy.yaml", kCases, {}});
  all.push_back({"EveryKubelet", configs + "seccomp-default.yaml", kCases, {}});
  all.push_back({"ByFlag", configs + "seccomp-default-flag.yaml", kCases, {}});
  return all;
}

json Must(Result<json> result) {
  EXPECT_TRUE(result) << (result ? "" : result.error().what);
  return result ? *result : json::object();
}

void SeeGates(const Api& api, const std::string& path, const std::string& whose,
              Seen& seen) {
  const auto metrics = api.Request({.path = path});
  ASSERT_TRUE(metrics) << metrics.error().what;
  const std::string name = "kubernetes_feature_enabled{name=\"";
  for (const auto& line : Lines(metrics->body)) {
    if (!line.starts_with(name)) continue;
    const auto end = line.find('"', name.size());
    seen[whose + " gate " + line.substr(name.size(), end - name.size())] =
        line.substr(line.rfind(' ') + 1);
  }
}

// What a kubelet was given: an API server that is no neighbour of the nodes may
// not ask it.
void SeeKubelet(const NodeShell& node, const std::string& whose, Seen& seen) {
  const auto argv = KubeletArguments(node);
  ASSERT_TRUE(argv) << argv.error().what;
  for (const char* flag : {"seccomp-default", "feature-gates"}) {
    seen[whose + " flag " + flag] = FlagOf(*argv, flag).value_or("none");
  }
  const auto file = FlagOf(*argv, "config");
  ASSERT_TRUE(file) << Join(*argv, " ");
  const auto text = node.AskOk({"cat", *file});
  ASSERT_TRUE(text) << text.error().what;
  const auto config = ParseYaml(*text, *file);
  ASSERT_TRUE(config) << config.error().what;
  for (const char* field : {"seccompDefault", "featureGates", "maxPods"}) {
    seen[whose + " field " + field] = config->value(field, json()).dump();
  }
}

void SeeWorker(const LabFile& lab, std::size_t index, Seen& seen) {
  const NodeShell node(lab, lab.Workers().at(index).name);
  const std::string whose = fmt::format("worker {}", index + 1);
  SeeKubelet(node, whose, seen);
  const auto files =
      node.AskOk({"sh", "-c",
                  "cd /var/lib/kubelet/seccomp 2>/dev/null && "
                  "find . -type f -exec sha256sum {} + | sort -k 2"});
  seen[whose + " seccomp profiles"] = files ? *files : "none";
}

json PodNamed(const std::string& name, json security) {
  return {{"metadata", {{"name", name}}},
          {"spec",
           {{"containers",
             {{{"name", "c"},
               {"image", "example.invalid/none"},
               {"securityContext", std::move(security)}}}}}}};
}

// What admission says of pods, which are not made for it.
void SeeAdmission(const Api& api, Seen& seen) {
  const std::pair<const char*, json> pods[] = {
      {"parity-plain", json::object()},
      {"parity-privileged", {{"privileged", true}}},
      {"parity-unconfined", {{"seccompProfile", {{"type", "Unconfined"}}}}},
      {"parity-wrong", {{"seccompProfile", {{"type", "Localhost"}}}}}};
  for (const std::string space : {"default", "kube-system"}) {
    const std::string root = "/api/v1/namespaces/" + space;
    Await("the service account of " + space, 30s, [&] {
      return api.Get(root + "/serviceaccounts/default").has_value();
    });
    for (const auto& [name, security] : pods) {
      const auto said = api.Request({.method = "POST",
                                     .path = root + "/pods?dryRun=All",
                                     .body = PodNamed(name, security).dump()});
      ASSERT_TRUE(said) << said.error().what;
      const json body = json::parse(said->body, nullptr, false);
      seen[fmt::format("admission {} {}", space, name)] =
          fmt::format("{} {} {}", said->status, body.value("message", ""),
                      Join(said->warnings, "; "));
    }
  }
  // With its gate, an autoscaler of no replicas.
  const json scaler = {
      {"metadata", {{"name", "parity"}}},
      {"spec",
       {{"minReplicas", 0},
        {"maxReplicas", 1},
        {"scaleTargetRef", {{"kind", "Deployment"}, {"name", "none"}}},
        {"metrics",
         {{{"type", "External"},
           {"external",
            {{"metric", {{"name", "none"}}},
             {"target", {{"type", "Value"}, {"value", "1"}}}}}}}}}}};
  const auto said =
      api.Request({.method = "POST",
                   .path = "/apis/autoscaling/v2/namespaces/default/"
                           "horizontalpodautoscalers?dryRun=All",
                   .body = scaler.dump()});
  ASSERT_TRUE(said) << said.error().what;
  seen["scale to zero"] = std::to_string(said->status);
}

void SeeApi(const Api& api, Seen& seen) {
  for (const auto& group : Must(api.Get("/apis")).value("groups", json())) {
    std::string versions;
    for (const auto& version : group.at("versions")) {
      versions += version.value("version", "") + " ";
    }
    seen["api group " + group.value("name", "")] = versions;
  }
  bool hashes = false;
  for (const auto& one : Must(api.Get("/api/v1")).value("resources", json())) {
    hashes = hashes || one.contains("storageVersionHash");
  }
  seen["storage version hashes"] = hashes ? "yes" : "no";
}

// Of the pods above, in the audit log, where the config asks for one.
void SeeAudit(const LabFile& lab, Seen& seen) {
  const Path log = "/var/log/kubernetes/audit.log";
  std::string text;
  if (lab.kind == "kind") {
    const auto read = NodeShell(lab, lab.name + "-control-plane")
                          .AskOk({"cat", log.string()});
    text = read.value_or("");
  } else {
    text = ReadFile(lab.directory / "control-plane" / log.relative_path())
               .value_or("");
  }
  for (const auto& line : Lines(text)) {
    const json event = json::parse(line, nullptr, false);
    if (!event.is_object()) continue;
    const auto object = event.value("objectRef", json::object());
    const auto name = object.value("name", "");
    if (!name.starts_with("parity-")) continue;
    if (object.value("namespace", "") != "default") continue;
    seen["audit " + name] = event.value("verb", "") + " " +
                            event.value("level", "") + " " +
                            event.value("stage", "");
  }
}

void SeeVerdicts(const std::string& lab, const std::string& cases, Seen& seen) {
  const auto report = NewReport();
  std::vector<std::string> arguments = {"--suite", "seccomp",  "--use-lab",
                                        lab,       "--filter", cases};
  for (const auto& option : report.Options()) arguments.push_back(option);
  const auto run = Runner(arguments);
  EXPECT_EQ(run.ended.value, 0) << report.Story(run);
  for (const auto& one : report.State().cases) {
    seen["case " + one.id] =
        fmt::format("{} {}", one.verdict ? ToString(*one.verdict) : "none",
                    one.verdict == Verdict::kSkip ? one.reason : "");
  }
}

// All of it, in a lab of this kind that is made for it and ends.
Seen Look(const std::string& kind, const Shape& shape) {
  Seen seen;
  const std::string name = "parity-" + kind;
  const auto up =
      Runner({"lab", "up", "--lab", kind, "--name", name, "--config",
              std::string(LAB_SOURCE_DIR) + "/" + shape.config},
             25min);
  EXPECT_EQ(up.ended.value, 0) << up.err;
  const auto lab = LabFile::Load(*DefaultCacheRoot() / "labs" / name);
  EXPECT_TRUE(lab) << (lab ? "" : lab.error().what);
  if (!lab) return seen;
  const Api api(lab->api_socket);
  SeeApi(api, seen);
  SeeGates(api, "/metrics", "api server", seen);
  for (std::size_t i = 0; i < lab->Workers().size(); ++i) {
    SeeWorker(*lab, i, seen);
  }
  SeeAdmission(api, seen);
  SeeAudit(*lab, seen);
  if (!shape.cases.empty()) SeeVerdicts(name, shape.cases, seen);
  EXPECT_EQ(Runner({"lab", "down", name}).ended.value, 0);
  return seen;
}

class Parity : public KindFixture, public testing::WithParamInterface<Shape> {};

TEST_P(Parity, OneFileGivesTheSameAnswersInBothLabs) {
  const Seen vm = Look("vm", GetParam());
  const Seen kind = Look("kind", GetParam());

  ExpectNothingLeft();
  const auto of = [](const Seen& seen, const std::string& what) {
    const auto found = seen.find(what);
    return found == seen.end() ? std::string("(not seen)") : found->second;
  };
  for (const auto& [what, value] : vm) EXPECT_EQ(of(kind, what), value) << what;
  for (const auto& [what, value] : kind) {
    if (!vm.contains(what)) ADD_FAILURE() << "only in kind: " << what << value;
  }
  for (const auto& [what, value] : GetParam().must) {
    EXPECT_EQ(of(vm, what), value) << what;
  }
}

INSTANTIATE_TEST_SUITE_P(Configs, Parity, testing::ValuesIn(Shapes()),
                         [](const auto& one) { return one.param.name; });

// Without a lab: what the plans of one file promise.
TEST(ParityOfPlans, GatesVersionsAndPatchesAgree) {
  for (const auto& shape : Shapes()) {
    json plans[2];
    for (const std::string kind : {"vm", "kind"}) {
      const auto said = Runner(
          {"lab", "plan", std::string(LAB_SOURCE_DIR) + "/" + shape.config,
           "--lab", kind, "--json"});
      EXPECT_EQ(said.ended.value, 0) << said.err;
      json plan = json::parse(said.out, nullptr, false);
      ASSERT_TRUE(plan.is_object()) << said.out;
      json& told = plans[kind == "kind" ? 1 : 0];
      for (const char* field :
           {"kubernetes", "kubeadmApi", "runtimeConfig", "problems"}) {
        told[field] = plan.value(field, json());
      }
      // Not which kubelets it reaches: kind's control plane has one as well.
      for (const auto& patch : plan.at("patches")) {
        told["patches"].push_back({patch.at("kind"), patch.at("line")});
      }
      for (const auto& one : plan.at("components")) {
        told["gates"][one.value("name", "")] = one.at("featureGates");
      }
      for (const auto& node : plan.at("nodes")) {
        if (node.value("role", "") != "worker") continue;
        told["gates"][node.value("name", "")] =
            node.at("kubelet").at("featureGates");
      }
    }
    EXPECT_EQ(plans[0].dump(1), plans[1].dump(1)) << shape.config;
  }
}

}  // namespace
}  // namespace lab::e2e
