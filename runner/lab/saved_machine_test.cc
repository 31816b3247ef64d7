// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/saved_machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace lab {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

std::string After(const std::vector<std::string>& argv,
                  const std::string& option) {
  const auto at = std::find(argv.begin(), argv.end(), option);
  return at == argv.end() || at + 1 == argv.end() ? "(none)" : *(at + 1);
}

std::vector<std::string> Booted() {
  return {"qemu",
          "-m",
          "1536",
          "-initrd",
          "/l/w.img",
          "-serial",
          "file:/l/w.console",
          "-drive",
          "file=/p/disk,format=raw,snapshot=on"};
}

RestoredMachine Restored() {
  return {.state = StateIn("/saved/x", "w"),
          .disk = "/p/disk",
          .initramfs = "/saved/x/w.img",
          .console = "/n/w.console",
          .monitor = "/n/w.qmp"};
}

TEST(SavableMachine, HasItsRamInTheFileAndAMonitor) {
  const auto argv = SavableMachine(Booted(), "/proc/7/fd/9", "/l/w.qmp");
  EXPECT_EQ(After(argv, "-object"),
            "memory-backend-file,id=ram,size=1536M,mem-path=/proc/7/fd/9,"
            "share=on");
  EXPECT_EQ(After(argv, "-machine"), "memory-backend=ram");
  EXPECT_EQ(After(argv, "-qmp"), "unix:/l/w.qmp,server=on,wait=off");
}

TEST(RestoreCommand, WritesToNothingThatWasSaved) {
  const auto argv = RestoreCommand(
      SavableMachine(Booted(), "/proc/7/fd/9", "/l/w.qmp"), Restored());
  ASSERT_TRUE(argv) << argv.error().what;
  EXPECT_EQ(After(*argv, "-object"),
            "memory-backend-file,id=ram,size=1536M,mem-path=/saved/x/w.ram,"
            "share=off,readonly=on,rom=off");
  const auto drive = After(*argv, "-drive");
  EXPECT_THAT(drive, HasSubstr("file.filename=/saved/x/w.qcow2,"));
  EXPECT_THAT(drive, HasSubstr("backing.file.filename=/p/disk,"));
  EXPECT_TRUE(drive.ends_with(",snapshot=on")) << drive;
}

TEST(RestoreCommand, LeavesNothingOfTheLabThatWas) {
  const auto argv = RestoreCommand(
      SavableMachine(Booted(), "/proc/7/fd/9", "/l/w.qmp"), Restored());
  ASSERT_TRUE(argv) << argv.error().what;
  EXPECT_EQ(After(*argv, "-serial"), "file:/n/w.console");
  EXPECT_EQ(After(*argv, "-qmp"), "unix:/n/w.qmp,server=on,wait=off");
  EXPECT_EQ(After(*argv, "-initrd"), "/saved/x/w.img");
  EXPECT_EQ(After(*argv, "-incoming"), "defer");
  EXPECT_THAT(*argv, Not(Contains(HasSubstr("/l/"))));
  EXPECT_THAT(*argv, Not(Contains(HasSubstr("/proc/"))));
}

TEST(RestoreCommand, OfAMachineThatWasNotSavableIsAnError) {
  const auto argv = RestoreCommand(Booted(), Restored());
  ASSERT_FALSE(argv);
  EXPECT_THAT(argv.error().what, HasSubstr("-object"));
}

}  // namespace
}  // namespace lab
