// SPDX-License-Identifier: Apache-2.0
#include "runner/kernel/label.h"

#include <gtest/gtest.h>

#include "runner/kernel/test_random.h"

namespace lab {
namespace {

struct Case {
  std::string_view text;
  std::vector<LabelComponent> stack;  // empty: no label
  std::string mode;
};

using namespace std::string_view_literals;

class LabelText : public ::testing::TestWithParam<Case> {};

TEST_P(LabelText, IsReadAsTheKernelMeansIt) {
  const Case& expected = GetParam();
  const auto label = ParseLabel(expected.text);
  ASSERT_EQ(label.has_value(), !expected.stack.empty());
  if (!label) return;
  EXPECT_EQ(label->stack, expected.stack);
  EXPECT_EQ(label->mode, expected.mode);
  EXPECT_EQ(label->unconfined(), expected.mode.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Labels, LabelText,
    ::testing::Values(
        Case{"unconfined\n", {{"", "unconfined"}}, ""},
        Case{"unconfined", {{"", "unconfined"}}, ""},
        Case{"unconfined\n\0"sv, {{"", "unconfined"}}, ""},
        Case{"lab-deny-write (enforce)\n", {{"", "lab-deny-write"}}, "enforce"},
        Case{"a (enforce)", {{"", "a"}}, "enforce"},
        Case{"a (enforce)\0"sv, {{"", "a"}}, "enforce"},
        Case{"a (complain)\n", {{"", "a"}}, "complain"},
        Case{"a (kill)\n", {{"", "a"}}, "kill"},
        Case{"a (unconfined)\n", {{"", "a"}}, "unconfined"},
        Case{"a (user)\n", {{"", "a"}}, "user"},
        Case{"a (prompt)\n", {{"", "a"}}, "prompt"},
        Case{"unconfined (enforce)\n", {{"", "unconfined"}}, "enforce"},
        Case{"/usr/bin/man//groff (enforce)\n",
             {{"", "/usr/bin/man//groff"}},
             "enforce"},
        Case{"Visual Studio (beta) (enforce)\n",
             {{"", "Visual Studio (beta)"}},
             "enforce"},
        Case{"a (b (kill)\n", {{"", "a (b"}}, "kill"},
        Case{"/{,usr/}bin/{x,y}* (enforce)",
             {{"", "/{,usr/}bin/{x,y}*"}},
             "enforce"},
        Case{"A//&B (mixed)\n", {{"", "A"}, {"", "B"}}, "mixed"},
        Case{"A//&unconfined (enforce)\n",
             {{"", "A"}, {"", "unconfined"}},
             "enforce"},
        Case{"a///&b c//&d (enforce)\n",
             {{"", "a/"}, {"", "b c"}, {"", "d"}},
             "enforce"},
        Case{":ns://a (enforce)\n", {{"ns", "a"}}, "enforce"},
        Case{":ns:a (enforce)\n", {{"ns", "a"}}, "enforce"},
        Case{":n1//n2:a b (enforce)\n", {{"n1//n2", "a b"}}, "enforce"},
        Case{"a//&:ns:unconfined (enforce)\n",
             {{"", "a"}, {"ns", "unconfined"}},
             "enforce"},
        Case{"unconfined//&:ns:unconfined\n",
             {{"", "unconfined"}, {"ns", "unconfined"}},
             ""}));

INSTANTIATE_TEST_SUITE_P(
    Others, LabelText,
    ::testing::Values(
        Case{"", {}, ""}, Case{"\n", {}, ""}, Case{"\0"sv, {}, ""},
        Case{"u", {}, ""}, Case{"unconf", {}, ""}, Case{"unconfined2", {}, ""},
        Case{"lab-deny-write", {}, ""},
        Case{"system_u:system_r:init_t:s0", {}, ""},
        Case{"u:r:shell:s0-s0:c0.c1023\n", {}, ""}, Case{"_\n", {}, ""},
        Case{" (enforce)", {}, ""}, Case{"(enforce)", {}, ""},
        Case{"a ()", {}, ""}, Case{"a(enforce)", {}, ""},
        Case{"a (Enforce)", {}, ""}, Case{"a (enforce) ", {}, ""},
        Case{"a\0b (enforce)"sv, {}, ""},
        Case{"a (enforce)\nb (enforce)\n", {}, ""},
        Case{":ns (enforce)", {}, ""}, Case{"::a (enforce)", {}, ""},
        Case{":ns:// (enforce)", {}, ""}, Case{"a//& (enforce)", {}, ""},
        Case{"//&a (enforce)", {}, ""}, Case{"unconfined//&a\n", {}, ""}));

TEST(Label, ErrorShowsTheTextAndWhereToLook) {
  const auto label = ParseLabel("system_u:system_r:init_t:s0\n");
  ASSERT_FALSE(label);
  EXPECT_NE(label.error().what.find("system_u:system_r:init_t:s0"),
            std::string::npos);
  EXPECT_NE(label.error().what.find("/sys/kernel/security/lsm"),
            std::string::npos);
}

TEST(Label, IsComparesNameAndModeWhole) {
  const Label label = *ParseLabel("lab-a (enforce)\n");
  EXPECT_TRUE(label.Is("lab-a", "enforce"));
  EXPECT_FALSE(label.Is("lab-a", "complain"));
  EXPECT_FALSE(label.Is("lab", "enforce"));
}

TEST(Label, StackAndNamespaceAreNotTheBareProfile) {
  EXPECT_FALSE(ParseLabel("a//&b (enforce)")->Is("a", "enforce"));
  EXPECT_FALSE(ParseLabel("a//&b (enforce)")->Is("a//&b", "enforce"));
  EXPECT_FALSE(ParseLabel(":ns://a (enforce)")->Is("a", "enforce"));
}

Label RandomLabel(Random& random) {
  const std::string alphabet = "ab/ ().{}*,:-_&";
  Label label;
  for (std::size_t n = 1 + random.Below(3); n > 0; --n) {
    LabelComponent component;
    if (random.OneIn(3)) component.policy_namespace = random.Text("ns/", 1, 5);
    // A colon in front starts a namespace, and "//&" ends the component.
    do {
      component.profile = random.Text(alphabet, 1, 12);
    } while (component.profile.starts_with(':') ||
             component.profile.find("//&") != std::string::npos);
    label.stack.push_back(component);
  }
  label.mode = random.Of<std::string>({"enforce", "complain", "mixed", "kill"});
  return label;
}

TEST(LabelProperty, TextReadsBackAsTheSameLabel) {
  Random random(1);
  for (int i = 0; i < 20000; ++i) {
    const Label label = RandomLabel(random);
    const std::string text = label.ToString();
    const auto parsed = ParseLabel(text + "\n");
    ASSERT_TRUE(parsed) << text;
    ASSERT_EQ(*parsed, label) << text;
  }
}

TEST(LabelProperty, WhateverIsReadReadsBackTheSame) {
  Random random(2);
  int read = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string text =
        random.OneIn(4) ? random.Bytes(40)
                        : random.Mutated(RandomLabel(random).ToString());
    const auto label = ParseLabel(text);
    if (!label) continue;
    ++read;
    ASSERT_FALSE(label->stack.empty());
    const auto again = ParseLabel(label->ToString());
    ASSERT_TRUE(again) << text;
    ASSERT_EQ(*again, *label) << text;
  }
  EXPECT_GT(read, 1000);
}

}  // namespace
}  // namespace lab
