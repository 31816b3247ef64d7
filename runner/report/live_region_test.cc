// SPDX-License-Identifier: Apache-2.0
#include "runner/report/live_region.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/report/fake_screen.h"

namespace lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

StyledLine Text(const std::string& text) { return {Style::kPlain, "", text}; }

TEST(LiveRegion, StaysBelowTheLinesThatLast) {
  FakeScreen screen(20, 10);
  LiveRegion region(false);
  screen.Write(region.Render({}, {Text("working"), Text("[##]")}, 20));
  screen.Write(region.Render({Text("PASS a")}, {Text("[###]")}, 20));
  EXPECT_THAT(screen.Shown(), ElementsAre("PASS a", "[###]"));
  screen.Write(region.Render({Text("PASS b")}, {}, 20));
  EXPECT_THAT(screen.Shown(), ElementsAre("PASS a", "PASS b"));
  EXPECT_EQ(screen.row(), 2u);
  EXPECT_EQ(screen.column(), 0u);
}

TEST(LiveRegion, WritesNothingWhenNothingChanged) {
  LiveRegion region(false);
  EXPECT_EQ(region.Render({}, {}, 20), "");
  EXPECT_NE(region.Render({}, {Text("a")}, 20), "");
  EXPECT_EQ(region.Render({}, {Text("a")}, 20), "");
}

TEST(LiveRegion, ClipsItselfAndWrapsWhatLasts) {
  FakeScreen screen(12, 10);
  LiveRegion region(true);
  const StyledLine lasting = {Style::kBad, "FAIL  ", "one two three"};
  screen.Write(region.Render({lasting}, {Text("0123456789abcdef")}, 12));
  EXPECT_THAT(screen.Shown(), ElementsAre("FAIL  one", "      two",
                                          "      three", "012345678.."));
  EXPECT_EQ(screen.overruns(), 0);
}

TEST(LiveRegion, LeavesCommandsInOnePiece) {
  FakeScreen screen(12, 10);
  LiveRegion region(false);
  const StyledLine command = {Style::kPlain, "run: ", "build/runner --suite s",
                              /*unbroken=*/true};
  screen.Write(region.Render({}, {Text("working")}, 12));
  screen.Write(region.Render({command}, {Text("working")}, 12));
  EXPECT_THAT(screen.Shown(),
              ElementsAre("run: build/r", "unner --suit", "e s", "working"));
}

// Terminals break the lines that are drawn when they become narrower.
TEST(LiveRegion, CountsTheRowsOfANarrowerTerminal) {
  LiveRegion region(false);
  region.Render({}, {Text("0123456789abcde"), Text("x")}, 20);
  EXPECT_THAT(region.Render({}, {Text("y")}, 10), HasSubstr("\x1b[3A"));
}

}  // namespace
}  // namespace lab
