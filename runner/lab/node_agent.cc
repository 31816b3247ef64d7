// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/node_agent.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/cluster/api.h"
#include "runner/cluster/marks.h"
#include "runner/cluster/node.h"
#include "runner/components/archive.h"

namespace lab {
namespace {

using nlohmann::json;

constexpr char kAgent[] = "node-agent";
constexpr char kDaemonSets[] = "/apis/apps/v1/namespaces/{}/daemonsets";
constexpr char kPodsWatch[] =
    "/api/v1/namespaces/{}/pods?watch=1&labelSelector=app%3Dnode-agent";

json Labels(const std::string& lab) { return {{kLabLabel, lab}}; }

// Why a pod does not run, in the words of the kubelet.
std::string Describe(const json& pod) {
  const auto statuses =
      pod.value("/status/containerStatuses"_json_pointer, json::array());
  std::string text = fmt::format(
      "{} on {}: {}", pod["metadata"].value("name", ""),
      pod["spec"].value("nodeName", "no node"),
      pod.value("/status/phase"_json_pointer, std::string("Pending")));
  for (const auto& status : statuses) {
    const auto waiting =
        status.value("/state/waiting"_json_pointer, json::object());
    if (waiting.empty()) continue;
    text += fmt::format(" ({}: {})", waiting.value("reason", ""),
                        waiting.value("message", ""));
  }
  return text;
}

bool OnWorker(const LabFile& lab, const json& pod) {
  const auto workers = lab.Workers();
  return std::any_of(workers.begin(), workers.end(), [&](const LabNode& node) {
    return node.name == pod["spec"].value("nodeName", "");
  });
}

// A kubelet goes on trying, and the person would wait in vain.
bool IsHopeless(const json& pod) {
  for (const auto& status :
       pod.value("/status/containerStatuses"_json_pointer, json::array())) {
    const auto why =
        status.value("/state/waiting/reason"_json_pointer, std::string());
    if (why == "ImagePullBackOff" || why == "InvalidImageName") return true;
  }
  return false;
}

Status AwaitPods(LabFile& lab, const NodeAgentRequest& request,
                 const std::vector<std::string>& kubectl) {
  std::size_t missing = lab.Workers().size();
  bool hopeless = false;
  const auto take = [&](const json& pod) {
    if (pod.value("/status/phase"_json_pointer, std::string()) != "Running") {
      return;
    }
    const std::string node = pod["spec"].value("nodeName", "");
    for (auto& known : lab.nodes) {
      if (known.name != node || known.role != "worker" ||
          !known.login.command.empty()) {
        continue;
      }
      known.login =
          AgentLogin(kubectl, request.lab, pod["metadata"].value("name", ""));
      --missing;
    }
  };
  const Api api(lab.api_socket);
  LAB_TRY(const auto last,
          api.Watch({.path = fmt::format(kPodsWatch, request.lab),
                     .what = "a node agent on every worker",
                     .timeout = 120s,
                     .done =
                         [&](const std::string&, const json& pod) {
                           take(pod);
                           hopeless = OnWorker(lab, pod) && IsHopeless(pod);
                           return missing == 0 || hopeless;
                         },
                     .describe = Describe}));
  if (!hopeless) return {};
  return Error{fmt::format(
      "{}\n  --image names an image that the nodes have or can pull, with "
      "busybox and the probes (docs/kubeconfig-lab.md)",
      Describe(last))};
}

}  // namespace

std::string NodeAgentNamespace(const NodeAgentRequest& request) {
  json labels = Labels(request.lab);
  // A cluster's defaults may be stricter than what the agent is.
  labels["pod-security.kubernetes.io/enforce"] = "privileged";
  return json{{"metadata", {{"name", request.lab}, {"labels", labels}}}}.dump();
}

std::string NodeAgentDaemonSet(const NodeAgentRequest& request) {
  const json selector = {{"app", kAgent}};
  json labels = Labels(request.lab);
  labels.update(selector);
  const json container = {{"name", kAgent},
                          {"image", request.image},
                          {"imagePullPolicy", "IfNotPresent"},
                          {"command", {"sleep", "2147483647"}},
                          {"securityContext", {{"privileged", true}}}};
  const json pod = {{"hostPID", true},
                    {"hostNetwork", true},
                    {"automountServiceAccountToken", false},
                    {"terminationGracePeriodSeconds", 0},
                    {"containers", {container}}};
  return json{
      {"metadata", {{"name", kAgent}, {"labels", Labels(request.lab)}}},
      {"spec",
       {{"selector", {{"matchLabels", selector}}},
        {"template", {{"metadata", {{"labels", labels}}}, {"spec", pod}}}}}}
      .dump();
}

NodeLogin AgentLogin(const std::vector<std::string>& kubectl,
                     const std::string& lab, const std::string& pod) {
  const std::vector<std::string> into = {
      "--namespace", lab, pod, "--",
      // The mount namespace of the node's first process is the node's.
      "nsenter", "-t", "1", "-m", "--", "/usr/bin/env",
      "PATH=" + NodeDirectory(lab) +
          ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "sh", "-c"};
  NodeLogin login{kubectl, kubectl};
  login.command.insert(login.command.end(), {"exec", "--stdin"});
  login.terminal.insert(login.terminal.end(), {"exec", "--stdin", "--tty"});
  for (auto* argv : {&login.command, &login.terminal}) {
    argv->insert(argv->end(), into.begin(), into.end());
  }
  return login;
}

Status StartNodeAgents(LabFile& lab, const NodeAgentRequest& request,
                       const std::vector<std::string>& kubectl,
                       const std::map<std::string, Path>& programs) {
  const Api api(lab.api_socket);
  LAB_TRY(const auto space, api.Json({.method = "POST",
                                      .path = "/api/v1/namespaces",
                                      .body = NodeAgentNamespace(request)}));
  LAB_TRY(const auto set,
          api.Json({.method = "POST",
                    .path = fmt::format(kDaemonSets, request.lab),
                    .body = NodeAgentDaemonSet(request)}));
  LAB_CHECK_OK(AwaitPods(lab, request, kubectl));
  // Whoever cleans up after a kill needs the way onto the nodes.
  LAB_CHECK_OK(lab.Save());
  LAB_TRY(const auto tar, PackTar([&](ArchiveWriter& writer) -> Status {
            for (const auto& [name, path] : programs) {
              LAB_CHECK_OK(writer.AddFileFrom(name, path, 0755));
            }
            return {};
          }));
  const std::string directory = NodeDirectory(request.lab);
  for (const auto& worker : lab.Workers()) {
    const NodeShell shell(lab, worker.name);
    LAB_TRY(const auto made, shell.AskOk({"mkdir", "-p", directory}));
    LAB_TRY(const auto placed,
            shell.AskOk({"tar", "-x", "-C", directory, "-f", "-"}, tar));
  }
  return {};
}

}  // namespace lab
