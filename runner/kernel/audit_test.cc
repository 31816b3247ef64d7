// SPDX-License-Identifier: Apache-2.0
#include "runner/kernel/audit.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "runner/kernel/test_random.h"

namespace lab {
namespace {

constexpr char kId[] = "audit: type=1400 audit(1700000000.123:45): ";

AuditRecord Parsed(const std::string& fields) {
  const auto record = ParseAuditLine(kId + fields);
  EXPECT_TRUE(record) << fields;
  return record.value_or(AuditRecord());
}

TEST(Audit, ReadsTheLineOfADeniedWrite) {
  AuditRecord expected;
  expected.event = AuditEvent::kDenied;
  expected.operation = "mknod";
  expected.profile = "x";
  expected.name = "/tmp/x";
  expected.comm = "touch";
  expected.requested_mask = "wc";
  expected.denied_mask = "c";
  expected.pid = 12;
  expected.epoch_ms = 1700000000123;
  expected.serial = 45;
  EXPECT_EQ(Parsed("apparmor=\"DENIED\" operation=\"mknod\" class=\"file\" "
                   "profile=\"x\" name=\"/tmp/x\" pid=12 comm=\"touch\" "
                   "requested_mask=\"wc\" denied_mask=\"c\" fsuid=0 ouid=0"),
            expected);
}

TEST(Audit, EveryEventOfTheKernelIsKnown) {
  for (const char* word :
       {"AUDIT", "ALLOWED", "DENIED", "KILLED", "HINT", "STATUS", "ERROR"}) {
    const auto record =
        Parsed(fmt::format("apparmor=\"{}\" operation=\"open\" pid=1", word));
    EXPECT_EQ(AuditEventName(record.event), word);
    EXPECT_EQ(record.operation, "open");
  }
}

TEST(Audit, EveryLogPutsItsOwnTextInFront) {
  const std::string rest =
      "audit(1700000000.123:45): apparmor=\"DENIED\" operation=\"open\" "
      "profile=\"x\" name=\"/a\"";
  for (const char* front :
       {"type=1400 ", "audit: type=1400 ", "[   12.345678] audit: type=1400 ",
        "5,1234,5678901,-;audit: type=1400 ", "type=AVC msg=",
        "Jan  1 00:00:00 host kernel: [   12.3] audit: type=1400 "}) {
    const auto record = ParseAuditLine(front + rest);
    ASSERT_TRUE(record) << front;
    EXPECT_EQ(record->name, "/a");
    EXPECT_EQ(record->serial, 45u);
  }
}

TEST(Audit, FieldsNobodyKnowsDoNotLoseTheRecord) {
  const auto record = Parsed(
      "apparmor=\"DENIED\" operation=\"create\" class=\"net\" profile=\"x\" "
      "pid=12 comm=\"nc\" family=\"inet\" sock_type=\"stream\" protocol=6 "
      "requested_mask=\"create\" denied_mask=\"create\" addr=none future=new "
      "stray words another=\"one more\" =  requested=\"y\" peer_addr=none");
  EXPECT_EQ(record.event, AuditEvent::kDenied);
  EXPECT_EQ(record.family, "inet");
  EXPECT_EQ(record.denied_mask, "create");
}

TEST(Audit, KnownFieldsOfAnotherShapeDoNotLoseTheRecord) {
  const auto record = Parsed(
      "apparmor=\"DENIED\" operation=\"open\" profile=(null) name=x pid=-1 "
      "comm=ABC peer=2F41 error=no denied_mask=\"r\"");
  EXPECT_EQ(record.denied_mask, "r");
  EXPECT_EQ(record.profile + record.name + record.comm + record.peer, "");
  EXPECT_EQ(record.pid, 0);
}

TEST(Audit, HexadecimalNamesAreDecoded) {
  const auto record = Parsed(
      "apparmor=\"STATUS\" operation=\"profile_load\" profile=\"unconfined\" "
      "name=6C61622078 pid=12 comm=6122C3A9");
  EXPECT_EQ(record.name, "lab x");
  EXPECT_EQ(record.comm, "a\"\xC3\xA9");
}

TEST(Audit, BackslashIsAnOrdinaryCharacter) {
  const auto record =
      Parsed(R"(apparmor="DENIED" operation="open" name="/a\nb\\c\" comm="x")");
  EXPECT_EQ(record.name, R"(/a\nb\\c\)");
  EXPECT_EQ(record.comm, "x");
}

TEST(Audit, CapabilityIsTheName) {
  EXPECT_EQ(Parsed("apparmor=\"AUDIT\" operation=\"capable\" class=\"cap\" "
                   "profile=\"x\" pid=12 comm=\"a\" capability=0  "
                   "capname=\"chown\"")
                .name,
            "chown");
}

TEST(Audit, ErrorInfoAndPeerAreKept) {
  const auto record = Parsed(
      "apparmor=\"DENIED\" operation=\"exec\" info=\"no new privs\" error=-13 "
      "profile=\"x\" peer=\"unconfined\"");
  EXPECT_EQ(record.info, "no new privs");
  EXPECT_EQ(record.error, 13);
  EXPECT_EQ(record.peer, "unconfined");
}

TEST(Audit, LineThatTheLogCutOffKeepsItsWholeFields) {
  const auto record = Parsed(
      "apparmor=\"DENIED\" operation=\"open\" profile=\"x\" name=\"/a/long");
  EXPECT_EQ(record.profile, "x");
  EXPECT_EQ(record.name, "");
}

TEST(Audit, OtherLinesAreNoRecords) {
  for (const char* line :
       {"", "hello", "audit(", "audit(1.2:3)", "audit(1.2:3):",
        "type=1326 audit(1700000000.123:45): auid=0 pid=3 comm=\"x\" sig=31",
        "type=AVC msg=audit(1700000000.123:45): avc:  denied  { read } for "
        "pid=12 scontext=a",
        "audit: type=1400 audit(1.2:x): apparmor=\"DENIED\" operation=\"a\"",
        "audit: type=1400 audit(1.2:3): apparmor=\"NOVEL\" operation=\"a\"",
        "AppArmor: AppArmor initialized",
        "apparmor=\"DENIED\" operation=\"open\" profile=\"x\""}) {
    EXPECT_FALSE(ParseAuditLine(line)) << line;
  }
}

TEST(Audit, SeveralThreadsMayParse) {
  const auto work = [](const std::string& name) {
    for (int i = 0; i < 2000; ++i) {
      const auto record = ParseAuditLine(
          kId + ("apparmor=\"DENIED\" operation=\"open\" name=\"" + name) +
          "\"");
      ASSERT_TRUE(record);
      ASSERT_EQ(record->name, name);
    }
  };
  std::jthread first(work, "/first");
  std::jthread second(work, "/second");
}

// As the kernel writes a text that it does not trust.
std::string Untrusted(const std::string& text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return c > 0x20 && c < 0x7f && c != '"';
  });
  if (plain) return "\"" + text + "\"";
  std::string hex;
  for (const char c : text) {
    hex += fmt::format("{:02X}", static_cast<unsigned char>(c));
  }
  return hex;
}

