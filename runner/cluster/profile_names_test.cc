// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/profile_names.h"

#include <gmock/gmock.h>

#include "runner/base/text.h"

namespace lab {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const ProfileNames kNames(".lab-4be1f0", {"lab-no-write", "lab-names",
                                          "lab-no-write-complain",
                                          "lab name with spaces",
                                          "lab (enforce)", "/usr/bin/lab.x"});

TEST(ProfileNames, AsInTheDocumentsNothingChanges) {
  const std::string text = "profile lab-no-write {}";

  EXPECT_EQ(ProfileNames().OnNodes(text), text);
  EXPECT_EQ(ProfileNames().InDocuments(text), text);
  EXPECT_EQ(ProfileNames().ListInDocuments("lab-no-write (enforce)\n"),
            "lab-no-write (enforce)\n");
  EXPECT_FALSE(ProfileNames().IsMarked("lab-no-write"));
}

TEST(ProfileNames, MarksWholeNamesWhereverTheyStand) {
  const std::pair<const char*, const char*> cases[] = {
      {"profile lab-no-write flags=(kill) {",
       "profile lab-no-write.lab-4be1f0 flags=(kill) {"},
      {"profile \"lab name with spaces\" {",
       "profile \"lab name with spaces.lab-4be1f0\" {"},
      {R"({"a":"localhost/lab-no-write-complain"})",
       R"({"a":"localhost/lab-no-write-complain.lab-4be1f0"})"},
      {"localhost/lab-names//child", "localhost/lab-names.lab-4be1f0//child"},
      {"lab-names//&lab-no-write",
       "lab-names.lab-4be1f0//&lab-no-write.lab-4be1f0"},
      {"localhost//usr/bin/lab.x", "localhost//usr/bin/lab.x.lab-4be1f0"},
      {"localhost/lab (enforce)", "localhost/lab (enforce).lab-4be1f0"}};
  for (const auto& [documents, nodes] : cases) {
    EXPECT_EQ(kNames.OnNodes(documents), nodes);
    EXPECT_EQ(kNames.InDocuments(nodes), documents);
  }
}

TEST(ProfileNames, LeavesOtherWordsAlone) {
  for (const char* text :
       {"lab-no-write.json", "my-lab-no-write", "lab-no-writes", "lab",
        "cri-containerd.apparmor.d", "localhost/unconfined"}) {
    EXPECT_EQ(kNames.OnNodes(text), text);
  }
}

TEST(ProfileNames, MarksOnce) {
  const auto once = kNames.OnNodes("lab-no-write lab-names");

  EXPECT_EQ(kNames.OnNodes(once), once);
}

TEST(ProfileNames, ANamesakeOfSomebodyElseIsNotTheirs) {
  EXPECT_TRUE(kNames.IsNamesake("lab-names//child"));
  EXPECT_FALSE(kNames.IsNamesake("lab-names.lab-4be1f0"));
  EXPECT_TRUE(kNames.IsMarked("lab-names.lab-4be1f0//child"));
  EXPECT_FALSE(kNames.IsMarked("lab-names.lab-000000"));
  EXPECT_EQ(kNames.ListInDocuments("docker-default (enforce)\n"
                                   "lab-no-write (complain)\n"
                                   "lab (enforce) (enforce)\n"
                                   "lab-no-write.lab-4be1f0 (enforce)\n"
                                   "lab-no-write.lab-000000 (enforce)\n"),
            "docker-default (enforce)\n"
            "lab-no-write (enforce)\n"
            "lab-no-write.lab-000000 (enforce)\n");
}

TEST(DeclaredProfiles, AreThoseAtTheLeft) {
  EXPECT_THAT(DeclaredProfiles("# profile no {\n"
                               "profile a flags=(x) {\n"
                               "  profile child {\n"
                               "}\n"
                               "profile \"b c\" {\n"
                               "profile \"@PROFILE@\" {\n"),
              ElementsAre("a", "b c"));
}

// No name may be as long as the kernel takes without its mark: it takes about
// 250 bytes (profiles/apparmor/lab-names).
TEST(ProfileNames, KnowsTheProfilesOfTheProject) {
  const auto names =
      ProfileNames::MarkAnew(Path(LAB_SOURCE_DIR) / "profiles/apparmor");

  ASSERT_TRUE(names) << names.error().what;
  EXPECT_THAT(names->names(),
              AllOf(Contains("k8s-apparmor-example-deny-write"),
                    Contains("lab (enforce)"), Contains("lab-loaded-a"),
                    Not(Contains(HasSubstr("@")))));
  for (const auto& name : names->names()) {
    EXPECT_LE(name.size() + names->mark().size(), 240u) << name;
  }
  EXPECT_NE(ProfileNames::MarkAnew(Path(LAB_SOURCE_DIR) / "profiles/apparmor")
                ->mark(),
            names->mark());
  EXPECT_FALSE(ProfileNames::MarkAnew("/no/such/directory"));
}

// It would get another name than its URL has.
TEST(ProfileNames, NoObjectOfAFixtureIsCalledLikeAProfile) {
  const Path source(LAB_SOURCE_DIR);
  const auto names = ProfileNames::MarkAnew(source / "profiles/apparmor");
  ASSERT_TRUE(names) << names.error().what;
  for (const auto& file :
       std::filesystem::recursive_directory_iterator(source / "fixtures")) {
    if (file.path().extension() != ".yaml") continue;
    for (const auto& line : Lines(ReadFile(file.path()).value_or(""))) {
      const auto at = line.find("name: ");
      if (at == std::string::npos) continue;
      EXPECT_FALSE(names->IsNamesake(Trim(line.substr(at + 6))))
          << file.path() << ": " << line;
    }
  }
}

}  // namespace
}  // namespace lab
