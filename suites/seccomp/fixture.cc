// SPDX-License-Identifier: Apache-2.0
#include "suites/seccomp/fixture.h"

#include <algorithm>

#include "runner/base/text.h"
#include "runner/cluster/yaml.h"

namespace lab::suite {
namespace {

using nlohmann::json;

constexpr const char* kConfig = "/var/lib/kubelet/config.yaml";
constexpr const char* kFlag = "--seccomp-default";

// The last one counts.
std::string FlagOf(const std::vector<std::string>& argv) {
  std::string value;
  for (const auto& argument : argv) {
    if (argument == kFlag) value = "true";
    const std::string with = std::string(kFlag) + "=";
    if (argument.starts_with(with)) value = argument.substr(with.size());
  }
  return value;
}

// In one round trip: the command line of every kubelet, a line each, with NUL
// between its arguments; then the node's file.
constexpr const char* kAskKubelets =
    "for pid in $(pidof kubelet); do cat /proc/$pid/cmdline && echo; done; "
    "echo ---; exec cat \"$0\"";

struct Kubelet {
  std::vector<std::string> argv;
  std::string config;
};

// The kubelet that is the node's: other cases start kubelets that only read
// their flags (World::KubeletSays).
Kubelet KubeletOf(const NodeShell& node) {
  const std::string other = std::string("--config=") + kNoKubeletConfig;
  const auto said = Must(node.AskOk({"sh", "-c", kAskKubelets, kConfig}));
  const auto mark = said.find("---\n");
  Kubelet kubelet;
  kubelet.config = said.substr(mark + 4);
  for (const auto& line : Lines(said.substr(0, mark))) {
    const auto argv = Split(line, '\0');
    const bool passing =
        std::find(argv.begin(), argv.end(), other) != argv.end();
    if (!line.empty() && !passing) kubelet.argv = argv;
  }
  if (kubelet.argv.empty()) {
    Must(Status(Error{"node " + node.node() + ": no kubelet runs"}));
  }
  return kubelet;
}

NodeShell OneOf(const std::vector<NodeShell>& nodes) {
  return nodes.at(std::hash<std::string>()(CaseId()) % nodes.size());
}

}  // namespace

bool Seccomp::DefaultsOn(const NodeShell& node) const {
  const auto kubelet = KubeletOf(node);
  const std::string flag = FlagOf(kubelet.argv);
  const json config = Must(ParseYaml(kubelet.config, kConfig));
  const bool on = flag.empty() ? config.value("seccompDefault", false)
                               : flag == "true" || flag == "1";
  Evidence(Kind::kNode, node.node() + ": the kubelet's SeccompDefault is " +
                            (on ? "on" : "off") + ", by its " +
                            (flag.empty() ? "configuration" : "flag"));
  return on;
}

NodeShell Seccomp::NodeWithDefault(bool on) const {
  std::vector<NodeShell> nodes;
  for (const auto& node : world.Workers()) {
    if (DefaultsOn(node) == on) nodes.push_back(node);
  }
  Require(!nodes.empty(),
          on ? "seccomp-default-off: no kubelet of this lab has SeccompDefault "
               "on; leave out --config, or take "
               "kind-configs/seccomp-default.yaml"
             : "seccomp-default-on: every kubelet of this lab has "
               "SeccompDefault on; leave out --config, or take "
               "kind-configs/default.yaml");
  return nodes.front();
}

std::string Seccomp::Refusal(const Pod& pod) {
  const json status = pod.ContainerStatus();
  for (const char* state : {"/lastState/terminated", "/state/terminated"}) {
    const auto ended = status.value(json::json_pointer(state), json::object());
    if (const auto said = ended.value("message", ""); !said.empty()) {
      return said;
    }
  }
  const auto reason = pod.WaitingReason();
  return reason == "CreateContainerError" || reason == "RunContainerError"
             ? pod.WaitingMessage()
             : "";
}

Seccomp::Rollout Seccomp::ClaimNilOnBoth() {
  const auto on = NodeWithDefault(true);
  const auto off = NodeWithDefault(false);
  const auto placed = Apply("nil.yaml", on);
  json elsewhere = world.Manifest("seccomp/nil.yaml");
  elsewhere["metadata"]["name"] = "nil-elsewhere";
  elsewhere["spec"]["nodeName"] = off.node();
  const auto made = world.Submit(elsewhere);
  if (!made.accepted()) Must(Status(Error{made.message()}));
  const Pod control = {"nil-elsewhere", made.object, true};
  return {Claim(world.AwaitRunning(placed)),
          Claim(world.AwaitRunning(control))};
}

NodeShell Seccomp::AnyNode() const { return OneOf(world.Workers()); }

}  // namespace lab::suite
