// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <optional>

#include "runner/base/scratch_fixture.h"

namespace lab {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

ProcessId Self() { return ProcessId::Of(::getpid()); }

// This process's number, taken by an earlier process: what a record of a
// process says after its number was given to another.
ProcessId Another(ProcessId id) {
  id.start_time -= 1;
  return id;
}

class Store : public ScratchFixture {
 protected:
  Path cache() const { return dir_->path(); }
  LabStore store() const { return LabStore(cache()); }

  LabFile Add(const std::string& name, const ProcessId& owner,
              std::vector<LabProcess> processes = {}) const {
    LabFile lab;
    lab.name = name;
    lab.owner = owner;
    lab.directory = store().DirectoryOf(name);
    lab.processes = std::move(processes);
    EXPECT_TRUE(MakeDirectories(lab.directory / "logs"));
    EXPECT_TRUE(WriteFile(lab.directory / "logs" / "x.log", "x"));
    EXPECT_TRUE(lab.Save());
    return lab;
  }

  LabStore::Collected Collect() const {
    auto collected = store().CollectGarbage();
    if (collected) return *collected;
    ADD_FAILURE() << collected.error().what;
    return {};
  }

 private:
};

Process Sleep() {
  auto process = Process::Start({.argv = {"sleep", "1000"}});
  EXPECT_TRUE(process) << process.error().what;
  return std::move(process).value();
}

TEST(CheckLabName, TakesWhatMayBeAHostName) {
  for (const auto* good :
       {"a", "0", "lab", "run-k3f9", "a--b", "abcdefghijklmnopqrstuvwx"}) {
    EXPECT_TRUE(CheckLabName(good)) << good;
  }
}

TEST(CheckLabName, RefusesEverythingElse) {
  for (const auto* bad : {"", "-", "-a", "a-", "A", "a_b", "a.b", "a/b", "..",
                          "a b", "ä", "a\n", "abcdefghijklmnopqrstuvwxy"}) {
    const auto status = CheckLabName(bad);
    ASSERT_FALSE(status) << bad;
    EXPECT_EQ(status.error().kind, ErrorKind::kUsage);
    EXPECT_THAT(status.error().what, HasSubstr(bad));
  }
}

TEST_F(Store, ListsWhatCanBeRead) {
  Add("b", Self());
  Add("a", Self());
  ASSERT_TRUE(MakeDirectories(store().DirectoryOf("broken")));
  ASSERT_TRUE(WriteFile(store().DirectoryOf("broken") / "lab.json", "{"));
  std::vector<std::string> names;
  for (const auto& lab : store().List()) names.push_back(lab.name);
  EXPECT_THAT(names, ElementsAre("a", "b"));
}

TEST_F(Store, AnUnknownNameIsAUsageErrorThatNamesTheKnown) {
  EXPECT_THAT(store().Find("x").error().what, HasSubstr("runner lab up"));
  Add("one", Self());
  Add("two", Self());
  const auto none = store().Find("three");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kUsage);
  EXPECT_THAT(none.error().what, HasSubstr("one, two"));
  EXPECT_EQ(store().Find("two")->name, "two");
}

TEST_F(Store, DownEndsOwnerAndProcessesAndRemovesTheDirectory) {
  auto owner = Sleep();
  auto child = Sleep();
  const auto lab = Add("one", owner.id(), {{"etcd", child.id()}});

  const auto down = store().Down("one");

  ASSERT_TRUE(down) << down.error().what;
  EXPECT_FALSE(owner.Running());
  EXPECT_FALSE(child.Running());
  EXPECT_FALSE(fs::exists(lab.directory));
}

TEST_F(Store, CollectsADeadLabAndItsProcesses) {
  auto left = Sleep();
  const auto lab = Add("dead", Another(Self()), {{"qemu", left.id()}});

  const auto collected = Collect();

  EXPECT_FALSE(left.Running());
  EXPECT_FALSE(fs::exists(lab.directory));
  EXPECT_THAT(collected.removed, ElementsAre(HasSubstr("(qemu) of lab dead"),
                                             lab.directory.string()));
  EXPECT_THAT(collected.kept, IsEmpty());
}

// Its containers may go on, and only the directory says whose they are.
TEST_F(Store, KeepsALabWhoseDaemonDoesNotAnswer) {
  auto lab = Add("far", Another(Self()));
  lab.engine = {"docker", "unix://" + (cache() / "nobody.sock").string()};
  ASSERT_TRUE(lab.Save());

  const auto collected = Collect();

  EXPECT_TRUE(fs::exists(lab.directory / "lab.json"));
  EXPECT_THAT(collected.removed, IsEmpty());
  EXPECT_THAT(collected.left,
              ElementsAre(HasSubstr("rm -r " + lab.directory.string())));
  EXPECT_FALSE(store().Down("far"));
}

