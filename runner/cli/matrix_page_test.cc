// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/matrix_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <pugixml.hpp>

#include "runner/cli/test_matrix.h"
#include "runner/report/page.h"

namespace lab {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The page, which must be whole.
std::string Derived(const std::vector<MatrixColumn>& matrix,
                    const std::string& title = "s nightly") {
  const auto frame = ReadFile(PageFrame(LAB_SOURCE_DIR));
  EXPECT_TRUE(frame) << frame.error().what;
  const auto page =
      MatrixPage(title, {"s.case-0", "s.case-1"}, matrix, frame.value_or(""));
  EXPECT_TRUE(page) << page.error().what;
  pugi::xml_document document;
  const auto parsed =
      document.load_string(page.value_or("").c_str(), pugi::parse_full);
  EXPECT_TRUE(parsed) << parsed.description();
  return page.value_or("");
}

TEST(MatrixPage, LinksVerdictsToTheCasesOfTheCombinations) {
  auto off = Column("off", 0, {Verdict::kPass});
  off.run.facts["kernel"] = "6.12";
  const auto page =
      Derived({Column("1.36-crun", 0, {Verdict::kPass, Verdict::kFail}), off});
  EXPECT_THAT(page, HasSubstr("2 passed, 1 failed in 2 combinations"));
  EXPECT_THAT(page,
              HasSubstr("<a href=\"1.36-crun/report.html\">1.36-crun</a>"));
  EXPECT_THAT(page, HasSubstr("<span class=\"word fail\"><a href=\""
                              "1.36-crun/report.html#case-s.case-1\">FAIL</a>"
                              "</span>"));
  EXPECT_THAT(page, HasSubstr("<td><span>-</span></td>"));
  EXPECT_THAT(page, HasSubstr("<td>6.12</td>"));
  EXPECT_THAT(page, HasSubstr("<pre>because</pre>"));
  EXPECT_THAT(page, HasSubstr("build/runner --suite s --filter case-1"));
}

TEST(MatrixPage, DoesNotPointToAPageThatIsNotThere) {
  auto column = Column("a", 0, {Verdict::kPass});
  column.run.end.reset();
  column.run.id.clear();
  column.run.cases[0].verdict.reset();
  const auto page = Derived({column});
  EXPECT_THAT(page, Not(HasSubstr("a/report.html")));
  EXPECT_THAT(page, HasSubstr("<span class=\"word unfinished\">not run<"));
}

TEST(MatrixPage, HostileTextStaysText) {
  const std::string hostile = "\"><script>x</script>\x1b\xff";
  auto column = Column(hostile, 1, {Verdict::kFail});
  column.run.cases[0].reason = hostile;
  column.run.facts["kernel"] = hostile;
  const auto page = Derived({column}, hostile);
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, HasSubstr("%22%3E%3Cscript"));
}

TEST(MatrixPage, OfNothingIsWhole) {
  EXPECT_THAT(Derived({}), HasSubstr("no case ran in 0 combinations"));
}

}  // namespace
}  // namespace lab
