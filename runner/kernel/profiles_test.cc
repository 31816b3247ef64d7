// SPDX-License-Identifier: Apache-2.0
#include "runner/kernel/profiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/kernel/test_random.h"

namespace lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(Profiles, AreReadInTheOrderOfTheKernel) {
  const auto profiles = ParseProfiles(
      "lab-deny-write (enforce)\n"
      "/usr/bin/man//groff (complain)\n"
      "Visual Studio (beta) (unconfined)\n"
      ":ns://lab-a (kill)\n");
  ASSERT_TRUE(profiles) << profiles.error().what;
  EXPECT_THAT(*profiles,
              ElementsAre(LoadedProfile{"lab-deny-write", "enforce"},
                          LoadedProfile{"/usr/bin/man//groff", "complain"},
                          LoadedProfile{"Visual Studio (beta)", "unconfined"},
                          LoadedProfile{":ns://lab-a", "kill"}));
}

TEST(Profiles, NothingLoadedIsAnEmptyList) {
  EXPECT_THAT(*ParseProfiles(""), IsEmpty());
}

TEST(Profiles, LastLineNeedsNoNewline) {
  EXPECT_THAT(*ParseProfiles("a (enforce)"),
              ElementsAre(LoadedProfile{"a", "enforce"}));
}

TEST(Profiles, FindTakesTheWholeName) {
  const auto profiles = *ParseProfiles("lab-a//b (enforce)\nlab-a (kill)\n");
  ASSERT_NE(FindProfile(profiles, "lab-a"), nullptr);
  EXPECT_EQ(FindProfile(profiles, "lab-a")->mode, "kill");
  EXPECT_EQ(FindProfile(profiles, "lab"), nullptr);
}

TEST(Profiles, ErrorNamesTheLine) {
  for (const char* bad : {"", "b", "b enforce", "b ()", " (enforce)",
                          "b (enforce) x", "b (Enforce)", "b\t (enforce)"}) {
    const auto profiles =
        ParseProfiles(std::string("a (enforce)\n") + bad + "\nc (kill)\n");
    ASSERT_FALSE(profiles) << bad;
    EXPECT_THAT(profiles.error().what, HasSubstr("line 2: \""));
  }
}

std::vector<LoadedProfile> RandomProfiles(Random& random) {
  std::vector<LoadedProfile> profiles(random.Below(4));
  for (auto& profile : profiles) {
    profile.name = random.Text("ab/ ().{}*:-&", 1, 12);
    profile.mode = random.Of<std::string>({"enforce", "complain", "kill"});
  }
  return profiles;
}

std::string Listing(const std::vector<LoadedProfile>& profiles) {
  std::string text;
  for (const auto& profile : profiles) {
    text += profile.name + " (" + profile.mode + ")\n";
  }
  return text;
}

TEST(ProfilesProperty, ListingReadsBackAsTheSameProfiles) {
  Random random(1);
  for (int i = 0; i < 20000; ++i) {
    const auto profiles = RandomProfiles(random);
    const auto parsed = ParseProfiles(Listing(profiles));
    ASSERT_TRUE(parsed) << parsed.error().what;
    ASSERT_EQ(*parsed, profiles) << Listing(profiles);
  }
}

TEST(ProfilesProperty, WhateverIsReadListsAsItWas) {
  Random random(2);
  int read = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string text = random.OneIn(4)
                           ? random.Bytes(40)
                           : random.Mutated(Listing(RandomProfiles(random)));
    const auto profiles = ParseProfiles(text);
    if (!profiles) continue;
    ++read;
    if (!text.empty() && text.back() != '\n') text += '\n';
    ASSERT_EQ(Listing(*profiles), text);
  }
  EXPECT_GT(read, 1000);
}

}  // namespace
}  // namespace lab
