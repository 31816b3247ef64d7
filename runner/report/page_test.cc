// SPDX-License-Identifier: Apache-2.0
#include "runner/report/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/base/text.h"

namespace lab {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kFrame = "<html><title>{{title}}</title>{{body}}</html>";

std::string Rendered(const Page& page) {
  const auto text = page.In(kFrame);
  EXPECT_TRUE(text) << text.error().what;
  return text.value_or("");
}

TEST(Page, PutsTitleAndBodyIntoTheFrame) {
  Page page("a < b");
  Add(page.body(), "p", "quiet", "c & d");
  EXPECT_EQ(Rendered(page),
            "<html><title>a &lt; b</title><p class=\"quiet\">c &amp; d</p>\n"
            "</html>");
}

TEST(Page, MarksInATextStayText) {
  Page page("{{body}}");
  Add(page.body(), "p", "", "{{title}} {{body}}");
  EXPECT_EQ(Rendered(page),
            "<html><title>{{body}}</title><p>{{title}} {{body}}</p>\n</html>");
}

// <td/> would begin a cell, for a reader of HTML.
TEST(Page, EmptyElementsHaveAnEnd) {
  Page page("");
  Add(Add(page.body(), "tr", ""), "td", "");
  EXPECT_EQ(Rendered(page), "<html><title></title><tr><td></td></tr>\n</html>");
}

TEST(Page, KeepsTheLinesOfAText) {
  Page page("");
  Add(Add(page.body(), "div", ""), "pre", "", "a\n  b");
  EXPECT_THAT(Rendered(page), HasSubstr("<div><pre>a\n  b</pre></div>"));
}

TEST(Page, NamesWhatTheFrameLacks) {
  for (const auto* frame : {"", "{{title}}", "{{body}} {{title}}"}) {
    const auto text = Page("").In(frame);
    ASSERT_FALSE(text) << frame;
    EXPECT_THAT(text.error().what, HasSubstr("reports/page.html: lacks {{"));
  }
}

TEST(PageText, HasNoControlCharactersButLines) {
  EXPECT_EQ(PageText("a\n\tb\x1b[2J\xff"), "a\n b\uFFFD[2J\uFFFD");
  // What follows would be read from right to left.
  EXPECT_EQ(PageText("x\u202egnp.exe"), "x\uFFFDgnp.exe");
}

TEST(Href, CannotLeaveItsAttributeOrNameAScheme) {
  EXPECT_EQ(HrefTo("1.36-crun/report.html"), "1.36-crun/report.html");
  EXPECT_EQ(HrefTo("javascript:alert(\"1\")"),
            "javascript%3Aalert%28%221%22%29");
  EXPECT_EQ(HrefTo("a#b?c%d é"), "a%23b%3Fc%25d%20%C3%A9");
}

// The frame itself: it loads nothing, and forbids that anything be loaded.
TEST(PageFrame, LoadsNothing) {
  const auto frame = ReadFile(PageFrame(LAB_SOURCE_DIR));
  ASSERT_TRUE(frame) << frame.error().what;
  EXPECT_THAT(*frame, HasSubstr("default-src 'none'"));
  for (const auto* word :
       {"<script", "<link", "src=", "url(", "@import", "http:", "https:"}) {
    EXPECT_THAT(*frame, Not(HasSubstr(word)));
  }
  EXPECT_TRUE(Page("").In(*frame));
}

}  // namespace
}  // namespace lab
