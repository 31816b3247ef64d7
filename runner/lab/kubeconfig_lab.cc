// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/kubeconfig_lab.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/cluster/api.h"
#include "runner/cluster/node.h"
#include "runner/cluster/yaml.h"
#include "runner/lab/cluster_cleaning.h"
#include "runner/lab/cluster_rights.h"
#include "runner/lab/node_agent.h"
#include "runner/lab/node_facts.h"

namespace lab {
namespace {

using nlohmann::json;

constexpr char kControlPlaneTaint[] = "node-role.kubernetes.io/control-plane";

std::vector<std::string> Kubectl(const LabFile& lab) {
  return {lab.kubectl.string(), "--kubeconfig=" + lab.kubeconfig.string()};
}

// Pods of a run go there: Ready, with no taint that keeps them away, and of the
// kind that the probes are built for.
bool TakesPods(const json& node) {
  const json info = node.value("/status/nodeInfo"_json_pointer, json::object());
  if (info.value("operatingSystem", "") != "linux" ||
      info.value("architecture", "") != "amd64") {
    return false;
  }
  if (node.value("/spec/unschedulable"_json_pointer, false)) return false;
  for (const auto& taint :
       node.value("/spec/taints"_json_pointer, json::array())) {
    if (taint.value("effect", "") != "PreferNoSchedule") return false;
  }
  return IsReady(node);
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

// Of a kubeconfig with one context.
std::string ServerIn(const std::string& kubeconfig) {
  const auto parsed = ParseYaml(kubeconfig, "kubeconfig");
  return parsed ? parsed->value("/clusters/0/cluster/server"_json_pointer,
                                std::string())
                : "";
}

}  // namespace

Result<std::unique_ptr<Lab>> KubeconfigLab::Up(
    const KubeconfigLabRequest& request, Progress& progress) {
  std::unique_ptr<KubeconfigLab> lab(new KubeconfigLab);
  if (const auto up = lab->Start(request, progress); !up) {
    auto error = up.error();
    if (const auto ended = lab->End(); !ended) {
      error.what += "\n  " + ended.error().what;
    }
    if (error.kind == ErrorKind::kInterrupted) return error;
    return ProvisionError(fmt::format("cluster of {}: {}",
                                      request.kubeconfig.string(), error.what));
  }
  return std::unique_ptr<Lab>(std::move(lab));
}

KubeconfigLab::~KubeconfigLab() = default;

Status KubeconfigLab::Start(const KubeconfigLabRequest& request,
                            Progress& progress) {
  LAB_CHECK_OK(BeginLab(request.name, request.directory, file_));
  file_.kind = "kubeconfig";
  file_.kubectl = request.kubectl;
  file_.image = request.image;
  LAB_TRY(file_.profile_names,
          ProfileNames::MarkAnew(request.home / "profiles" / "apparmor"));
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
  LAB_TRY(auto proxy, StartApiProxy(file_));
  file_.processes.push_back({"kubectl-proxy", proxy.id()});
  processes_.push_back(std::move(proxy));
  const auto version =
      Api(file_.api_socket).Json({.path = "/version", .timeout = 20s});
  if (!version) {
    return version.error().Within("API server " + ServerIn(chosen));
  }
  file_.kubernetes = version->value("gitVersion", "");
  if (file_.kubernetes.starts_with("v")) file_.kubernetes.erase(0, 1);
  return {};
}

Status KubeconfigLab::CheckRights() const {
  LAB_TRY(const auto missing,
          MissingRights(Api(file_.api_socket), NeededRights()));
  if (missing.empty()) return {};
  std::vector<std::string> told;
  for (const auto& right : missing) told.push_back(right.ToString());
  return Error{
      "the rights do not suffice; missing, in every namespace: " +
      Join(told, ", ") +
      "\n  examples/kubeconfig-lab/role.yaml grants all that are needed"};
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
    return Error{"no node is Ready, free of taints, and linux/amd64"};
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

Status KubeconfigLab::End() {
  const auto removed = RemoveFromCluster(file_);
  for (auto& process : processes_) process.Kill();
  processes_.clear();
  if (removed) return {};
  file_.state = kLeftState;
  (void)file_.Save().has_value();
  return removed.error();
}

Status KubeconfigLab::Down() {
  LAB_CHECK_OK(End());
  return RemoveTree(file_.directory);
}

}  // namespace lab
