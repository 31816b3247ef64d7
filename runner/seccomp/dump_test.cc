// SPDX-License-Identifier: Apache-2.0
#include "runner/seccomp/dump.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

namespace lab::seccomp {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;

const std::string kProcess =
    R"({"pid":7,"comm":"sh","kernel":"6.12.1","seccomp":"2",)"
    R"("no-new-privs":"1","capabilities":"0000000000000021"})";
const std::string kDeny =
    R"({"filter":0,"log":0,"program":"0006000000050001"})";
const std::string kLog = R"({"filter":1,"log":1,"program":"000600007fff0000"})";

Dump Parsed(const std::string& lines) {
  const auto dump = ParseFilters(lines, "process 7");
  EXPECT_TRUE(dump) << (dump ? "" : dump.error().what);
  return dump.value_or({});
}

TEST(Dump, IsReadFromTheNode) {
  const Dump dump = Parsed(kProcess + "\n" + kDeny + "\n" + kLog + "\n");

  EXPECT_EQ(dump.pid, 7);
  EXPECT_EQ(dump.command, "sh");
  EXPECT_EQ(dump.kernel, "6.12.1");
  EXPECT_TRUE(dump.no_new_privileges);
  EXPECT_EQ(dump.capabilities,
            (std::set<std::string>{"CAP_CHOWN", "CAP_KILL"}));
  ASSERT_EQ(dump.filters.size(), 2U);
  EXPECT_FALSE(dump.filters[0].log);
  EXPECT_TRUE(dump.filters[1].log);
  EXPECT_EQ(dump.filters[0].program, (Program{{0x06, 0, 0, 0x00050001}}));
}

TEST(Dump, OfStrictModeIsAnError) {
  std::string strict = kProcess;
  strict.replace(strict.find(R"("seccomp":"2")"), 13, R"("seccomp":"1")");

  const auto dump = ParseFilters(strict, "process 7");

  ASSERT_FALSE(dump);
  EXPECT_THAT(dump.error().what, HasSubstr("strict"));
}

TEST(Dump, OfNonsenseIsAnError) {
  for (const std::string lines :
       {"", "{", "{}", R"({"filter":0,"log":0,"program":"00"})",
        R"({"filter":0,"log":0,"program":"0000000000000000"})"}) {
    EXPECT_FALSE(ParseFilters(lines, "process 7")) << lines;
  }
}

TEST(Dump, SurvivesItsFile) {
  const Dump dump = Parsed(kProcess + "\n" + kDeny + "\n" + kLog + "\n");
  const auto view = ViewOf(dump.programs());
  ASSERT_TRUE(view);

  const std::string text = ToJson(dump, *view).dump();
  const auto read = DumpFromJson(text, "file");

  EXPECT_TRUE(LooksLikeDump(text));
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->programs(), dump.programs());
  EXPECT_EQ(read->capabilities, dump.capabilities);
  EXPECT_TRUE(read->filters[1].log);
}

TEST(Dump, TheFileTellsTheFateOfEveryCall) {
  const Dump dump = Parsed(kProcess + "\n" + kDeny + "\n");
  const auto file = ToJson(dump, *ViewOf(dump.programs()));

  EXPECT_THAT(
      file.at("architectures").at(0).at("calls"),
      Contains(nlohmann::json{
          {"name", "chmod"}, {"number", 90}, {"outcome", "errno 1 (EPERM)"}}));
}

TEST(Dump, AProfileIsNoDump) {
  EXPECT_FALSE(LooksLikeDump(R"({"defaultAction": "SCMP_ACT_ALLOW"})"));
  EXPECT_FALSE(LooksLikeDump("nonsense"));
  EXPECT_FALSE(DumpFromJson(R"({"seccomp-dump": 2})", "file"));
}

}  // namespace
}  // namespace lab::seccomp
