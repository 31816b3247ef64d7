// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/podman.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using ::testing::HasSubstr;

TEST(Podman, ALabsOwnConfigNamesARuntimeThatCanBeStarted) {
  const auto dir = TempDir::In("/tmp", "podman test-");
  ASSERT_TRUE(dir) << dir.error().what;

  const auto config =
      WritePodmanConfig(dir->path(), {"/bin/echo", "it's", "--"});

  ASSERT_TRUE(config) << config.error().what;
  const Path runtime = dir->path() / "podman" / "runtime";
  const auto text = ReadFile(*config).value_or("");
  EXPECT_THAT(text, HasSubstr("runtime = \"lab\"\n"));
  EXPECT_THAT(text, HasSubstr("lab = [\"" + runtime.string() + "\"]\n"));
  const auto said = RunOk({.argv = {runtime.string(), "create", "a b"}});
  ASSERT_TRUE(said) << said.error().what;
  EXPECT_EQ(*said, "it's -- create a b\n");
}

}  // namespace
}  // namespace lab