std::string Line(const AuditRecord& r) {
  std::string line = fmt::format(
      "audit: type=1400 audit({}.{:03}:{}): apparmor=\"{}\" operation=\"{}\" "
      "class=\"file\"",
      r.epoch_ms / 1000, r.epoch_ms % 1000, r.serial, AuditEventName(r.event),
      r.operation);
  if (!r.info.empty()) line += fmt::format(" info=\"{}\"", r.info);
  if (r.error != 0) line += fmt::format(" error=-{}", r.error);
  return line + fmt::format(
                    " profile={} name={} pid={} comm={} requested_mask=\"{}\" "
                    "denied_mask=\"{}\" fsuid=0 ouid=0",
                    Untrusted(r.profile), Untrusted(r.name), r.pid,
                    Untrusted(r.comm), r.requested_mask, r.denied_mask);
}

AuditRecord RandomRecord(Random& random) {
  constexpr std::string_view kAny = "abZ09/ \"'\\=()\n\x01\xC3\xA9:%.-";
  AuditRecord record;
  record.event = static_cast<AuditEvent>(random.Below(7));
  record.operation = random.Of<std::string>({"open", "mknod", "file_mmap"});
  record.profile = random.Text(kAny, 1, 12);
  record.name = random.Text(kAny, 1, 30);
  record.comm = random.Text(kAny, 1, 15);
  record.requested_mask = random.Text("rwxcdmlk:", 1, 4);
  record.denied_mask = random.Text("rwxcdmlk:", 1, 4);
  if (random.OneIn(2)) record.info = random.Text("abc -'=", 1, 20);
  record.pid = static_cast<std::int64_t>(1 + random.Below(4194304));
  record.error = static_cast<int>(random.Below(133));
  record.epoch_ms = static_cast<std::int64_t>(random.Below(1u << 31)) * 1000;
  record.serial = random.Below(1ull << 32);
  return record;
}

TEST(AuditProperty, LineOfTheKernelReadsBackAsTheSameRecord) {
  Random random(1);
  for (int i = 0; i < 20000; ++i) {
    const AuditRecord record = RandomRecord(random);
    const auto parsed = ParseAuditLine(Line(record));
    ASSERT_TRUE(parsed) << Line(record);
    ASSERT_EQ(*parsed, record) << Line(record);
  }
}

TEST(AuditProperty, DamagedLinesAreReadOrPassedOver) {
  Random random(2);
  int read = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string line = random.OneIn(4)
                                 ? kId + random.Bytes(60)
                                 : random.Mutated(Line(RandomRecord(random)));
    if (ParseAuditLine(line)) ++read;
  }
  EXPECT_GT(read, 1000);
}

}  // namespace
}  // namespace lab
