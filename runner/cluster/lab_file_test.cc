// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/lab_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

namespace lab {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

TempDir Scratch() {
  auto dir = TempDir::In(testing::TempDir(), "lab-file-");
  EXPECT_TRUE(dir);
  return std::move(dir).value();
}

LabFile SomeLab(const Path& directory) {
  return {.name = "lab",
          .kind = "vm",
          .created = "2026-05-04T03:02:01",
          .state = "up",
          .owner = {12, 18446744073709551615ull},
          .directory = directory,
          .kubeconfig = "/l/admin.conf",
          .api_socket = "/l/api.sock",
          .kubectl = "/p/kubectl",
          .kubernetes = "1.36.3",
          .profile_names = {},
          .engine = {},
          .nodes =
              {{"lab-control-plane", "control-plane", "127.77.1.1", "", {}, {}},
               {"lab-worker",
                "worker",
                "127.77.1.11",
                "/l/w.console",
                {{"tier", "a\"b\n"}},
                {{"ssh", "lab-worker"}, {"ssh", "-t", "lab-worker"}}},
               {"lab-worker2", "worker", "127.77.1.12", "", {}, {}}},
          .processes = {{"etcd", {13, 5}}, {"qemu", {14, 6}}},
          .facts = {{"kernel", "6.12.1"}, {"lsm", "apparmor — ✓"}}};
}

TEST(LabFile, ComesBackAsItWasSaved) {
  const auto dir = Scratch();
  ASSERT_TRUE(SomeLab(dir.path()).Save());
  const auto saved = *ReadFile(dir.path() / "lab.json");

  const auto loaded = LabFile::Load(dir.path());

  ASSERT_TRUE(loaded) << loaded.error().what;
  ASSERT_TRUE(RemoveTree(dir.path() / "lab.json"));
  ASSERT_TRUE(loaded->Save());
  EXPECT_EQ(*ReadFile(dir.path() / "lab.json"), saved);
  EXPECT_EQ(loaded->owner.start_time, 18446744073709551615ull);
  EXPECT_EQ(loaded->nodes.at(1).labels.at("tier"), "a\"b\n");
  EXPECT_EQ(loaded->processes.at(1).id.pid, 14);
  EXPECT_EQ(loaded->facts.at("lsm"), "apparmor — ✓");
  EXPECT_EQ(loaded->LoginTo("lab-worker").terminal.at(1), "-t");
  EXPECT_TRUE(loaded->LoginTo("lab-worker3").command.empty());
}

TEST(LabFile, OfAKindLabNamesTheDaemon) {
  const auto dir = Scratch();
  auto lab = SomeLab(dir.path());
  lab.engine = {"docker", "unix:///d.sock"};
  ASSERT_TRUE(lab.Save());
  EXPECT_EQ(LabFile::Load(dir.path())->engine.provider, "docker");
  EXPECT_EQ(LabFile::Load(dir.path())->engine.at, "unix:///d.sock");
}

TEST(LabFile, KeepsWhatProfilesAreCalledOnTheNodes) {
  const auto dir = Scratch();
  auto lab = SomeLab(dir.path());
  lab.profile_names = ProfileNames(".lab-1", {"a", "longer"});
  ASSERT_TRUE(lab.Save());
  const auto loaded = LabFile::Load(dir.path());
  ASSERT_TRUE(loaded) << loaded.error().what;
  EXPECT_EQ(loaded->profile_names.OnNodes("a longer"), "a.lab-1 longer.lab-1");
}

TEST(LabFile, SaysAllThatOthersReadInIt) {
  const auto dir = Scratch();
  ASSERT_TRUE(SomeLab(dir.path()).Save());
  const auto j = json::parse(*ReadFile(dir.path() / "lab.json"));
  EXPECT_EQ(j.at("name"), "lab");
  EXPECT_EQ(j.at("kind"), "vm");
  EXPECT_EQ(j.at("created"), "2026-05-04T03:02:01");
  EXPECT_EQ(j.at("state"), "up");
  EXPECT_EQ(j.at("owner").at("pid"), 12);
  EXPECT_EQ(j.at("directory"), dir.path().string());
  EXPECT_EQ(j.at("kubeconfig"), "/l/admin.conf");
  EXPECT_EQ(j.at("api_socket"), "/l/api.sock");
  EXPECT_EQ(j.at("kubectl"), "/p/kubectl");
  EXPECT_EQ(j.at("kubernetes"), "1.36.3");
  EXPECT_EQ(j.at("nodes").at(1),
            json({{"name", "lab-worker"},
                  {"role", "worker"},
                  {"address", "127.77.1.11"},
                  {"console", "/l/w.console"},
                  {"labels", {{"tier", "a\"b\n"}}},
                  {"login",
                   {{"command", {"ssh", "lab-worker"}},
                    {"terminal", {"ssh", "-t", "lab-worker"}}}}}));
  EXPECT_EQ(j.at("processes").at(0),
            json({{"name", "etcd"}, {"pid", 13}, {"start_time", 5}}));
}

TEST(LabFile, WorkersAreTheNodesThatRunPods) {
  std::vector<std::string> names;
  for (const auto& node : SomeLab("/l").Workers()) names.push_back(node.name);
  EXPECT_THAT(names, ::testing::ElementsAre("lab-worker", "lab-worker2"));
}

TEST(LabFile, IsFoundByItsOwnPathToo) {
  const auto dir = Scratch();
  ASSERT_TRUE(SomeLab(dir.path()).Save());
  EXPECT_TRUE(LabFile::Load(dir.path() / "lab.json"));
}

// A lab that is being removed, or a full disk: every beginning of the file is
// an error that names it.
TEST(LabFile, DamageNamesTheFile) {
  const auto dir = Scratch();
  const Path file = dir.path() / "lab.json";
  ASSERT_TRUE(SomeLab(dir.path()).Save());
  const auto whole = *ReadFile(file);
  for (std::size_t length = 0; length + 2 < whole.size(); ++length) {
    ASSERT_TRUE(WriteFile(file, whole.substr(0, length)));
    const auto loaded = LabFile::Load(dir.path());
    ASSERT_FALSE(loaded) << length;
    ASSERT_THAT(loaded.error().what, HasSubstr(file.string()));
  }
}

TEST(LabFile, AnyFieldOfAnotherTypeNamesTheFile) {
  const auto dir = Scratch();
  const Path file = dir.path() / "lab.json";
  ASSERT_TRUE(SomeLab(dir.path()).Save());
  const auto whole = json::parse(*ReadFile(file));
  // Labs that were saved before these existed are without.
  const std::set<std::string> newer = {"engine", "image", "profiles"};
  for (const auto& [field, value] : whole.items()) {
    auto lacking = whole;
    if (!newer.contains(field)) lacking.erase(field);
    auto untyped = whole;
    untyped[field] = true;
    for (const auto& damaged : {lacking, untyped}) {
      if (damaged == whole) continue;
      ASSERT_TRUE(WriteFile(file, damaged.dump()));
      const auto loaded = LabFile::Load(dir.path());
      ASSERT_FALSE(loaded) << damaged.dump();
      EXPECT_THAT(loaded.error().what, HasSubstr(file.string()));
    }
  }
}

TEST(LabFile, KnowsWhichNodesHaveAppArmor) {
  const auto dir = Scratch();
  auto lab = SomeLab(dir.path());
  lab.facts = {{"a.apparmor", "Y"}, {"b.apparmor", "N"}, {"apparmor", "mixed"}};
  EXPECT_TRUE(lab.HasAppArmor("a"));
  EXPECT_FALSE(lab.HasAppArmor("b"));
  EXPECT_FALSE(lab.HasAppArmor("never-measured"));
  EXPECT_EQ(lab.FactOf("b", "apparmor"), "N");
  EXPECT_EQ(lab.FactOf("b", "kernel"), "");
}

TEST(LabFile, AMissingOneIsNamed) {
  const auto dir = Scratch();
  const auto loaded = LabFile::Load(dir.path());
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().what,
              HasSubstr((dir.path() / "lab.json").string()));
}

}  // namespace
}  // namespace lab
