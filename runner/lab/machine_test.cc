// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace lab {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kFile = "fixtures/node/machine.json";

Machine RealMachine() {
  auto machine = LoadMachine(LAB_SOURCE_DIR);
  EXPECT_TRUE(machine) << machine.error().what;
  return std::move(machine).value();
}

Boot SomeBoot(Accel accel) {
  return {.kernel = "/p/vmlinuz",
          .initramfs = "/l/w.img",
          .disk = "/p/disk",
          .console = "/l/w.console",
          .node = "lab-worker2",
          .address = "127.77.3.12",
          .accel = accel};
}

// The argument behind `option`.
std::string After(const std::vector<std::string>& argv,
                  const std::string& option) {
  const auto at = std::find(argv.begin(), argv.end(), option);
  return at == argv.end() || at + 1 == argv.end() ? "(none)" : *(at + 1);
}

TEST(QemuCommand, ForwardsFromTheNodesOwnAddressOnly) {
  const auto argv = QemuCommand(RealMachine(), SomeBoot(Accel::kTcg));
  EXPECT_EQ(After(argv, "-netdev"),
            "user,id=net,hostfwd=tcp:127.77.3.12:10250-:10250,"
            "hostfwd=tcp:127.77.3.12:2222-:22");
}

TEST(QemuCommand, TellsTheKernelWhichNodeItIs) {
  const auto machine = RealMachine();
  const auto argv = QemuCommand(machine, SomeBoot(Accel::kTcg));
  const auto append = After(argv, "-append");
  EXPECT_TRUE(append.ends_with(" lab.node=lab-worker2")) << append;
  for (const auto& word : machine.cmdline) {
    EXPECT_THAT(append, HasSubstr(word));
  }
}

TEST(QemuCommand, LeavesAppArmorOffOnRequest) {
  const auto machine = RealMachine();
  auto boot = SomeBoot(Accel::kTcg);
  const auto on = After(QemuCommand(machine, boot), "-append");
  boot.apparmor = false;
  const auto off = After(QemuCommand(machine, boot), "-append");
  EXPECT_THAT(on, HasSubstr(" apparmor=1 security=apparmor "));
  EXPECT_THAT(off, HasSubstr(" apparmor=0 security=none "));
  EXPECT_THAT(off, Not(HasSubstr("apparmor=1")));
  EXPECT_THAT(off, Not(HasSubstr("security=apparmor")));
  EXPECT_TRUE(off.ends_with(" lab.node=lab-worker2")) << off;
}

TEST(QemuCommand, EmulatesOrNotAsChosen) {
  const auto machine = RealMachine();
  const auto tcg = QemuCommand(machine, SomeBoot(Accel::kTcg));
  const auto kvm = QemuCommand(machine, SomeBoot(Accel::kKvm));
  EXPECT_EQ(After(tcg, "-accel"), machine.accel.at(Accel::kTcg));
  EXPECT_EQ(After(tcg, "-cpu"), machine.cpu.at(Accel::kTcg));
  EXPECT_EQ(After(kvm, "-accel"), "kvm");
  EXPECT_EQ(After(kvm, "-cpu"), "host");
  EXPECT_EQ(After(tcg, "-accel").rfind("tcg,", 0), 0u);
  EXPECT_STREQ(ToString(Accel::kTcg), "tcg");
  EXPECT_STREQ(ToString(Accel::kKvm), "kvm");
}

TEST(QemuCommand, UsesTheBootsFilesAndNeverWritesToTheDisk) {
  const auto machine = RealMachine();
  const auto argv = QemuCommand(machine, SomeBoot(Accel::kTcg));
  EXPECT_EQ(argv.front(), "qemu-system-x86_64");
  EXPECT_EQ(After(argv, "-kernel"), "/p/vmlinuz");
  EXPECT_EQ(After(argv, "-initrd"), "/l/w.img");
  EXPECT_EQ(After(argv, "-serial"), "file:/l/w.console");
  EXPECT_THAT(After(argv, "-drive"), HasSubstr("file=/p/disk,"));
  EXPECT_THAT(After(argv, "-drive"), HasSubstr("snapshot=on"));
  EXPECT_EQ(After(argv, "-m"), std::to_string(machine.memory_mib));
}

TEST(QemuProbeCommand, HasNeitherDiskNorNetwork) {
  const auto argv =
      QemuProbeCommand(RealMachine(), "/k", "/i", "/c", Accel::kKvm);
  EXPECT_EQ(After(argv, "-accel"), "kvm");
  EXPECT_TRUE(After(argv, "-append").ends_with(" lab.probe"));
  EXPECT_THAT(argv, Not(Contains("-netdev")));
  EXPECT_THAT(argv, Not(Contains("-drive")));
}

TEST(LoadMachine, DamageNamesTheFile) {
  const auto home = TempDir::In(testing::TempDir(), "machine-");
  ASSERT_TRUE(home);
  const Path file = home->path() / kFile;
  const auto good = json::parse(*ReadFile(Path(LAB_SOURCE_DIR) / kFile));
  ASSERT_TRUE(MakeDirectories(file.parent_path()));
  std::vector<std::string> texts = {"", "{"};
  for (const auto& [field, value] : good.items()) {
    auto lacking = good;
    lacking.erase(field);
    if (field != "why") texts.push_back(lacking.dump());
  }
  for (const auto& text : texts) {
    ASSERT_TRUE(WriteFile(file, text));
    const auto machine = LoadMachine(home->path());
    ASSERT_FALSE(machine) << text;
    EXPECT_THAT(machine.error().what, HasSubstr(file.string()));
  }
}

}  // namespace
}  // namespace lab
