// SPDX-License-Identifier: Apache-2.0
#include "runner/report/display.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using ::testing::ElementsAre;

TEST(OneLine, MakesForeignTextHarmless) {
  EXPECT_EQ(OneLine("a\nb\tc"), "a b c");
  EXPECT_EQ(OneLine("\x1b[2J"), "\uFFFD[2J");
  EXPECT_EQ(OneLine("\u009b2J\x7f"), "\uFFFD2J\uFFFD");
  EXPECT_EQ(OneLine("\u202Etxt\u2028"), "\uFFFDtxt\uFFFD");
  EXPECT_EQ(OneLine("\xff"), "\uFFFD");
  EXPECT_EQ(OneLine("h\u00e9 \u2713"), "h\u00e9 \u2713");
}

TEST(DisplayWidth, CountsColumnsNotBytes) {
  EXPECT_EQ(DisplayWidth(""), 0);
  EXPECT_EQ(DisplayWidth("abc"), 3);
  EXPECT_EQ(DisplayWidth("h\u00e9"), 2);
  EXPECT_EQ(DisplayWidth("e\u0301"), 1);
  EXPECT_EQ(DisplayWidth("\u65e5\u672c"), 4);
  EXPECT_EQ(DisplayWidth("\U0001F680"), 2);
}

TEST(Clip, NeverExceedsTheColumns) {
  EXPECT_EQ(Clip("abcdef", 6), "abcdef");
  EXPECT_EQ(Clip("abcdef", 5), "abc..");
  EXPECT_EQ(Clip("abcdef", 1), ".");
  EXPECT_EQ(Clip("abcdef", 0), "");
  EXPECT_EQ(Clip("abcdef", -3), "");
  EXPECT_EQ(Clip("\u65e5\u672c\u8a9e", 5), "\u65e5..");
}

TEST(Wrap, BreaksAtSpacesAndKeepsLongWordsWhole) {
  EXPECT_THAT(Wrap("", 5), ElementsAre(""));
  EXPECT_THAT(Wrap("one two three", 7), ElementsAre("one two", "three"));
  EXPECT_THAT(Wrap("a /very/long/path b", 6),
              ElementsAre("a", "/very/long/path", "b"));
  EXPECT_THAT(Wrap("  in  side", 20), ElementsAre("  in  side"));
}

TEST(Paint, ColoursTheMarkOnly) {
  const StyledLine line = {Style::kGood, "PASS  ", "x"};
  EXPECT_EQ(Paint(line, false), "PASS  x");
  EXPECT_EQ(Paint(line, true), "\x1b[32mPASS  \x1b[0mx");
  EXPECT_EQ(Paint({Style::kPlain, "", "x"}, true), "x");
}

}  // namespace
}  // namespace lab
