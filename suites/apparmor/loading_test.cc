// SPDX-License-Identifier: Apache-2.0
// Ways for profiles to get onto nodes that the documents recommend: the node's
// image, and a DaemonSet.
#include "runner/base/wait.h"
#include "suites/apparmor/fixture.h"

namespace lab::suite {
namespace {

using ::testing::HasSubstr;

using nlohmann::json;

constexpr const char* kWrite = "create:/tmp/x";

// S0-37. The suite never loads it; every node has it since its boot.
TEST_F(AppArmor, LoadNodeImage) {
  const std::string name = "lab-baked";
  const auto workers = world.WorkersWithAppArmor();
  // What nodes boot from is ours in a vm lab only.
  Require(world.lab().kind == "vm" || world.HasProfile(workers.front(), name),
          "no-baked-profile: the nodes of this lab do not boot from an image "
          "that loads lab-baked");
  for (const auto& node : workers) {
    EXPECT_TRUE(world.HasProfile(node, name)) << node.node();
  }
  const auto node = world.NodeWith({name});
  const auto control = Control("hello-control.yaml", node);
  const auto pod = ClaimRuns("baked.yaml", node);

  ASSERT_THAT(At(world.Try(control, {kWrite}), kWrite), Allowed());
  EXPECT_THAT(At(world.Try(pod, {kWrite}), kWrite), RefusedWith(EACCES));
  EXPECT_THAT(world.ConfinementOf(pod), ConfinedBy(name, kEnforce));
}

constexpr const char* kLoadedA = "lab-loaded-a";
constexpr const char* kLoadedB = "lab-loaded-b";
constexpr const char* kForeign = "lab-foreign";

/// The loader of fixtures/loader, in the case's own namespace.
class LoaderDaemonSet : public AppArmor {
 protected:
  void SetUp() override {
    Require(
        world.Workers().size() == 2 && world.WorkersWithAppArmor().size() == 2,
        "not-two-workers: two pods are to land on two nodes with AppArmor");
    // A loader leaves alone what another, on the same kernel, has loaded.
    world.RequireOwnKernels();
    for (const auto& node : world.Workers()) {
      for (const auto* profile : {kLoadedA, kLoadedB}) {
        ASSERT_FALSE(world.HasProfile(node, profile));
        world.RemoveAtEnd(node, profile);
      }
      world.LoadProfile(node, kForeign);
    }
  }

  // The loader loads again what others remove, so it has to be gone before the
  // world takes the profiles away.
  void TearDown() override {
    Must(world.api().Delete(In("apis/apps/v1", "daemonsets/apparmor-loader")));
    for (const auto& pod : loaders_) world.Delete(pod);
    for (const auto& pod : loaders_) {
      Must(WaitUntil("end of the loader " + pod.name, Deadline::In(60s), 200ms,
                     [&] { return !Exists(pod); }));
    }
    for (const auto& node : world.Workers()) {
      Must(node.AskOk({"rm", "-rf", RecordsOn(node)}));
    }
  }

  void SetProfiles(const std::map<std::string, std::string>& files) {
    json data = json::object();
    for (const auto& [key, file] : files) data[key] = world.ProfileText(file);
    const json map = {{"metadata", {{"name", kMap}}}, {"data", data}};
    if (loaders_.empty()) {
      ASSERT_TRUE(world.Submit(map, "configmaps").accepted());
      return;
    }
    Must(world.api().Patch(In("api/v1", std::string("configmaps/") + kMap),
                           map));
    // A kubelet looks at a pod's volumes when it looks at the pod: once a
    // minute, or when the pod has changed.
    for (const auto& pod : loaders_) {
      const json touched = {
          {"metadata", {{"annotations", {{"touched", "1"}}}}}};
      ASSERT_TRUE(world.Change(pod, touched).accepted());
    }
  }

