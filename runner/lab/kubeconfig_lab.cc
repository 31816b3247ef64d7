// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/kubeconfig_lab.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runner/base/stop.h"
#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "runner/cluster/api.h"
#include "runner/cluster/node.h"
#include "runner/lab/node_agent.h"
#include "runner/lab/node_facts.h"

namespace lab {
namespace {

using nlohmann::json;

constexpr char kReviews[] =
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
constexpr char kControlPlaneTaint[] = "node-role.kubernetes.io/control-plane";

// What lab and cases do in a cluster.
struct Right {
  const char* verbs;
  const char* group;
  const char* resource;  ///< "pods/exec": a subresource
};
constexpr Right kRights[] = {
    {"create delete list patch", "", "namespaces"},
    {"get list patch", "", "nodes"},
    {"create get list watch patch delete deletecollection", "", "pods"},
    {"create get", "", "pods/exec"},
    {"get", "", "pods/log"},
    {"patch", "", "pods/ephemeralcontainers"},
    {"list watch", "", "events"},
    {"list watch", "", "serviceaccounts"},
    {"create", "", "configmaps"},
    {"create", "apps", "daemonsets"},
    {"create", "apps", "deployments"}};

std::vector<std::string> Kubectl(const LabFile& lab) {
  return {lab.kubectl.string(), "--kubeconfig=" + lab.kubeconfig.string()};
}

// kubectl with `rest`, in a way that a person's interruption does not end.
Result<std::string> Clean(const LabFile& lab, std::vector<std::string> rest) {
  auto argv = Kubectl(lab);
  argv.insert(argv.end(), rest.begin(), rest.end());
  return RunOk({.argv = argv, .timeout = 90s, .stoppable = false});
}

std::string Question(const std::string& verb, const Right& right) {
  const std::string resource = right.resource;
  const auto slash = resource.find('/');
  json asked = {{"verb", verb},
                {"group", right.group},
                {"resource", resource.substr(0, slash)}};
  if (slash != std::string::npos) {
    asked["subresource"] = resource.substr(slash + 1);
  }
  return json{{"apiVersion", "authorization.k8s.io/v1"},
              {"kind", "SelfSubjectAccessReview"},
              {"spec", {{"resourceAttributes", asked}}}}
      .dump();
}

// Pods of a run go there: Ready, and with no taint that keeps them away.
bool TakesPods(const json& node) {
  if (node.value("/spec/unschedulable"_json_pointer, false)) return false;
  for (const auto& taint :
       node.value("/spec/taints"_json_pointer, json::array())) {
    if (taint.value("effect", "") != "PreferNoSchedule") return false;
  }
  for (const auto& condition :
       node.value("/status/conditions"_json_pointer, json::array())) {
    if (condition.value("type", "") == "Ready") {
      return condition.value("status", "") == "True";
    }
  }
  return false;
}

std::string AddressOf(const json& node) {
  for (const auto& address :
       node.value("/status/addresses"_json_pointer, json::array())) {
    if (address.value("type", "") == "InternalIP") {
      return address.value("address", "");
    }
  }
  return "";
}

// As containerd's configuration has it; one without crun means runc.
std::string DefaultRuntime(const NodeShell& shell) {
  const auto said = shell.Ask({"containerd", "config", "dump"});
  for (const auto& line : Lines(said ? said->out : "")) {
    if (line.find("default_runtime_name") == std::string::npos) continue;
    if (line.find("crun") != std::string::npos) return "crun";
  }
  return "runc";
}

}  // namespace

Result<std::unique_ptr<Lab>> KubeconfigLab::Up(
    const KubeconfigLabRequest& request, Progress& progress) {
  std::unique_ptr<KubeconfigLab> lab(new KubeconfigLab);
  if (const auto up = lab->Start(request, progress); !up) {
    const auto left = RemoveFromCluster(lab->file_);
    if (up.error().kind == ErrorKind::kInterrupted) return up.error();
    return ProvisionError(fmt::format("cluster of {}: {}",
                                      request.kubeconfig.string(),
                                      up.error().what) +
                          (left ? "" : "\n  clean up: " + left.error().what));
  }
  return std::unique_ptr<Lab>(std::move(lab));
}

KubeconfigLab::~KubeconfigLab() = default;

Status KubeconfigLab::Start(const KubeconfigLabRequest& request,
                            Progress& progress) {
  file_.name = request.name;
  file_.kind = "kubeconfig";
  file_.created = TimestampUtc();
  file_.state = "starting";
  file_.owner = ProcessId::Of(::getpid());
  file_.directory = request.directory;
  file_.kubeconfig = request.directory / "kubeconfig";
  file_.api_socket = request.directory / "api.sock";
  file_.kubectl = request.kubectl;
  file_.image = request.image;
  LAB_CHECK_OK(MakeDirectories(request.directory / "logs"));
  std::filesystem::permissions(request.directory,
                               std::filesystem::perms::owner_all);
  LAB_CHECK_OK(file_.Save());
  const Stopwatch total;
  const auto reach = [&]() -> Status {
    LAB_CHECK_OK(Connect(request));
    LAB_CHECK_OK(CheckRights());
    return FindNodes();
  };
  LAB_CHECK_OK(TimedStep(file_, progress, "cluster", "seconds.cluster", reach));
  LAB_CHECK_OK(file_.Save());
  LAB_CHECK_OK(TimedStep(file_, progress, "node agents", "seconds.agents", [&] {
    return StartNodeAgents(file_, {request.name, request.image}, Kubectl(file_),
                           {{"lab-node", request.probes / "node"}});
  }));
  LAB_CHECK_OK(Measure());
  file_.facts["seconds.lab"] = fmt::format("{:.2f}", total.Seconds());
  file_.state = "up";
  return file_.Save();
}

// The chosen context alone, so that nothing later can be of another.
Status KubeconfigLab::Connect(const KubeconfigLabRequest& request) {
  std::vector<std::string> view = {
      request.kubectl.string(),
      "--kubeconfig=" + request.kubeconfig.string(),
      "config",
      "view",
      "--minify",
      "--flatten",
      "--raw"};
  if (!request.context.empty()) view.push_back("--context=" + request.context);
  LAB_TRY(const auto chosen, RunOk({.argv = view}));
  LAB_CHECK_OK(WriteFile(file_.kubeconfig, chosen, 0600));
  auto proxy = Kubectl(file_);
  // The proxy's own filter would refuse exec; its socket is the owner's only.
  proxy.insert(proxy.end(),
               {"proxy", "--unix-socket=" + file_.api_socket.string(),
                "--disable-filter=true"});
  LAB_TRY(auto process,
          Process::Start({.argv = proxy, .log = file_.LogOf("kubectl-proxy")}));
  file_.processes.push_back({"kubectl-proxy", process.id()});
  processes_.push_back(std::move(process));
  const Api api(file_.api_socket);
  std::string last = "nothing";
  json version;
  const auto answered =
      WaitUntil("the API server", Deadline::In(20s), 50ms, [&] {
        const auto said = api.Get("/version");
        if (said) version = *said;
        if (!said) last = said.error().what;
        return said.has_value();
      });
  if (!answered) return answered.error().Within("last answer: " + last);
  file_.kubernetes = version.value("gitVersion", "");
  if (file_.kubernetes.starts_with("v")) file_.kubernetes.erase(0, 1);
  return {};
}

Status KubeconfigLab::CheckRights() const {
  const Api api(file_.api_socket);
  std::vector<std::string> missing;
  for (const auto& right : kRights) {
    for (const auto& verb : Split(right.verbs, ' ')) {
      LAB_TRY(const auto answer, api.Json({.method = "POST",
                                           .path = kReviews,
                                           .body = Question(verb, right)}));
      if (answer.value("/status/allowed"_json_pointer, false)) continue;
      missing.push_back(fmt::format("{} {}{}{}", verb, right.resource,
                                    *right.group == '\0' ? "" : ".",
                                    right.group));
    }
  }
  if (missing.empty()) return {};
  return Error{"the rights do not suffice; missing, in every namespace: " +
               Join(missing, ", ")};
}

Status KubeconfigLab::FindNodes() {
  const Api api(file_.api_socket);
  LAB_TRY(const auto nodes, api.Get("/api/v1/nodes"));
  for (const auto& node : nodes.at("items")) {
    const json& meta = node.at("metadata");
    const auto labels = meta.value("labels", json::object());
    const bool control = labels.contains(kControlPlaneTaint);
    // A node that takes pods is a worker, whatever else it is.
    const bool takes = TakesPods(node);
    if (!takes && !control) continue;
    file_.nodes.push_back({.name = meta.at("name"),
                           .role = takes ? "worker" : "control-plane",
                           .address = AddressOf(node),
                           .console = {},
                           .labels = labels,
                           .login = {}});
  }
  if (file_.Workers().empty()) {
    return Error{"no node is Ready and free of taints"};
  }
  return {};
}

Status KubeconfigLab::Measure() {
  return MeasureLab(file_, [&](std::size_t worker, NodeFacts& facts) -> Status {
    const NodeShell shell(file_, file_.Workers()[worker].name);
    facts["default-runtime"] = DefaultRuntime(shell);
    return {};
  });
}

Status KubeconfigLab::Down() {
  // Cases that were cut off have not tidied up.
  if (stop::Signal() != 0) {
    const stop::Unheard cleaning;
    for (const auto& worker : file_.Workers()) {
      (void)NodeShell(file_, worker.name).RemoveAllOwnProfiles().has_value();
    }
  }
  (void)RemoveFromCluster(file_).has_value();
  for (auto& process : processes_) process.Kill();
  processes_.clear();
  return RemoveTree(file_.directory);
}

Result<std::vector<std::string>> RemoveFromCluster(const LabFile& lab) {
  std::vector<std::string> removed;
  // Nothing is made before the nodes are known.
  if (lab.nodes.empty()) return removed;
  if (!std::filesystem::exists(lab.kubeconfig)) return removed;
  // The nodes first: they are reached through what goes next.
  for (const auto& worker : lab.Workers()) {
    if (worker.login.command.empty()) continue;
    auto argv = worker.login.command;
    argv.push_back(ShellQuote(
        std::vector<std::string>{"rm", "-rf", NodeDirectory(lab.name)}));
    const auto gone = RunOk({.argv = argv, .timeout = 20s, .stoppable = false});
    if (gone) removed.push_back("files on node " + worker.name);
  }
  const std::string selector =
      fmt::format("--selector={}={}", kLabLabel, lab.name);
  LAB_TRY(const auto gone,
          Clean(lab, {"delete", "namespaces", selector, "--ignore-not-found",
                      "--wait=true", "--timeout=80s", "--output=name"}));
  for (const auto& line : Lines(gone)) removed.push_back(line);
  return removed;
}

}  // namespace lab
