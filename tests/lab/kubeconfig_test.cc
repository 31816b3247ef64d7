// SPDX-License-Identifier: Apache-2.0
// The kubeconfig lab, in clusters that others made: a vm lab and a kind lab
// that are up. However a run ends, the cluster is as it was.
#include <fmt/format.h>
#include <signal.h>

#include "runner/base/text.h"
#include "runner/cluster/marks.h"
#include "runner/cluster/node.h"
#include "runner/components/cache.h"
#include "tests/lab/kind_fixture.h"

namespace lab::e2e {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// A cluster, seen by one who may everything.
class Cluster {
 public:
  explicit Cluster(const std::string& lab)
      : lab_(LabFile::Load(*DefaultCacheRoot() / "labs" / lab).value()) {}

  const LabFile& lab() const { return lab_; }

  std::string Kubectl(const std::vector<std::string>& rest) const {
    std::vector<std::string> argv = {
        lab_.kubectl.string(), "--kubeconfig=" + lab_.kubeconfig.string()};
    argv.insert(argv.end(), rest.begin(), rest.end());
    const auto said = RunOk({.argv = argv});
    EXPECT_TRUE(said) << (said ? "" : said.error().what);
    return said.value_or("");
  }

  /// Whatever a run may have put into the cluster and on its nodes.
  std::string State() const {
    // What cases of --use-lab have made goes by itself.
    const std::string foreign =
        fmt::format("--selector={0},{0}!={1}", kLabLabel, lab_.name);
    std::string state = Kubectl(
        {"get",
         "namespaces,pods,daemonsets,deployments,configmaps,events,"
         "serviceaccounts,nodes",
         "--all-namespaces", "--ignore-not-found", "--output=name", foreign});
    const json nodes =
        json::parse(Kubectl({"get", "nodes", "--output=json"}), nullptr, false);
    for (const auto& node : nodes.value("items", json::array())) {
      const json& meta = node.at("metadata");
      state += meta.at("name").get<std::string>() + " " +
               meta.at("labels").dump() + "\n";
      for (const auto& [key, value] : meta.at("annotations").items()) {
        if (key.starts_with(kNodeLabelNote)) state += key + "\n";
      }
    }
    for (const auto& worker : lab_.Workers()) state += On(worker.name);
    return state;
  }

 private:
  std::string On(const std::string& node) const {
    const NodeShell shell(lab_, node);
    const auto files =
        shell.Ask({"find", "/run/confinement-lab", "/var/lib/confinement-lab",
                   "/var/lib/kubelet/seccomp", "/etc/kubernetes/manifests",
                   "/run/apparmor-loader"});
    EXPECT_TRUE(files) << (files ? "" : files.error().what);
    std::string state = node + ":\n" + (files ? files->out : "");
    // No list where the kernel has no AppArmor.
    const auto profiles = shell.Ask({"cat", kKernelProfiles});
    for (const auto& line : Lines(profiles ? profiles->out : "")) {
      // The runtime loads its own when it first needs it.
      if (!line.starts_with("cri-containerd")) state += line + "\n";
    }
    return state;
  }

