// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/kubelet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using ::testing::ElementsAre;

// A "node" whose commands run here, by a shell with this PATH.
LabFile NodeWith(const Path& programs) {
  LabFile lab;
  lab.nodes = {
      {.name = "n",
       .role = "worker",
       .address = {},
       .console = {},
       .labels = {},
       .login = {
           {"env", "PATH=" + programs.string() + ":/usr/bin:/bin", "sh", "-c"},
           {}}}};
  return lab;
}

Status WriteProgram(const Path& file, const std::string& text) {
  LAB_CHECK_OK(WriteFile(file, "#!/bin/sh\n" + text));
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  return {};
}

TEST(Kubelet, ThatOfTheNodeIsToldFromOnesThatOnlyReadTheirFlags) {
  const auto programs = TempDir::In(testing::TempDir(), "kubelet-");
  ASSERT_TRUE(programs);
  ASSERT_TRUE(WriteProgram(programs->path() / "pidof", "echo 7 8 9"));
  ASSERT_TRUE(WriteProgram(
      programs->path() / "cat",
      "case $1 in\n"
      "/proc/7/cmdline) exit 1;;\n"
      "/proc/8/cmdline) printf 'kubelet\\0--config=/lab/no-such-config.yaml"
      "\\0--seccomp-default\\0';;\n"
      "/proc/9/cmdline) printf 'kubelet\\0--config=/c\\0--labels=\\0-n\\0';;\n"
      "esac"));

  const auto argv =
      KubeletArguments(NodeShell(NodeWith(programs->path()), "n"));

  ASSERT_TRUE(argv) << argv.error().what;
  EXPECT_THAT(*argv, ElementsAre("kubelet", "--config=/c", "--labels=", "-n"));
}

TEST(Flags, TheLastOneCounts) {
  const std::vector<std::string> argv = {"kubelet", "--v",  "4",       "--on",
                                         "--v=5",   "--on", "--empty="};
  EXPECT_EQ(FlagOf(argv, "v"), "5");
  EXPECT_EQ(FlagOf(argv, "on"), "true");
  EXPECT_EQ(FlagOf(argv, "empty"), "");
  EXPECT_EQ(FlagOf(argv, "o"), std::nullopt);
  EXPECT_EQ(FlagOf({"kubelet", "--v", "4"}, "v"), "4");
}

}  // namespace
}  // namespace lab
