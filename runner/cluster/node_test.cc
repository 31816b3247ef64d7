// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using ::testing::HasSubstr;

// A node that is reached by `way`; to it, the command is added.
NodeShell Over(std::vector<std::string> way, ProfileNames names = {}) {
  LabFile lab;
  lab.profile_names = std::move(names);
  lab.nodes = {{.name = "n",
                .role = "worker",
                .address = {},
                .console = {},
                .labels = {},
                .login = {std::move(way), {}}}};
  return NodeShell(lab, "n");
}

NodeShell Local() { return Over({"sh", "-c"}); }

TEST(NodeShell, TellsWhatTheCommandSaidAndItsStatus) {
  const auto said =
      Local().Ask({"sh", "-c", "cat; echo to-err >&2; exit 255"}, "in\n");

  ASSERT_TRUE(said) << said.error().what;
  EXPECT_EQ(said->out, "in\n");
  EXPECT_EQ(said->err, "to-err\n");
  EXPECT_EQ(said->ended.value, 255);
}

TEST(NodeShell, QuotesForTheFarShell) {
  const auto said = Local().AskOk({"printf", "%s|", "a b", "$HOME", "", "'"});

  ASSERT_TRUE(said) << said.error().what;
  EXPECT_EQ(*said, "a b|$HOME||'|");
}

TEST(NodeShell, RunsEveryCommandAndEndsAsTheLast) {
  const auto said = Local().AskEach({{"false"}, {"echo", "two"}, {"false"}});

  ASSERT_TRUE(said) << said.error().what;
  EXPECT_EQ(said->out, "two\n");
  EXPECT_EQ(said->ended.value, 1);
}

TEST(NodeShell, AWayThatFailsIsNoAnswerWhateverItsStatus) {
  for (const auto* way : {"echo no such container >&2; exit 1", "exit 0"}) {
    const auto said = Over({"sh", "-c", way}).Ask({"true"});

    ASSERT_FALSE(said) << way;
    EXPECT_THAT(said.error().what, HasSubstr("node n: true"));
  }
}

TEST(NodeShell, ACommandThatIsKilledOnTheWayIsNoAnswer) {
  const auto said = Over({"sh", "-c", "kill -9 $$"}).Ask({"true"});

  ASSERT_FALSE(said);
  EXPECT_THAT(said.error().what, HasSubstr("signal 9"));
}

TEST(NodeShell, ProfilesHaveTheNodesNamesThereAndTheDocumentsHere) {
  const auto node = Over({"sh", "-c"}, ProfileNames(".lab-1", {"lab-x"}));

  const auto length = node.AskOk({"expr", "length", "lab-x"});
  const auto echo = node.AskEach({{"echo", "lab-x"}, {"cat"}}, "lab-x\n");

  ASSERT_TRUE(length) << length.error().what;
  EXPECT_EQ(*length, "11\n");
  ASSERT_TRUE(echo) << echo.error().what;
  EXPECT_EQ(echo->out, "lab-x\nlab-x\n");
}

TEST(NodeShell, AnErrorSpeaksOfTheDocumentsNames) {
  const auto node =
      Over({"sh", "-c", "exit 1"}, ProfileNames(".lab-1", {"lab-x"}));

  const auto said = node.Ask({"echo", "lab-x"});

  ASSERT_FALSE(said);
  EXPECT_THAT(said.error().what, HasSubstr("echo lab-x: "));
}

TEST(NodeShell, ANodeWithoutAWayIsAnError) {
  const auto said = NodeShell(LabFile(), "n").Ask({"true"});

  ASSERT_FALSE(said);
  EXPECT_THAT(said.error().what, HasSubstr("no way to log in"));
}

}  // namespace
}  // namespace lab
