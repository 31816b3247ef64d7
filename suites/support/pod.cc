// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "suites/support/world.h"

namespace lab::suite {
namespace {

using nlohmann::json;

json Object(const json& parent, const char* key) {
  const auto it = parent.find(key);
  return it != parent.end() && it->is_object() ? *it : json::object();
}

json Waiting(const json& status) {
  return Object(Object(status, "state"), "waiting");
}

}  // namespace

std::string Pod::node() const {
  return Object(object, "spec").value("nodeName", "");
}

std::string Pod::uid() const {
  return Object(object, "metadata").value("uid", "");
}

std::string Pod::phase() const {
  return Object(object, "status").value("phase", "");
}

json Pod::ContainerStatus(const std::string& container) const {
  const json status = Object(object, "status");
  const json none = json::array();
  for (const char* kind : {"containerStatuses", "initContainerStatuses",
                           "ephemeralContainerStatuses"}) {
    for (const auto& one : status.value(kind, none)) {
      if (container.empty() || one.value("name", "") == container) return one;
    }
  }
  return json::object();
}

std::string Pod::ContainerId(const std::string& container) const {
  const std::string id = ContainerStatus(container).value("containerID", "");
  const auto scheme = id.find("://");
  return scheme == std::string::npos ? id : id.substr(scheme + 3);
}

std::string Pod::WaitingReason(const std::string& container) const {
  return Waiting(ContainerStatus(container)).value("reason", "");
}

std::string Pod::WaitingMessage(const std::string& container) const {
  return Waiting(ContainerStatus(container)).value("message", "");
}

bool Pod::Running() const {
  const json none = json::array();
  const json statuses =
      Object(object, "status").value("containerStatuses", none);
  if (statuses.size() != Object(object, "spec").at("containers").size()) {
    return false;
  }
  for (const auto& one : statuses) {
    if (!Object(one, "state").contains("running")) return false;
  }
  return true;
}

std::string Pod::ToString() const {
  const json status = Object(object, "status");
  std::string text = phase();
  if (!node().empty()) text += " on " + node();
  for (const char* key : {"reason", "message"}) {
    if (status.contains(key))
      text += fmt::format(", {} {}", key, status[key].dump());
  }
  const json none = json::array();
  for (const auto& one : status.value("containerStatuses", none)) {
    const json waiting = Waiting(one);
    const json ended = Object(Object(one, "state"), "terminated");
    if (!waiting.empty()) {
      text += fmt::format(", {} waits: {} ({})", one.value("name", ""),
                          waiting.value("reason", ""),
                          waiting.value("message", ""));
    } else if (!ended.empty()) {
      text += fmt::format(", {} ended: exit {}", one.value("name", ""),
                          ended.value("exitCode", 0));
    } else {
      text += ", " + one.value("name", "") + " runs";
    }
  }
  return text;
}

}  // namespace lab::suite