  LabFile lab_;
};

std::vector<std::string> In(const Path& kubeconfig, const std::string& suite,
                            const std::string& cases, const Report& report,
                            std::vector<std::string> more = {}) {
  more.insert(more.end(),
              {"--suite", suite, "--lab", "kubeconfig", "--kubeconfig",
               kubeconfig.string(), "--filter", cases});
  for (const auto& option : report.Options()) more.push_back(option);
  return more;
}

void ExpectPassed(const Report& report, const Finished& run,
                  std::size_t cases) {
  EXPECT_EQ(run.ended.ToString(), "exit status 0") << report.Story(run);
  EXPECT_EQ(report.With(Verdict::kPass).size(), cases) << report.Story(run);
  EXPECT_FALSE(std::filesystem::exists(LabDirectoryOf(report)));
}

// In the vm lab that other tests use, too.
class Kubeconfig : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(std::filesystem::exists(cluster_.lab().directory));
    before_ = cluster_.State();
  }
  void ExpectNothingLeft() const { EXPECT_EQ(cluster_.State(), before_); }

  /// A kubeconfig of an account with these rules, beside a context that leads
  /// nowhere and is the current one.
  Path Account(const json& rules) {
    const json meta = {{"name", kAccount}};
    Apply({{"apiVersion", "v1"},
           {"kind", "ServiceAccount"},
           {"metadata", {{"name", kAccount}, {"namespace", "default"}}}});
    Apply({{"apiVersion", "rbac.authorization.k8s.io/v1"},
           {"kind", "ClusterRole"},
           {"metadata", meta},
           {"rules", rules}});
    Apply({{"apiVersion", "rbac.authorization.k8s.io/v1"},
           {"kind", "ClusterRoleBinding"},
           {"metadata", meta},
           {"roleRef",
            {{"apiGroup", "rbac.authorization.k8s.io"},
             {"kind", "ClusterRole"},
             {"name", kAccount}}},
           {"subjects",
            {{{"kind", "ServiceAccount"},
              {"name", kAccount},
              {"namespace", "default"}}}}});
    json config = json::parse(cluster_.Kubectl(
        {"config", "view", "--raw", "--flatten", "--output=json"}));
    const std::string token =
        cluster_.Kubectl({"create", "token", kAccount, "--duration=1h"});
    config["users"].push_back(
        {{"name", kAccount}, {"user", {{"token", Trim(token)}}}});
    const std::string cluster = config.at("clusters").at(0).at("name");
    config["clusters"].push_back(
        {{"name", "nowhere"},
         {"cluster", {{"server", "https://127.0.0.1:9"}}}});
    config["contexts"].push_back(
        {{"name", "nowhere"},
         {"context", {{"cluster", "nowhere"}, {"user", kAccount}}}});
    config["contexts"].push_back(
        {{"name", kAccount},
         {"context", {{"cluster", cluster}, {"user", kAccount}}}});
    config["current-context"] = "nowhere";
    const Path file = directory_->path() / "kubeconfig";
    EXPECT_TRUE(WriteFile(file, config.dump(), 0600));
    return file;
  }

  void TearDown() override {
    cluster_.Kubectl({"delete", "--ignore-not-found",
                      std::string("serviceaccount/") + kAccount,
                      std::string("clusterrole/") + kAccount,
                      std::string("clusterrolebinding/") + kAccount});
  }

  static constexpr const char* kAccount = "e2e-account";
  const Cluster cluster_{SharedLab()};

 private:
  void Apply(const json& object) {
    const Path file = directory_->path() / "object.json";
    ASSERT_TRUE(WriteFile(file, object.dump()));
    cluster_.Kubectl({"apply", "--filename", file.string()});
  }

  std::string before_;
  const Result<TempDir> directory_ = TempDir::In(testing::TempDir(), "kube-");
};

// The rules of examples/kubeconfig-lab/role.yaml, as the API server takes them.
json ExampleRules(const Cluster& cluster) {
  const json role = json::parse(cluster.Kubectl(
      {"create", "--dry-run=client", "--output=json", "--filename",
       std::string(LAB_SOURCE_DIR) + "/examples/kubeconfig-lab/role.yaml"}));
  return role.at("rules");
}

TEST_F(Kubeconfig, TheExampleRightsSufficeInTheChosenContext) {
  const Path file = Account(ExampleRules(cluster_));
  const std::vector<std::string> chosen = {"--context", kAccount};
  const auto one = NewReport(), two = NewReport();

  const auto apparmor = Runner(In(
      file, "apparmor", "enforce-deny-write,node-label-selector", one, chosen));
  ExpectPassed(one, apparmor, 2);
  EXPECT_EQ(one.State().facts.at("lab"), "kubeconfig");
  const auto seccomp = Runner(In(
      file, "seccomp", "localhost-chmod,profile-root,static-pod", two, chosen));
  ExpectPassed(two, seccomp, 3);
  ExpectNothingLeft();
}

