// SPDX-License-Identifier: Apache-2.0
// The workflows of GitHub Actions, which nothing else here would ever read.
#include "runner/components/go_module.h"
#include "tests/lab/runner.h"

namespace lab::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Path kHome = LAB_SOURCE_DIR;

Result<Path> Actionlint() {
  LAB_TRY(const auto table, LoadComponentTable(kHome));
  LAB_TRY(const auto part, table.FindGoModule("actionlint-1.7.8"));
  LAB_TRY(const auto recipe, GoModuleRecipe(part, kHome));
  LAB_TRY(const auto root, DefaultCacheRoot());
  SilentProgress silent;
  Cache cache(root, silent, /*offline=*/false);
  LAB_TRY(const auto directory, cache.Provide(recipe));
  return directory / "actionlint";
}

// Without the linters that a machine may have besides: the verdict would
// depend on it.
Finished Check(const Path& workflow) {
  const auto actionlint = Actionlint();
  EXPECT_TRUE(actionlint) << actionlint.error().what;
  if (!actionlint) return {};
  const auto said = RunToEnd(
      {.argv = {actionlint->string(), "-shellcheck=", "-pyflakes=", "-no-color",
                "-oneline", workflow.string()},
       .directory = kHome,
       .timeout = 60s});
  EXPECT_TRUE(said) << said.error().what;
  return said ? *said : Finished();
}

TEST(Workflows, AreRight) {
  int files = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(kHome / ".github/workflows")) {
    const auto said = Check(entry.path());
    EXPECT_THAT(said.out, IsEmpty());
    EXPECT_EQ(said.ended.ToString(), "exit status 0") << said.err;
    ++files;
  }
  EXPECT_GT(files, 0);
}

TEST(Workflows, MistakesAreFound) {
  const auto said = Check(kHome / "fixtures/workflows/broken.yml");
  EXPECT_EQ(said.ended.ToString(), "exit status 1");
  EXPECT_THAT(said.out, AllOf(HasSubstr("CRON"), HasSubstr("\"wiht\""),
                              HasSubstr("\"suit\"")));
}

}  // namespace
}  // namespace lab::e2e
