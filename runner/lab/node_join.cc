// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/node_join.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/cluster/api.h"
#include "runner/lab/ssh_access.h"

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

}  // namespace

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

}  // namespace lab
