// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/matrix_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace lab {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<std::string> kCases = {"s.first", "s.second-one"};

MatrixColumn Column(const std::string& name,
                    std::vector<std::optional<Verdict>> verdicts) {
  MatrixColumn column{name, {}};
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    auto& c = column.run.cases.emplace_back();
    c.id = kCases[i];
    c.verdict = verdicts[i];
  }
  return column;
}

int Widest(const std::vector<std::string>& lines) {
  int widest = 0;
  for (const auto& line : lines) widest = std::max(widest, DisplayWidth(line));
  return widest;
}

TEST(MatrixTable, HasWordsBelowNamesThatFit) {
  EXPECT_THAT(
      MatrixTable(kCases,
                  {Column("1.36-crun", {Verdict::kPass, Verdict::kFail}),
                   Column("x", {Verdict::kSkip})},
                  80, false),
      ElementsAre("            1.36-crun  x",     //
                  "first       pass       skip",  //
                  "second-one  FAIL       -",     //
                  "",                             //
                  "pass = passed, skip = skipped, FAIL = the system "
                  "disagreed, - = not selected"));
}

TEST(MatrixTable, HasLettersWhereNamesDoNotFit) {
  EXPECT_THAT(
      MatrixTable(kCases,
                  {Column("1.36-trixie-crun", {Verdict::kPass, std::nullopt}),
                   Column("1.23-trixie-crun", {Verdict::kError})},
                  40, false),
      ElementsAre("  a  1.36-trixie-crun",  //
                  "  b  1.23-trixie-crun",  //
                  "",                       //
                  "            a  b",       //
                  "first       .  E",       //
                  "second-one  ?  -",       //
                  "",                       //
                  ". = passed, E = the lab could not find",
                  "out, ? = not finished, - = not selected"));
}

TEST(MatrixTable, GoesOnBelowWhereLettersDoNotFit) {
  std::vector<MatrixColumn> matrix;
  for (int i = 0; i < 30; ++i) {
    matrix.push_back(Column("combination-" + std::to_string(i),
                            {Verdict::kPass, Verdict::kPass}));
  }
  const auto lines = MatrixTable(kCases, matrix, 40, false);
  EXPECT_LE(Widest(lines), 40);
  EXPECT_THAT(lines, Contains("            a  b  c  d  e  f  g  h  i  j"));
  EXPECT_THAT(lines, Contains("            k  l  m  n  o  p  q  r  s  t"));
  EXPECT_THAT(lines, Contains("            u  v  w  x  y  z  aa  ab  ac"));
  EXPECT_THAT(lines, Contains("            ad"));
  EXPECT_THAT(lines, Contains("  ad  combination-29"));
  EXPECT_THAT(lines, Contains("first       .  .  .  .  .  .  .   .   ."));
}

TEST(MatrixTable, IsNeverWiderThanAsked) {
  std::vector<std::string> cases = kCases;
  cases.push_back("s." + std::string(90, 'x'));
  std::vector<MatrixColumn> matrix;
  for (int i = 0; i < 9; ++i) {
    matrix.push_back(Column("1.36-trixie-crun-" + std::to_string(i),
                            {Verdict::kKnown, Verdict::kFixed}));
  }
  for (int columns = 20; columns < 240; columns += 7) {
    EXPECT_LE(Widest(MatrixTable(cases, matrix, columns, false)), columns);
  }
}

TEST(MatrixTable, ColourChangesNoWidth) {
  const std::vector<MatrixColumn> matrix = {
      Column("a", {Verdict::kPass, Verdict::kFail})};
  const auto plain = MatrixTable(kCases, matrix, 80, false);
  const auto painted = MatrixTable(kCases, matrix, 80, true);
  ASSERT_EQ(painted.size(), plain.size());
  EXPECT_THAT(painted[2], HasSubstr("\x1b[1;31mFAIL\x1b[0m"));
  EXPECT_THAT(painted[1], HasSubstr("first       \x1b[32mpass"));
}

TEST(MatrixTable, EveryMarkIsDifferent) {
  const std::vector<std::optional<Verdict>> verdicts = {
      Verdict::kPass,  Verdict::kFail,  Verdict::kSkip, Verdict::kError,
      Verdict::kKnown, Verdict::kFixed, std::nullopt};
  std::set<std::string> letters = {"-"};
  std::set<std::string> words = {"-"};
  for (const auto& verdict : verdicts) {
    const auto mark = MarkOf(Column("a", {verdict}), kCases[0]);
    EXPECT_TRUE(letters.insert(mark.letter).second) << mark.letter;
    EXPECT_TRUE(words.insert(mark.word).second) << mark.word;
    EXPECT_FALSE(mark.meaning.empty());
  }
}

TEST(MatrixTable, OfNothingIsNothingButAHead) {
  EXPECT_THAT(MatrixTable({}, {}, 80, false), ElementsAre());
}

}  // namespace
}  // namespace lab
