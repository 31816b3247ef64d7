// SPDX-License-Identifier: Apache-2.0
#include "runner/base/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using ::testing::ElementsAre;

TEST(Text, LinesDropTheFinalNewlineOnly) {
  EXPECT_THAT(Lines("a\n\nb\n"), ElementsAre("a", "", "b"));
  EXPECT_THAT(Lines("a"), ElementsAre("a"));
  EXPECT_THAT(Lines(""), ElementsAre());
}

TEST(Text, ShellQuoteKeepsPlainWordsAndProtectsTheRest) {
  EXPECT_EQ(ShellQuote("a/b-c=1"), "a/b-c=1");
  EXPECT_EQ(ShellQuote(""), "''");
  EXPECT_EQ(ShellQuote("it's $x"), "'it'\\''s $x'");
}

TEST(Text, PrintableReplacesWhatXmlCannotHold) {
  EXPECT_EQ(Printable("a\tb\nc"), "a\tb\nc");
  EXPECT_EQ(Printable(std::string_view("\x01\0", 2)),
            "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(Printable("\xff"), "\xEF\xBF\xBD");
  EXPECT_EQ(Printable("\xed\xa0\x80").find('\xed'), std::string::npos);
  EXPECT_EQ(Printable("日本"), "日本");
}

TEST(Text, ClosestToPutsTheTypoFirst) {
  EXPECT_EQ(ClosestTo("lables", {"role", "labels", "image"}, 1).front(),
            "labels");
}

TEST(Text, HumanSecondsSwitchesToMinutes) {
  EXPECT_EQ(HumanSeconds(3.14), "3.1 s");
  EXPECT_EQ(HumanSeconds(125.9), "2 min 05 s");
}

TEST(Text, GlobMatchesWholeIds) {
  EXPECT_TRUE(GlobMatch("apparmor.*-event", "apparmor.unloaded-event"));
  EXPECT_FALSE(GlobMatch("unloaded", "apparmor.unloaded-event"));
}

}  // namespace
}  // namespace lab
