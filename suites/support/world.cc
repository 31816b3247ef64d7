// SPDX-License-Identifier: Apache-2.0
#include "suites/support/world.h"

#include <fmt/format.h>

#include <cctype>
#include <cstdlib>

#include "runner/base/text.h"
#include "runner/cluster/kubelet.h"
#include "runner/cluster/marks.h"
#include "runner/cluster/seccomp_files.h"
#include "runner/cluster/yaml.h"
#include "suites/support/must.h"
#include "suites/support/namespace.h"
#include "suites/support/records.h"

namespace lab::suite {
namespace {

constexpr const char* kLoaderImage = "lab.local/apparmor-loader:1";

using nlohmann::json;

LabFile LoadLab() {
  const char* file = std::getenv("LAB_FILE");
  return Must(LabFile::Load(file != nullptr ? file : ""));
}

Path Home() {
  const char* home = std::getenv("LAB_HOME");
  return home != nullptr ? Path(home) : Path(LAB_SOURCE_DIR);
}

json Meta(const std::string& name, const LabFile& lab) {
  json labels = {{"confinement-lab", "case"}, {kLabLabel, lab.name}};
  // A foreign cluster's defaults may forbid what the cases are about.
  if (lab.kind == "kubeconfig") {
    labels[kEnforceLevel] = "privileged";
  }
  return {{"metadata", {{"name", name}, {"labels", labels}}}};
}

// Fixtures name the images of our own labs. kFixtureImage has the program of
// the other, too.
void UseImage(json& fixture, const std::string& image) {
  if (image == kFixtureImage) return;
  const auto named =
      fixture.is_object() ? fixture.value("image", json()) : json();
  if (named == kFixtureImage || named == kLoaderImage) {
    fixture["image"] = image;
  }
  if (!fixture.is_structured()) return;
  for (auto& part : fixture) UseImage(part, image);
}

// With a note of whose it is, by which lab gc finds it; null takes both off.
Status SetNodeLabel(const Api& api, const std::string& lab,
                    const std::string& name_space, const NodeShell& node,
                    const std::string& key, const json& value) {
  const json note = value.is_null() ? json() : json(NodeLabelNote(lab, key));
  const auto patched =
      api.Patch("/api/v1/nodes/" + node.node(),
                {{"metadata",
                  {{"labels", {{key, value}}},
                   {"annotations", {{kNodeLabelNote + name_space, note}}}}}});
  return patched ? Status() : Status(patched.error());
}

// A kubelet ends a pod that is gone only when it has looked at the runtime
// again, which it does every second (PLEG); so the kernel is asked. What the
// kubelet does then is to note that they have ended.
Status EndNamespace(const Api& api, const std::string& name,
                    const std::vector<NodeShell>& workers) {
  LAB_TRY(const auto pods, RemoveNamespace(api, name));
  for (const auto& worker : workers) {
    const auto its = pods.find(worker.node());
    if (its == pods.end()) continue;
    std::vector<std::string> argv = {"lab-node", "end-pods"};
    argv.insert(argv.end(), its->second.begin(), its->second.end());
    LAB_TRY([[maybe_unused]] const auto ended, worker.AskOk(argv));
  }
  return {};
}

}  // namespace

std::string Reply::message() const {
  return accepted() ? "" : object.value("message", object.dump());
}

World::World()
    : lab_(LoadLab()),
      behaviours_(Must(Behaviours::Load(Home()))),
      api_(lab_.api_socket, lab_.profile_names) {
  namespace_ =
      ReplaceAll(CaseId().substr(0, 48), ".", "-") + "-" + RandomHex(4);
  // By hand the case's id is a GoogleTest name.
  for (char& letter : namespace_) {
    letter =
        static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  }
  Must(api_.Post("/api/v1/namespaces", Meta(namespace_, lab_)));
  // A pod before its namespace's service account is refused.
  Must(api_.Watch(
      {.path = fmt::format("/api/v1/namespaces/{}/serviceaccounts?watch=1",
                           namespace_),
       .what = "default service account",
       .timeout = 20s,
       .done = [](const std::string&, const json& account) {
         return account.at("metadata").value("name", "") == "default";
       }}));
}

World::~World() {
  // A lab of this run only is about to be thrown away with all that is in it;
  // tidying it up first costs its nodes as much as the cases.
  const char* throwaway = std::getenv("LAB_THROWAWAY");
  if (throwaway != nullptr && *throwaway == '1') return;
  // In a cluster of somebody else's, and with objects of other kinds, the
  // namespace is left to its controller, which knows them all.
  const bool alone = lab_.kind != "kubeconfig" && !others_;
  AfterVerdict([alone, api = api_, name_space = namespace_,
                static_pods = static_pods_, loaded = loaded_,
                loaded_by_others = loaded_by_others_,
                seccomp_files = seccomp_files_, labelled = labelled_,
                workers = Workers(), lab = lab_.name] {
    std::vector<Status> done;
    // First: a kubelet puts the mirror of a static pod back.
    for (const auto& [node, path] : static_pods) {
      const auto removed = node.AskOk({"rm", "-f", path});
      done.push_back(removed ? Status() : Status(removed.error()));
    }
    done.push_back(alone ? EndNamespace(api, name_space, workers)
                         : AskToRemoveNamespace(api, name_space));
    for (const auto& [node, profile] : loaded) {
      done.push_back(node.RemoveOwnProfiles({profile}));
    }
    for (const auto& [node, profile] : loaded_by_others) {
      done.push_back(node.RemoveProfile(profile));
    }
    for (const auto& [node, file] : seccomp_files) {
      done.push_back(RemoveOwnSeccompFiles(node, {file}));
    }
    for (const auto& [node, key] : labelled) {
      done.push_back(SetNodeLabel(api, lab, name_space, node, key, nullptr));
    }
    for (const auto& one : done) {
      if (!one) Evidence(Kind::kNote, "clean-up: " + one.error().what);
    }
  });
}

Path World::home() const { return Home(); }

std::vector<NodeShell> World::Workers() const {
  std::vector<NodeShell> shells;
  for (const auto& node : lab_.Workers()) shells.emplace_back(lab_, node.name);
  return shells;
}

bool World::HasAppArmor(const NodeShell& node) const {
  return lab_.HasAppArmor(node.node());
}

std::vector<NodeShell> World::WorkersWithAppArmor() const {
  std::vector<NodeShell> with;
  std::vector<std::string> without;
  for (const auto& node : Workers()) {
    if (HasAppArmor(node)) {
      with.push_back(node);
    } else {
      without.push_back(node.node());
    }
  }
  Require(!with.empty(),
          "no-apparmor: no node of this lab has AppArmor (measured: enabled=N "
          "on " +
              Join(without, ", ") + ")");
  return with;
}

std::vector<NodeShell> World::WorkersWithoutAppArmor() const {
  std::vector<NodeShell> without;
  for (const auto& node : Workers()) {
    if (!HasAppArmor(node)) without.push_back(node);
  }
  return without;
}

void World::RequireOwnKernels() const {
  std::map<std::string, std::string> nodes;  // by a number drawn at boot
  for (const auto& node : Workers()) {
    const auto boot =
        Must(node.AskOk({"cat", "/proc/sys/kernel/random/boot_id"}));
    const auto [other, alone] = nodes.emplace(boot, node.node());
    Require(alone, fmt::format("shared-kernel: {} and {} have one kernel, and "
                               "so one set of profiles (boot_id {})",
                               other->second, node.node(), Trim(boot)));
  }
}

bool World::Behaves(const std::string& behaviour, const NodeShell* node) const {
  return Must(
      behaviours_.Holds(behaviour, lab_, node != nullptr ? node->node() : ""));
}

std::vector<LoadedProfile> World::Profiles(const NodeShell& node) const {
  return Must(ParseProfiles(Must(node.ProfilesText())));
}

bool World::HasProfile(const NodeShell& node, const std::string& profile,
                       Kind kind) const {
  const auto profiles = Profiles(node);
  const bool has = FindProfile(profiles, profile) != nullptr;
  Evidence(kind, fmt::format("{}: profile {} is {}", node.node(), profile,
                             has ? "loaded" : "not loaded"));
  return has;
}

NodeShell World::NodeWith(const std::vector<std::string>& profiles) const {
  std::vector<NodeShell> fit;
  for (const auto& node : WorkersWithAppArmor()) {
    const auto loaded = Profiles(node);
    bool all = true;
    for (const auto& profile : profiles) {
      all = all && FindProfile(loaded, profile) != nullptr;
    }
    if (all) fit.push_back(node);
  }
  if (fit.empty()) {
    Must(Status(Error{"no worker has loaded " + Join(profiles, ", ")}));
  }
  const auto& chosen = fit[std::hash<std::string>()(CaseId()) % fit.size()];
  if (!profiles.empty()) {
    Evidence(Kind::kNode, fmt::format("{}: loaded: {}", chosen.node(),
                                      Join(profiles, ", ")));
  }
  return chosen;
}

NodeShell World::NodeOf(const Pod& pod) const {
  return NodeShell(lab_, pod.node());
}

std::string World::DefaultRuntime(const NodeShell& node) const {
  return lab_.facts.at(node.node() + ".default-runtime");
}

void World::LoadProfile(const NodeShell& node, const std::string& profile) {
  const auto text = ProfileText(profile);
  loaded_.emplace_back(node, profile);
  Must(node.LoadProfile(profile, text));
  Evidence(Kind::kNode,
           fmt::format("{}: loaded profile {}", node.node(), profile));
}

void World::ReplaceProfile(const NodeShell& node, const std::string& profile,
                           const std::string& file) {
  Must(node.LoadProfile(profile, ProfileText(file)));
  Evidence(Kind::kNode, fmt::format("{}: replaced profile {} by {}",
                                    node.node(), profile, file));
}

void World::RemoveProfile(const NodeShell& node, const std::string& profile) {
  Must(node.RemoveProfile(profile));
  Evidence(Kind::kNode,
           fmt::format("{}: removed profile {}", node.node(), profile));
}

std::string World::ProfileText(const std::string& profile) const {
  return Must(ReadFile(Home() / "profiles" / "apparmor" / profile));
}

Finished World::TryLoad(const NodeShell& node, const std::string& profile,
                        const std::string& text) {
  loaded_by_others_.emplace_back(node, profile);
  auto parsed = Must(node.Ask({"apparmor_parser", "--replace", "--skip-cache"},
                              lab_.profile_names.OnNodes(text)));
  Evidence(Kind::kNode, fmt::format("{}: apparmor_parser: {} {}", node.node(),
                                    parsed.ended.ToString(), Trim(parsed.err)));
  return parsed;
}

void World::RemoveAtEnd(const NodeShell& node, const std::string& profile) {
  loaded_by_others_.emplace_back(node, profile);
}

std::string World::KubeletSays(const NodeShell& node,
                               const std::vector<std::string>& flags) const {
  std::vector<std::string> argv = {"timeout", "60", "kubelet",
                                   std::string("--config=") + kNoKubeletConfig};
  argv.insert(argv.end(), flags.begin(), flags.end());
  const auto ran = Must(node.Ask(argv));
  const auto said = ran.out + ran.err;
  // Some versions print all their flags behind an error.
  return said.substr(0, said.find("\nUsage:"));
}

std::string World::KubeletReads(const NodeShell& node, json config,
                                const std::vector<std::string>& flags) const {
  config["apiVersion"] = "kubelet.config.k8s.io/v1beta1";
  config["kind"] = "KubeletConfiguration";
  config["maxPods"] = -1;
  const std::string file =
      fmt::format("{}/kubelet-reads-{}.json", node.directory(), namespace_);
  Must(node.AskOk({"mkdir", "-p", node.directory()}));
  Must(node.AskOk({"dd", "status=none", "of=" + file}, config.dump()));
  auto all = flags;
  all.push_back("--config=" + file);  // the last one counts
  auto said = KubeletSays(node, all);
  Must(node.AskOk({"rm", "-f", file}));
  return said;
}

void World::LabelNode(const NodeShell& node, const std::string& key,
                      const std::string& value) {
  labelled_.emplace_back(node, key);
  Must(SetNodeLabel(api_, lab_.name, namespace_, node, key, value));
  Evidence(Kind::kNode,
           fmt::format("{}: label {}={}", node.node(), key, value));
}

void World::PlaceSeccomp(const NodeShell& node, const std::string& path,
                         const std::string& text) {
  const auto faults = Must(PlaceSeccompFiles(node, {{path, text}}));
  if (!faults.empty()) Must(Status(Error{faults.begin()->second}));
  seccomp_files_.emplace_back(node, path);
  Evidence(Kind::kNode,
           fmt::format("{}: seccomp profile {}", node.node(), path));
}

std::string World::SeccompText(const std::string& path) const {
  return Must(ReadFile(Home() / "profiles" / "seccomp" / path));
}

json World::Manifest(const std::string& file) const {
  return Fixture("pods/" + file);
}

json World::Fixture(const std::string& path) const {
  const Path file = Home() / "fixtures" / path;
  auto fixture = Must(ParseYaml(Must(ReadFile(file)), file.string()));
  UseImage(fixture, lab_.image);
  return fixture;
}
}  // namespace lab::suite
