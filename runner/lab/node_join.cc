// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/node_join.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "runner/cluster/api.h"
#include "runner/cluster/node.h"
#include "runner/kernel/features.h"

namespace lab {
namespace {

using nlohmann::json;

std::string ReadyCondition(const json& node) {
  const json none = json::array();
  const json status = node.value("status", json::object());
  for (const auto& condition : status.value("conditions", none)) {
    if (condition.value("type", "") != "Ready") continue;
    if (condition.value("status", "") == "True") return "Ready";
    return condition.value("message", "not Ready");
  }
  return "registered";
}

// runc tells what it is linked with; Debian's crun takes the same library.
std::string LibseccompIn(const std::string& runc_version) {
  for (const auto& line : Lines(runc_version)) {
    if (line.starts_with("libseccomp:")) {
      return std::string(Trim(line.substr(line.find(':') + 1)));
    }
  }
  return "";
}

}  // namespace

Result<Process> ConnectSsh(const LabFile& lab, const std::string& node) {
  return Process::Start({.argv = {"ssh", "-F", lab.SshConfig().string(), "-o",
                                  "ControlMaster=yes", "-N", node},
                         .log = lab.directory / "logs" / "ssh.log"});
}

Status AwaitSsh(const LabFile& lab, Duration time) {
  return WaitUntil(
      "ssh connection to every node", Deadline::In(time), 20ms, [&] {
        for (const auto& node : lab.Workers()) {
          if (!std::filesystem::exists(lab.directory / (node.name + ".ssh"))) {
            return false;
          }
        }
        return true;
      });
}

Status NodeJoin::Adopt(const std::string& node) {
  const Api api(lab_.api_socket);
  json labels = json::object();
  std::string address;
  for (const auto& known : lab_.Workers()) {
    if (known.name == node) address = known.address;
  }
  for (const auto& worker : shape_.workers) {
    if (worker.name == node) labels = worker.labels;
  }
  LAB_TRY(const auto status,
          api.Patch("/api/v1/nodes/" + node + "/status",
                    {{"status",
                      {{"addresses",
                        {{{"type", "InternalIP"}, {"address", address}},
                         {{"type", "Hostname"}, {"address", node}}}}}}}));
  LAB_TRY(const auto spec, api.Patch("/api/v1/nodes/" + node,
                                     {{"metadata", {{"labels", labels}}},
                                      {"spec", {{"taints", nullptr}}}}));
  LAB_TRY(auto connection, ConnectSsh(lab_, node));
  connections_.push_back(std::move(connection));
  return {};
}

Status NodeJoin::Continue(Duration time) {
  const Api api(lab_.api_socket);
  const Stopwatch watch;
  Status adopting;
  const auto all_ready = [&](const std::string& type, const json& object) {
    if (type != "ADDED" && type != "MODIFIED") return false;
    const std::string name = object.at("metadata").value("name", "");
    seen_[name] = ReadyCondition(object);
    if (adopted_.insert(name).second) {
      adopting = Adopt(name);
      if (!adopting) return true;
    }
    std::size_t ready = 0;
    for (const auto& [node, state] : seen_) ready += state == "Ready" ? 1 : 0;
    return ready == lab_.Workers().size();
  };
  const auto describe = [&](const json&) {
    std::vector<std::string> parts;
    for (const auto& [node, state] : seen_) parts.push_back(node + " " + state);
    return Join(parts, ", ");
  };
  LAB_TRY(const auto last, api.Watch({.path = "/api/v1/nodes?watch=1",
                                      .what = "all nodes to be Ready",
                                      .timeout = time,
                                      .done = all_ready,
                                      .describe = describe}));
  LAB_CHECK_OK(adopting);
  const auto left = time - Duration(static_cast<int>(watch.Seconds() * 1000));
  return AwaitSsh(lab_, std::max<Duration>(left, 1s));
}

std::vector<Process> NodeJoin::TakeConnections() {
  return std::exchange(connections_, {});
}

Result<NodeFacts> MeasureNode(const LabFile& lab, const std::string& node) {
  const NodeShell shell(lab, node);
  LAB_TRY(const auto said, shell.AskOk({"lab-node", "facts"}));
  const auto facts = json::parse(said, nullptr, false);
  if (!facts.is_object()) {
    return Error{fmt::format("node {}: no facts: {}", node, said)};
  }
  LAB_TRY(const auto crun, shell.AskOk({"crun", "--version"}));
  LAB_TRY(const auto runc, shell.AskOk({"runc", "--version"}));
  LAB_TRY(const auto parser, shell.AskOk({"apparmor_parser", "--version"}));
  const auto first_line = [](const std::string& text) {
    return Lines(text).empty() ? "" : Lines(text).front();
  };
  const Api api(lab.api_socket);
  LAB_TRY(const auto object, api.Get("/api/v1/nodes/" + node));
  const json info = object.at("status").at("nodeInfo");
  const std::string features = facts.value("apparmor-features", "");
  return NodeFacts{{"kernel", facts.value("kernel", "")},
                   {"architecture", facts.value("machine", "")},
                   {"lsm", facts.value("lsm", "")},
                   {"apparmor", facts.value("apparmor-enabled", "")},
                   {"apparmor-features",
                    features.empty() ? "none" : FeaturesDigest(features)},
                   {"apparmor-parser", first_line(parser)},
                   {"crun", first_line(crun)},
                   {"runc", first_line(runc)},
                   {"libseccomp", LibseccompIn(runc)},
                   {"kubelet", info.value("kubeletVersion", "")},
                   {"runtime", info.value("containerRuntimeVersion", "")},
                   {"os", info.value("osImage", "")}};
}

}  // namespace lab
