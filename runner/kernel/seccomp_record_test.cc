// SPDX-License-Identifier: Apache-2.0
#include "runner/kernel/seccomp_record.h"

#include <gtest/gtest.h>

namespace lab {
namespace {

constexpr const char* kLine =
    "audit: type=1326 audit(1795285397.709:42): auid=4294967295 uid=0 gid=0 "
    "ses=4294967295 subj=lab-x pid=4711 comm=\"probe\" exe=\"/bin/probe\" "
    "sig=0 arch=c000003e syscall=90 compat=0 ip=0x7f2d76d28000 "
    "code=0x7ffc0000";

TEST(SeccompRecord, ReadsTheKernelsLog) {
  const auto record = ParseSeccompLine(kLine);
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(*record, (SeccompRecord{.comm = "probe",
                                    .pid = 4711,
                                    .signal = 0,
                                    .arch = 0xc000003e,
                                    .syscall = 90,
                                    .code = 0x7ffc0000}));
}

TEST(SeccompRecord, ReadsWhatTheAuditDaemonWrites) {
  const auto record = ParseSeccompLine(
      "type=SECCOMP msg=audit(1795285397.709:42): auid=0 uid=0 gid=0 ses=1 "
      "pid=7 comm=6C6162207879 exe=\"/x\" sig=31 arch=40000003 syscall=15 "
      "compat=1 ip=0x1 code=0x80000000");
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->comm, "lab xy");
  EXPECT_EQ(record->signal, 31);
  EXPECT_EQ(record->arch, 0x40000003u);
  EXPECT_EQ(record->code, 0x80000000u);
}

TEST(SeccompRecord, LeavesOtherLinesAlone) {
  EXPECT_FALSE(ParseSeccompLine("").has_value());
  EXPECT_FALSE(
      ParseSeccompLine("audit: type=1400 audit(1.2:3): apparmor=\"DENIED\"")
          .has_value());
}

TEST(SeccompRecord, IsNoneWhenTheLogCutItOff) {
  const std::string line = kLine;
  for (std::size_t length = 0; length < line.find("code="); ++length) {
    EXPECT_FALSE(ParseSeccompLine(line.substr(0, length)).has_value());
  }
}

}  // namespace
}  // namespace lab