  void StartLoader() {
    json loader = world.Fixture("loader/daemonset.yaml");
    // A loader that the cluster has anyway keeps its records to itself.
    loader.at("/spec/template/spec/volumes/1/hostPath/path"_json_pointer) =
        RecordsOn(world.Workers().front());
    const auto made = world.Submit(loader, "daemonsets", "apps/v1");
    ASSERT_TRUE(made.accepted()) << made.message();
    const auto workers = static_cast<int>(world.Workers().size());
    Claim(world.api().Watch(
        {.path = In("apis/apps/v1", "daemonsets?watch=1"),
         .what = "the loader to be ready on every worker",
         .timeout = 90s,
         .done =
             [&](const std::string&, const json& set) {
               return set.value("/status/numberReady"_json_pointer, 0) ==
                      workers;
             },
         .describe = [](const json& set) { return set.at("status").dump(); }}));
    const json list = Must(world.api().Get(In("api/v1", kLoaderPods)));
    for (const auto& one : list.at("items")) {
      loaders_.push_back({one.at("metadata").at("name"), one, false});
    }
  }

  Status AwaitProfiles(const std::vector<std::string>& profiles) {
    return WaitUntil("profiles on every worker", Deadline::In(120s), 500ms,
                     [&] {
                       for (const auto& node : world.Workers()) {
                         const auto loaded = world.Profiles(node);
                         for (const auto& one : profiles) {
                           if (FindProfile(loaded, one) == nullptr)
                             return false;
                         }
                       }
                       return true;
                     });
  }

  const std::vector<Pod>& loaders() const { return loaders_; }

 private:
  static constexpr const char* kMap = "apparmor-profiles";
  static constexpr const char* kLoaderPods =
      "pods?labelSelector=app%3Dapparmor-loader";

  std::string In(const std::string& group, const std::string& what) const {
    return "/" + group + "/namespaces/" + world.name_space() + "/" + what;
  }

  std::string RecordsOn(const NodeShell& node) const {
    return node.directory() + "/records-" + world.name_space();
  }

  bool Exists(const Pod& pod) const {
    const auto answer =
        world.api().Request({.path = In("api/v1", "pods/" + pod.name)});
    return !answer || answer->status != 404;
  }

  std::vector<Pod> loaders_;
};

std::string ModeOn(const World& world, const NodeShell& node,
                   const std::string& profile) {
  const auto profiles = world.Profiles(node);
  const auto* found = FindProfile(profiles, profile);
  return found == nullptr ? "not loaded" : found->mode;
}

// S0-36. The pods are there before the loader: it is what releases them.
TEST_F(LoaderDaemonSet, LoaderDaemonset) {
  std::vector<Pod> pods = {world.Apply("loader-worker-a.yaml"),
                           world.Apply("loader-worker-b.yaml")};
  for (auto& pod : pods) {
    pod.control = true;
    pod = Claim(world.AwaitRefused(pod, 1));
    ASSERT_FALSE(pod.Running());
    pod.control = false;
  }

  SetProfiles({{"a", kLoadedA}});
  StartLoader();
  for (auto& pod : pods) {
    pod = Claim(world.AwaitRunning(pod, 100s));
    EXPECT_THAT(At(world.Try(pod, {kWrite}), kWrite), RefusedWith(EACCES));
    EXPECT_THAT(world.ConfinementOf(pod), ConfinedBy(kLoadedA, kEnforce));
  }
  EXPECT_NE(pods[0].node(), pods[1].node());

  // In one go: a new one, another text of a, and one that is not the loader's.
  SetProfiles({{"a", std::string("replacements/") + kLoadedA},
               {"b", kLoadedB},
               {"foreign", std::string("replacements/") + kForeign}});
  Claim(AwaitProfiles({kLoadedB}));
  const auto added = Claim(world.AwaitRunning(world.Apply("loader-b.yaml")));
  EXPECT_THAT(At(world.Try(added, {kWrite}), kWrite), RefusedWith(EACCES));
  EXPECT_THAT(world.ConfinementOf(added), ConfinedBy(kLoadedB, kEnforce));
  EXPECT_THAT(At(world.Try(pods[0], {kWrite}), kWrite), Allowed());
  for (const auto& pod : loaders()) {
    const auto node = world.NodeOf(pod);
    EXPECT_EQ(ModeOn(world, node, kForeign), kEnforce) << node.node();
    EXPECT_THAT(world.Log(pod),
                HasSubstr("foreign: refused: somebody else has"));
  }
}

}  // namespace
}  // namespace lab::suite
