// SPDX-License-Identifier: Apache-2.0
#include "runner/report/columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/report/display.h"

namespace lab {
namespace {

using ::testing::ElementsAre;

const std::vector<std::vector<std::string>> kRows = {
    {"a.long-id", "S0-1", "one two three four five six seven eight nine ten"},
    {"b.id", "S0-2,S0-3", "short"}};

TEST(Columns, APipeGetsOneLineForEachRow) {
  EXPECT_THAT(
      ColumnLines(kRows, 0),
      ElementsAre("a.long-id  S0-1       one two three four five six seven "
                  "eight nine ten",
                  "b.id       S0-2,S0-3  short"));
}

TEST(Columns, TheLastOneIsWrappedBelowItself) {
  EXPECT_THAT(ColumnLines(kRows, 62),
              ElementsAre("a.long-id  S0-1       one two three four five six "
                          "seven eight",
                          "                      nine ten",
                          "b.id       S0-2,S0-3  short"));
}

TEST(Columns, WithoutRoomTheLastOneGoesBelowTheOthers) {
  EXPECT_THAT(
      ColumnLines(kRows, 40),
      ElementsAre("a.long-id  S0-1", "    one two three four five six seven",
                  "    eight nine ten", "b.id       S0-2,S0-3", "    short"));
}

TEST(Columns, NoLineIsLongerThanTheTerminal) {
  for (int columns = 20; columns < 140; ++columns) {
    for (const auto& line : ColumnLines(kRows, columns)) {
      EXPECT_LE(DisplayWidth(line), columns) << line;
    }
  }
}

TEST(Columns, ALabelStandsBeforeItsText) {
  EXPECT_THAT(Labelled("why: ", "one two three", 12),
              ElementsAre("why: one two", "     three"));
  EXPECT_THAT(Labelled("why: ", "one two three", 0),
              ElementsAre("why: one two three"));
}

}  // namespace
}  // namespace lab
