// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/container_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

const ContainerEngine kDocker({"docker", "unix:///d.sock"});
const ContainerEngine kPodman({"podman", ""});
const ContainerEngine kOwnPodman({"podman", "/lab/containers.conf"});

TEST(ContainerEngine, SaysToEachCommandWhereItGoes) {
  EXPECT_THAT(kDocker.Argv({"ps", "--all"}),
              ElementsAre("docker", "--host", "unix:///d.sock", "ps", "--all"));
  EXPECT_THAT(kPodman.Argv({"ps"}), ElementsAre("podman", "ps"));
  EXPECT_THAT(kOwnPodman.Argv({"ps"}),
              ElementsAre("env", "CONTAINERS_CONF=/lab/containers.conf",
                          "podman", "ps"));
}

TEST(ContainerEngine, LeadsOntoANodeTheSameWay) {
  const auto login = kOwnPodman.LoginTo("lab-worker");
  EXPECT_THAT(
      login.command,
      ElementsAre("env", "CONTAINERS_CONF=/lab/containers.conf", "podman",
                  "exec", "--interactive", "lab-worker", "sh", "-c"));
  EXPECT_THAT(login.terminal, ::testing::Contains("--tty"));
}

TEST(ContainerEngine, TellsKindTheSameInItsEnvironment) {
  EXPECT_THAT(
      kDocker.KindEnvironment("net"),
      UnorderedElementsAre(Pair("KIND_EXPERIMENTAL_PROVIDER", "docker"),
                           Pair("KIND_EXPERIMENTAL_DOCKER_NETWORK", "net"),
                           Pair("DOCKER_HOST", "unix:///d.sock")));
  EXPECT_THAT(
      kPodman.KindEnvironment("net"),
      UnorderedElementsAre(Pair("KIND_EXPERIMENTAL_PROVIDER", "podman"),
                           Pair("KIND_EXPERIMENTAL_PODMAN_NETWORK", "net")));
  EXPECT_THAT(
      kOwnPodman.KindEnvironment("net"),
      ::testing::Contains(Pair("CONTAINERS_CONF", "/lab/containers.conf")));
}

TEST(ContainerEngine, KnowsKindsNodesByName) {
  EXPECT_TRUE(IsNodeOf("one", "one-control-plane"));
  EXPECT_TRUE(IsNodeOf("one", "one-worker12"));
  EXPECT_TRUE(IsNodeOf("one", "one-external-load-balancer"));
  // Those of clusters "one-worker" and "someone".
  EXPECT_FALSE(IsNodeOf("one", "one-worker-control-plane"));
  EXPECT_FALSE(IsNodeOf("one", "someone-worker"));
  EXPECT_FALSE(IsNodeOf("one", "one"));
}

TEST(ContainerEngine, TheProviderIsTheOneThatKindWouldTake) {
  ::unsetenv("KIND_EXPERIMENTAL_PROVIDER");
  EXPECT_EQ(WantedProvider(), "docker");
  const std::map<std::string, std::string> cases = {{"docker", "docker"},
                                                    {"podman", "podman"},
                                                    {"nerdctl", "nerdctl"},
                                                    {"finch", "finch"},
                                                    {"of-tomorrow", "docker"}};
  for (const auto& [said, taken] : cases) {
    ::setenv("KIND_EXPERIMENTAL_PROVIDER", said.c_str(), 1);
    EXPECT_EQ(WantedProvider(), taken);
  }
  ::unsetenv("KIND_EXPERIMENTAL_PROVIDER");
}

TEST(ContainerEngine, NerdctlIsRefusedForTheNetwork) {
  EXPECT_FALSE(WhyNoProvider("docker"));
  EXPECT_FALSE(WhyNoProvider("podman"));
  const auto lack = WhyNoProvider("nerdctl");
  ASSERT_TRUE(lack);
  EXPECT_THAT(lack->why, HasSubstr("KIND_EXPERIMENTAL_PROVIDER=nerdctl"));
  EXPECT_THAT(lack->why, HasSubstr("network"));
  EXPECT_THAT(lack->mend, HasSubstr("unset KIND_EXPERIMENTAL_PROVIDER"));
}

}  // namespace
}  // namespace lab