TEST_F(Kubeconfig, NamesEveryMissingRightAndMakesNothing) {
  json rules = ExampleRules(cluster_);
  for (auto& rule : rules) {
    if (rule["resources"] == json{"pods/exec"}) rule["verbs"] = {"get"};
    if (rule["resources"] == json{"daemonsets"}) rule["verbs"] = {"watch"};
  }
  const Path file = Account(rules);
  const auto report = NewReport();

  const auto run = Runner(
      In(file, "seccomp", "nil-unconfined", report, {"--context", kAccount}));

  EXPECT_EQ(run.ended.ToString(), "exit status 5");
  EXPECT_THAT(run.err,
              HasSubstr("missing, in every namespace: create pods/exec, create "
                        "daemonsets.apps, delete daemonsets.apps\n"));
  EXPECT_FALSE(std::filesystem::exists(LabDirectoryOf(report)));
  ExpectNothingLeft();
}

TEST_F(Kubeconfig, AnImageThatIsNotToBeHadIsToldAtOnce) {
  const auto report = NewReport();
  const Stopwatch watch;
  const auto run =
      Runner(In(cluster_.lab().kubeconfig, "seccomp", "nil-unconfined", report,
                {"--image", "registry.invalid/busybox:1"}));

  EXPECT_EQ(run.ended.ToString(), "exit status 5");
  EXPECT_LT(watch.Seconds(), 60);
  EXPECT_THAT(run.err, AllOf(HasSubstr("ImagePullBackOff"),
                             HasSubstr("registry.invalid/busybox:1")));
  ExpectNothingLeft();
}

// Cases that have much on the nodes, and are in the middle of it.
class CutOff : public Kubeconfig {
 protected:
  void Run() {
    run_.emplace(
        In(cluster_.lab().kubeconfig, "apparmor",
           "node-label-selector,sync-static-pod,unloaded-event", report_),
        report_.directory.path() / "log");
    // Its key carries the mark of the run, as the profile does.
    Await("the label of a case", 90s, [&] {
      return cluster_.Kubectl({"get", "nodes", "--show-labels"})
                 .find("apparmor.lab.local/lab-labelled-node.lab-") !=
             std::string::npos;
    });
  }

  const Report report_ = NewReport();
  std::optional<Background> run_;
};

TEST_F(CutOff, InterruptedItTidiesUp) {
  Run();
  ::kill(run_->process().id().pid, SIGINT);

  EXPECT_EQ(run_->ExitStatus(90s), 130);
  EXPECT_FALSE(std::filesystem::exists(LabDirectoryOf(report_)));
  ExpectNothingLeft();
}

TEST_F(CutOff, KilledItLeavesNothingThatTheCollectorMisses) {
  Run();
  const Path directory = LabDirectoryOf(report_);
  ::kill(run_->process().id().pid, SIGKILL);
  run_->process().Wait(Deadline::In(10s));
  Await("the end of every child", 10s,
        [&] { return ProcessesWith(directory.string()).empty(); });

  const auto collected = Runner({"lab", "gc"});

  EXPECT_EQ(collected.ended.ToString(), "exit status 0") << collected.err;
  EXPECT_THAT(collected.out, HasSubstr("removed namespace run-"));
  EXPECT_FALSE(std::filesystem::exists(directory));
  ExpectNothingLeft();
}

// The nodes' own image under another name.
class KubeconfigOnKind : public KindFixture {};

TEST_F(KubeconfigOnKind, TakesAnImageByItsNameAndLeavesNothing) {
  const std::string name = "kube-e2e";
  constexpr const char* kImage = "registry.example/fixtures:2";
  const auto up = Runner(
      {"lab", "up", "--lab", "kind", "--name", name, "--config", kOneWorker},
      25min);
  ASSERT_EQ(up.ended.value, 0) << up.err;
  const Cluster cluster(name);
  const NodeShell node(cluster.lab(), name + "-worker");
  const auto tagged = node.AskOk(
      {"ctr", "--namespace=k8s.io", "images", "tag", kFixtureImage, kImage});
  EXPECT_TRUE(tagged) << (tagged ? "" : tagged.error().what);
  const auto before = cluster.State();
  const auto report = NewReport();

  const auto run = Runner(In(cluster.lab().kubeconfig, "seccomp",
                             "exec-inherits,localhost-chmod,static-pod", report,
                             {"--image", kImage}));

  ExpectPassed(report, run, 3);
  EXPECT_EQ(cluster.State(), before);
  EXPECT_EQ(Runner({"lab", "down", name}).ended.value, 0);
  ExpectNothingLeft();
}

}  // namespace
}  // namespace lab::e2e
