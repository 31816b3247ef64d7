// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/profile_loading.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/base/files.h"
#include "runner/components/archive.h"

namespace lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(ProfileState, TellsOwnFromForeign) {
  const auto state = ParseProfileState(
      "/sys/kernel/security/apparmor/profiles:lab-late (enforce)\n"
      "/sys/kernel/security/apparmor/profiles:with (it) (complain)\n"
      "/run/confinement-lab/profiles/lab-late:profile lab-late {\n"
      "/run/confinement-lab/profiles/lab-late:}\n"
      "/run/confinement-lab/profiles/a%2Fb%252F:# x: y\n");
  EXPECT_THAT(state.loaded, ElementsAre("lab-late", "with (it)"));
  EXPECT_THAT(state.own,
              ElementsAre(Pair("a/b%2F", IsEmpty()),
                          Pair("lab-late", ElementsAre("lab-late"))));
  EXPECT_TRUE(state.Foreign("with (it)"));
  EXPECT_FALSE(state.Foreign("lab-late"));
  EXPECT_FALSE(state.Foreign("not-there"));
  EXPECT_EQ(OwnProfileFile("a/b%2F"),
            "/run/confinement-lab/profiles/a%2Fb%252F");
}

// On a kernel that nodes share: what another node has loaded is ours by its
// mark, and what is only called alike is not.
TEST(ProfileState, MarkedProfilesAreOurs) {
  const ProfileNames names(".lab-1", {"lab-late", "lab-x"});
  const auto state = ParseProfileState(
      "/sys/kernel/security/apparmor/profiles:lab-late.lab-1 (enforce)\n"
      "/sys/kernel/security/apparmor/profiles:lab-x (enforce)\n"
      "/sys/kernel/security/apparmor/profiles:lab-x.lab-2 (enforce)\n"
      "/run/confinement-lab/profiles/lab-y.lab-1:profile lab-y.lab-1 {\n",
      names);
  EXPECT_THAT(state.loaded, ElementsAre("lab-late", "lab-x.lab-2"));
  EXPECT_THAT(state.own, ElementsAre(Pair("lab-late", ElementsAre("lab-late")),
                                     Pair("lab-y", ElementsAre("lab-y"))));
}

TEST(ProfileState, KnowsAllThatAFileDeclares) {
  const auto state = ParseProfileState(
      "/run/confinement-lab/profiles/a:profile a {\n"
      "/run/confinement-lab/profiles/a:  profile child {\n"
      "/run/confinement-lab/profiles/a:profile \"b c\" {\n");
  EXPECT_THAT(state.own, ElementsAre(Pair("a", ElementsAre("a", "b c"))));
}

TEST(ProfileState, OfNothingIsEmpty) {
  const auto state = ParseProfileState("");
  EXPECT_THAT(state.loaded, IsEmpty());
  EXPECT_THAT(state.own, IsEmpty());
}

// As apparmor_parser 4.1.0 says it.
TEST(ProfileFaults, NameFileAndLine) {
  const auto faults = FindFaults(
      {"bad", "bad-include", "good"},
      "AppArmor parser error for /run/confinement-lab/profiles/bad in profile "
      "/run/confinement-lab/profiles/bad at line 3: syntax error, unexpected "
      "TOK_ID\n"
      "AppArmor parser error for /run/confinement-lab/profiles/bad-include in "
      "profile /etc/apparmor.d/abstractions/x at line 2: Could not open 'y'\n",
      "good (enforce)\n");
  ASSERT_TRUE(faults) << faults.error().what;
  EXPECT_THAT(
      *faults,
      ElementsAre(
          Pair("bad",
               "profiles/apparmor/bad:3: syntax error, unexpected TOK_ID"),
          Pair("bad-include",
               "profiles/apparmor/bad-include: "
               "/etc/apparmor.d/abstractions/x:2: Could not open 'y'")));
}

TEST(ProfileFaults, AWarningIsAFaultThoughTheKernelListsTheProfile) {
  const auto faults = FindFaults(
      {"a"}, "Warning from /run/confinement-lab/profiles/a (line 4): odd",
      "a (enforce)\n");
  ASSERT_TRUE(faults);
  EXPECT_THAT(*faults, ElementsAre(Pair("a",
                                        "Warning from profiles/apparmor/a "
                                        "(line 4): odd")));
}

TEST(ProfileFaults, WhatIsNotListedIsNotLoaded) {
  const auto silent = FindFaults({"a"}, "", "ab (enforce)\n");
  ASSERT_TRUE(silent);
  EXPECT_THAT(silent->at("a"), HasSubstr("the parser said: nothing"));
  const auto told = FindFaults(
      {"a"}, "Multiple definitions for profile a exist,bailing out.\n", "");
  ASSERT_TRUE(told);
  EXPECT_THAT(told->at("a"), HasSubstr("Multiple definitions"));
}

TEST(ProfileFaults, NoneIfAllIsWell) {
  const auto faults = FindFaults({"a"}, "", "a (complain)\n");
  ASSERT_TRUE(faults);
  EXPECT_THAT(*faults, IsEmpty());
}

TEST(ProfileFaults, AComplaintAboutNothingThatIsWrongIsAnError) {
  const auto faults = FindFaults({"a"}, "tar: no space left\n", "a (enforce)");
  ASSERT_FALSE(faults);
  EXPECT_THAT(faults.error().what, HasSubstr("no space left"));
}

TEST(PackProfiles, UnpacksInRunAsTheListOfOwnProfiles) {
  const auto tar = PackProfiles({{"a", "profile a {}\n"}, {"b/c", "x"}});
  ASSERT_TRUE(tar) << tar.error().what;
  const auto into = TempDir::In(testing::TempDir(), "pack-");
  ASSERT_TRUE(into);
  const Path file = into->path() / "p.tar";
  ASSERT_TRUE(WriteFile(file, *tar));
  ASSERT_TRUE(ExtractArchive(file, into->path(),
                             [](const std::string&) { return true; }));
  const Path own = into->path() / "confinement-lab" / "profiles";
  EXPECT_EQ(ReadFile(own / "a").value_or(""), "profile a {}\n");
  EXPECT_EQ(ReadFile(own / "b%2Fc").value_or(""), "x");
}

TEST(PackProfiles, CallsThemAsOnTheNode) {
  const auto tar = PackProfiles({{"a", "profile a {}\n"}},
                                ProfileNames(".lab-1", {"a"}));
  ASSERT_TRUE(tar) << tar.error().what;
  EXPECT_THAT(*tar, HasSubstr("confinement-lab/profiles/a.lab-1"));
  EXPECT_THAT(*tar, HasSubstr("profile a.lab-1 {}\n"));
}

}  // namespace
}  // namespace lab
