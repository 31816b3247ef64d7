// SPDX-License-Identifier: Apache-2.0
#include "suites/seccomp/fixture.h"

#include "runner/cluster/kubelet.h"
#include "runner/cluster/yaml.h"

namespace lab::suite {
namespace {

using nlohmann::json;

NodeShell OneOf(const std::vector<NodeShell>& nodes) {
  return nodes.at(std::hash<std::string>()(CaseId()) % nodes.size());
}

}  // namespace

bool Seccomp::DefaultsOn(const NodeShell& node) const {
  const auto flag = FlagOf(Must(KubeletArguments(node)), "seccomp-default");
  const json config = Must(
      ParseYaml(Must(node.AskOk({"cat", kKubeletConfig})), kKubeletConfig));
  const bool on = flag ? *flag == "true" || *flag == "1"
                       : config.value("seccompDefault", false);
  Evidence(Kind::kNode, node.node() + ": the kubelet's SeccompDefault is " +
                            (on ? "on" : "off") + ", by its " +
                            (flag ? "flag" : "configuration"));
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