TEST_F(Store, CollectsALabWhosePrivateDaemonIsGone) {
  auto lab = Add("near", Another(Self()));
  lab.engine = {
      "docker",
      "unix://" + (cache() / "docker" / "run" / "docker.sock").string()};
  ASSERT_TRUE(lab.Save());

  const auto collected = Collect();

  EXPECT_FALSE(fs::exists(lab.directory));
  EXPECT_THAT(collected.left, IsEmpty());
}

TEST_F(Store, ForgetsALabUnlessSomethingOfItIsLeft) {
  auto lab = Add("half", Self());
  lab.state = kLeftState;
  ASSERT_TRUE(lab.Save());
  store().Forget("half");
  EXPECT_TRUE(fs::exists(lab.directory));

  lab.state = "starting";
  ASSERT_TRUE(lab.Save());
  store().Forget("half");
  EXPECT_FALSE(fs::exists(lab.directory));
}

TEST_F(Store, NeverTouchesAnotherProcessOfTheSameNumber) {
  auto stranger = Sleep();
  const auto lab =
      Add("dead", Another(Self()), {{"qemu", Another(stranger.id())}});

  const auto collected = Collect();

  EXPECT_TRUE(stranger.Running());
  EXPECT_THAT(collected.removed, ElementsAre(lab.directory.string()));
}

TEST_F(Store, KeepsALabWhoseOwnerLives) {
  auto child = Sleep();
  const auto lab = Add("alive", Self(), {{"etcd", child.id()}});

  const auto collected = Collect();

  EXPECT_TRUE(child.Running());
  EXPECT_TRUE(fs::exists(lab.directory / "logs" / "x.log"));
  EXPECT_THAT(collected.removed, IsEmpty());
  EXPECT_THAT(collected.kept, ElementsAre(HasSubstr("lab alive")));
}

TEST_F(Store, CollectsALabThatCannotBeRead) {
  const Path broken = store().DirectoryOf("broken");
  ASSERT_TRUE(MakeDirectories(broken));
  ASSERT_TRUE(WriteFile(broken / "lab.json", "{"));
  fs::last_write_time(broken, fs::file_time_type::clock::now() - 2min);

  EXPECT_THAT(Collect().removed, ElementsAre(broken.string()));
  EXPECT_FALSE(fs::exists(broken));
}

TEST_F(Store, KeepsALabThatIsJustBeingMade) {
  const Path young = store().DirectoryOf("young");
  ASSERT_TRUE(MakeDirectories(young));

  EXPECT_THAT(Collect().kept, ElementsAre(HasSubstr("young (just made)")));
  EXPECT_TRUE(fs::exists(young));
}

TEST_F(Store, KeepsAPartThatIsBeingBuiltAndRemovesTheRest) {
  for (const auto* part : {"busy-1", "stale-1", "unlocked-1"}) {
    ASSERT_TRUE(MakeDirectories(cache() / "tmp" / part / "bin"));
  }
  ASSERT_TRUE(MakeDirectories(cache() / "parts" / "good-1"));
  ASSERT_TRUE(MakeDirectories(cache() / "locks"));
  ASSERT_TRUE(WriteFile(cache() / "locks" / "stale-1.lock", ""));
  const auto lock = FileLock::TryTake(cache() / "locks" / "busy-1.lock");
  ASSERT_TRUE(lock && lock->held());

  const auto collected = Collect();

  const Path tmp = cache() / "tmp";
  EXPECT_THAT(collected.removed,
              UnorderedElementsAre((tmp / "stale-1").string(),
                                   (tmp / "unlocked-1").string()));
  EXPECT_THAT(collected.kept, ElementsAre(HasSubstr("busy-1 (being built)")));
  EXPECT_TRUE(fs::exists(tmp / "busy-1" / "bin"));
  EXPECT_FALSE(fs::exists(tmp / "stale-1"));
  EXPECT_FALSE(fs::exists(tmp / "unlocked-1"));
  EXPECT_TRUE(fs::exists(cache() / "parts" / "good-1"));
}

TEST_F(Store, AnEmptyCacheHasNoGarbage) {
  const auto collected = Collect();
  EXPECT_THAT(collected.removed, IsEmpty());
  EXPECT_THAT(collected.kept, IsEmpty());
}

}  // namespace
}  // namespace lab
