// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/node_agent.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runner/cluster/marks.h"

namespace lab {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::StartsWith;

const NodeAgentRequest kRequest = {"run-1", "registry.example/busybox:1"};

TEST(NodeAgent, EverythingCarriesTheLabsName) {
  const json space = json::parse(NodeAgentNamespace(kRequest));
  const json set = json::parse(NodeAgentDaemonSet(kRequest));
  EXPECT_EQ(space["metadata"]["name"], "run-1");
  EXPECT_EQ(space["metadata"]["labels"][kLabLabel], "run-1");
  EXPECT_EQ(set["metadata"]["labels"][kLabLabel], "run-1");
  EXPECT_EQ(set["spec"]["template"]["metadata"]["labels"][kLabLabel], "run-1");
}

// Else a cluster with stricter defaults refuses the agent.
TEST(NodeAgent, ItsNamespaceAllowsIt) {
  const json space = json::parse(NodeAgentNamespace(kRequest));
  EXPECT_EQ(space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"],
            "privileged");
}

TEST(NodeAgent, RunsTheGivenImageInTheNodesProcessNamespace) {
  const json pod =
      json::parse(NodeAgentDaemonSet(kRequest))["spec"]["template"]["spec"];
  EXPECT_EQ(pod["hostPID"], true);
  EXPECT_EQ(pod["automountServiceAccountToken"], false);
  EXPECT_EQ(pod["containers"][0]["image"], kRequest.image);
  EXPECT_EQ(pod["containers"][0]["securityContext"]["privileged"], true);
}

TEST(NodeAgent, LoginEntersTheNodeAndEndsInItsShell) {
  const auto login = AgentLogin({"kubectl", "--kubeconfig=k"}, "run-1", "a-x");
  EXPECT_THAT(login.command,
              ElementsAre("kubectl", "--kubeconfig=k", "exec", "--stdin",
                          "--namespace", "run-1", "a-x", "--", "nsenter", "-t",
                          "1", "-m", "--", "/usr/bin/env",
                          StartsWith("PATH=/var/lib/confinement-lab/run-1:"),
                          "sh", "-c"));
  EXPECT_THAT(login.terminal, Contains("--tty"));
}

}  // namespace
}  // namespace lab
