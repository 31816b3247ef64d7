// SPDX-License-Identifier: Apache-2.0
#include "runner/seccomp/profile.h"

#include <gmock/gmock.h>
#include <linux/audit.h>
#include <sys/syscall.h>

#include <nlohmann/json.hpp>

#include "runner/seccomp/documents.h"
#include "runner/seccomp/test_filters.h"
#include "runner/seccomp/view.h"

namespace lab::seccomp {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Path kHome = LAB_SOURCE_DIR;

Environment Crun(std::set<std::string> capabilities = DefaultCapabilities()) {
  const auto* version = seccomp_version();
  return {.capabilities = std::move(capabilities),
          .kernel = *Version::In("6.12"),
          .libseccomp = Version{{static_cast<int>(version->major),
                                 static_cast<int>(version->minor),
                                 static_cast<int>(version->micro)}},
          .oci_runtime = "crun",
          .oci_version = {}};
}

Profile Parsed(const std::string& text) {
  const auto profile = ParseProfile(text, "test");
  EXPECT_TRUE(profile) << (profile ? "" : profile.error().what);
  return profile.value_or({});
}

std::string Fate(const Profile& profile, const Environment& environment,
                 std::string_view architecture, const std::string& name) {
  const Expectation expectation(profile, environment);
  for (const auto& one : Architectures()) {
    if (one.name != architecture) continue;
    for (const auto& call : SyscallsOf(one)) {
      if (call.name == name) {
        return ToString(expectation.At(one, call.number));
      }
    }
  }
  return "no such call";
}

const std::string kAllowAll =
    R"({"defaultAction": "SCMP_ACT_ALLOW",
        "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
        "syscalls": [)";

TEST(Profile, OfOciIsRead) {
  const Profile profile = Parsed(kAllowAll + R"(
      {"names": ["chmod", "fchmod"], "action": "SCMP_ACT_ERRNO"},
      {"names": ["unshare"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38},
      {"names": ["mkdir"], "action": "SCMP_ACT_KILL_PROCESS"}]})");

  EXPECT_EQ(Fate(profile, Crun(), "x86_64", "chmod"), "errno 1 (EPERM)");
  EXPECT_EQ(Fate(profile, Crun(), "i386", "fchmod"), "errno 1 (EPERM)");
  EXPECT_EQ(Fate(profile, Crun(), "x86_64", "unshare"), "errno 38 (ENOSYS)");
  EXPECT_EQ(Fate(profile, Crun(), "x86_64", "mkdir"), "kill-process");
  EXPECT_EQ(Fate(profile, Crun(), "x86_64", "chown"), "allow");
  EXPECT_EQ(Fate(profile, Crun(), "x32", "chown"), "kill-thread");
}

// Docker's former field, which containerd does not know.
TEST(Profile, TheSingularNameIsPassedOver) {
  const Profile profile =
      Parsed(kAllowAll + R"({"name": "chmod", "action": "SCMP_ACT_ERRNO"}]})");

  EXPECT_EQ(Fate(profile, Crun(), "x86_64", "chmod"), "allow");
}

TEST(Profile, ConditionsOfAPlainFileArePassedOver) {
  const Profile profile =
      Parsed(kAllowAll + R"({"names": ["chmod"], "action": "SCMP_ACT_ERRNO",
                      "includes": {"caps": ["CAP_SYS_ADMIN"]}}]})");

  EXPECT_EQ(Fate(profile, Crun({}), "x86_64", "chmod"), "errno 1 (EPERM)");
}

TEST(Profile, MistakesAreNamed) {
  const auto error = [](const std::string& text) {
    const auto profile = ParseProfile(text, "my.json");
    return profile ? "none" : profile.error().what;
  };

  EXPECT_THAT(error("{"), HasSubstr("my.json: "));
  EXPECT_THAT(error("{}"), HasSubstr("defaultAction"));
  EXPECT_THAT(error(R"({"defaultAction": "SCMP_ACT_SHRUG"})"),
              HasSubstr("SCMP_ACT_SHRUG"));
  EXPECT_THAT(error(kAllowAll + R"({"names": ["read"],
      "action": "SCMP_ACT_LOG", "args": [{"index": 6, "op": "SCMP_CMP_EQ"}]}
      ]})"),
              HasSubstr("no argument 6"));
}

TEST(Profile, ConditionsOnOneArgumentAreAlternatives) {
  const Profile profile = Parsed(kAllowAll + R"(
      {"names": ["read"], "action": "SCMP_ACT_ERRNO", "args": [
        {"index": 0, "value": 3, "op": "SCMP_CMP_EQ"},
        {"index": 0, "value": 5, "op": "SCMP_CMP_EQ"}]},
      {"names": ["write"], "action": "SCMP_ACT_ERRNO", "args": [
        {"index": 0, "value": 3, "op": "SCMP_CMP_EQ"},
        {"index": 1, "value": 5, "op": "SCMP_CMP_EQ"}]}]})");

  EXPECT_EQ(Fate(profile, Crun(), "x86_64", "read"),
            "arg0 == 3 or arg0 == 5: errno 1 (EPERM); else allow");
  EXPECT_EQ(Fate(profile, Crun(), "x86_64", "write"),
            "arg0 == 3 and arg1 == 5: errno 1 (EPERM); else allow");
}

TEST(Profile, OnI386SocketsHaveASecondWay) {
  const Profile profile = Parsed(
      kAllowAll + R"({"names": ["socket"], "action": "SCMP_ACT_ERRNO"}]})");

  EXPECT_EQ(Fate(profile, Crun(), "i386", "socket"), "errno 1 (EPERM)");
  EXPECT_EQ(Fate(profile, Crun(), "i386", "socketcall"),
            "arg0.lo == 1: errno 1 (EPERM); else allow");
}

TEST(Profile, NamesThatLibseccompDoesNotKnowArePassedOver) {
  const Profile profile = Parsed(
      kAllowAll +
      R"({"names": ["mseal", "no_such_call"], "action": "SCMP_ACT_ERRNO"}]})");
  Environment environment = Crun();

  environment.libseccomp = *Version::In("2.5.4");
  EXPECT_EQ(Fate(profile, environment, "x86_64", "mseal"), "allow");
  environment.libseccomp = *Version::In("2.6.0");
  EXPECT_EQ(Fate(profile, environment, "x86_64", "mseal"), "errno 1 (EPERM)");
}

TEST(Profile, RuncSaysEnosysAboveTheHighestName) {
  const Profile profile = Parsed(R"({"defaultAction": "SCMP_ACT_ERRNO",
      "architectures": ["SCMP_ARCH_X86_64"],
      "syscalls": [{"names": ["read", "openat2"],
                    "action": "SCMP_ACT_ALLOW"}]})");
  Environment runc = Crun();
  runc.oci_runtime = "runc";

  EXPECT_EQ(Fate(profile, runc, "x86_64", "openat2"), "allow");
  EXPECT_EQ(Fate(profile, runc, "x86_64", "close_range"), "errno 1 (EPERM)");
  EXPECT_EQ(Fate(profile, runc, "x86_64", "faccessat2"), "errno 38 (ENOSYS)");
  EXPECT_EQ(Fate(profile, Crun(), "x86_64", "faccessat2"), "errno 1 (EPERM)");
}

TEST(Profile, RuncImpliesTheNativeArchitectureSince1115) {
  const Profile profile = Parsed(R"({"defaultAction": "SCMP_ACT_ERRNO",
      "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]})");
  Environment runc = Crun();
  runc.oci_runtime = "runc";

  runc.oci_version = *Version::In("1.1.5");
  EXPECT_EQ(Fate(profile, runc, "x86_64", "write"), "errno 1 (EPERM)");
  runc.oci_version = *Version::In("1.1.15");
  EXPECT_EQ(Fate(profile, runc, "x86_64", "write"), "errno 38 (ENOSYS)");
}

TEST(DefaultProfile, IsThatOfTheVersionOrItsMinorRelease) {
  const auto exact =
      LoadDefaultProfile(kHome, "containerd", *Version::In("2.4.2"));
  const auto minor =
      LoadDefaultProfile(kHome, "containerd", *Version::In("1.7.28"));
  const auto none =
      LoadDefaultProfile(kHome, "containerd", *Version::In("0.9"));

  ASSERT_TRUE(exact);
  EXPECT_EQ(exact->name, "containerd-2.4.2");
  EXPECT_THAT(exact->source, HasSubstr("containerd/v2@v2.4.2"));
  ASSERT_TRUE(minor);
  EXPECT_EQ(minor->name, "containerd-1.7.24");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kUsage);
  EXPECT_THAT(none.error().what, HasSubstr("containerd-2.4.2"));
}

TEST(DefaultProfile, FollowsTheCapabilities) {
  const auto profile =
      LoadDefaultProfile(kHome, "containerd", *Version::In("2.4.2"));
  ASSERT_TRUE(profile);
  const auto fate = [&](const char* capability, const char* name) {
    return Fate(*profile, Crun({capability}), "x86_64", name);
  };

  EXPECT_EQ(fate("CAP_CHOWN", "settimeofday"), "errno 1 (EPERM)");
  EXPECT_EQ(fate("CAP_SYS_TIME", "settimeofday"), "allow");
  EXPECT_EQ(fate("CAP_CHOWN", "unshare"), "errno 1 (EPERM)");
  EXPECT_EQ(fate("CAP_SYS_ADMIN", "unshare"), "allow");
  EXPECT_EQ(fate("CAP_CHOWN", "clone3"), "errno 38 (ENOSYS)");
  EXPECT_EQ(fate("CAP_SYS_ADMIN", "clone3"), "allow");
  EXPECT_EQ(fate("CAP_CHOWN", "clone"),
            "(arg0 & 0x7e020000) == 0: allow; else errno 1 (EPERM)");
  EXPECT_EQ(fate("CAP_SYS_ADMIN", "clone"), "allow");
}

TEST(DefaultProfile, FollowsTheKernel) {
  const auto profile =
      LoadDefaultProfile(kHome, "containerd", *Version::In("2.4.2"));
  ASSERT_TRUE(profile);
  Environment environment = Crun();

  environment.kernel = *Version::In("4.4");
  EXPECT_EQ(Fate(*profile, environment, "x86_64", "ptrace"), "errno 1 (EPERM)");
  environment.kernel = *Version::In("4.8");
  EXPECT_EQ(Fate(*profile, environment, "x86_64", "ptrace"), "allow");
}

// A filter as crun makes it of a profile, with the real libseccomp.
Program AsCrunDoes(const Path& file, const Environment& environment) {
  const json from = json::parse(ReadFile(file).value_or("{}"));
  const auto action = [](const json& at, const char* word, const char* number) {
    const std::string text = at.at(word);
    return text == "SCMP_ACT_ALLOW" ? SCMP_ACT_ALLOW
                                    : SCMP_ACT_ERRNO(at.value(number, 1U));
  };
  const std::uint32_t usual = action(from, "defaultAction", "defaultErrnoRet");
  Libseccomp filter(usual);
  filter.AddArchitecture(SCMP_ARCH_X86);
  filter.AddArchitecture(SCMP_ARCH_X32);
  const std::map<std::string, scmp_compare> compare = {
      {"SCMP_CMP_EQ", SCMP_CMP_EQ},
      {"SCMP_CMP_NE", SCMP_CMP_NE},
      {"SCMP_CMP_LT", SCMP_CMP_LT},
      {"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ}};
  const auto has = [&](const json& names) {
    return environment.capabilities.count(names) != 0;
  };
  for (const auto& rule : from.at("syscalls")) {
    const json with = rule.value("/includes/caps"_json_pointer, json::array());
    const json without =
        rule.value("/excludes/caps"_json_pointer, json::array());
    if (!std::all_of(with.begin(), with.end(), has) ||
        std::any_of(without.begin(), without.end(), has) ||
        action(rule, "action", "errnoRet") == usual) {
      continue;
    }
    std::vector<scmp_arg_cmp> all;
    std::set<unsigned> indices;
    for (const auto& one : rule.value("args", json::array())) {
      all.push_back({one.at("index"), compare.at(one.at("op")), one.at("value"),
                     one.value("valueTwo", 0UL)});
      indices.insert(all.back().arg);
    }
    for (const std::string name : rule.at("names")) {
      if (seccomp_syscall_resolve_name(name.c_str()) == __NR_SCMP_ERROR) {
        continue;
      }
      if (indices.size() == all.size()) {
        filter.Add(action(rule, "action", "errnoRet"), name, all);
        continue;
      }
      for (const auto& one : all) {
        filter.Add(action(rule, "action", "errnoRet"), name, {one});
      }
    }
  }
  return filter.Export();
}

// What this program expects of a profile is what libseccomp makes of it, for
// every default profile, with few, the usual and all capabilities.
TEST(DefaultProfile, IsWhatLibseccompMakesOfIt) {
  const auto profiles = LoadDefaultProfiles(kHome);
  ASSERT_TRUE(profiles);
  for (const auto& profile : *profiles) {
    for (const auto& capabilities :
         {std::set<std::string>(), DefaultCapabilities(),
          std::set<std::string>{"CAP_SYS_ADMIN", "CAP_SYS_TIME", "CAP_BPF"}}) {
      const Environment environment = Crun(capabilities);
      const Program program =
          AsCrunDoes(kHome / "fixtures" / "seccomp" / "defaults" /
                         (profile.name + ".json"),
                     environment);
      ASSERT_TRUE(Validate(program));
      const auto view = ViewOf({program});
      ASSERT_TRUE(view);

      std::vector<std::string> differences;
      for (const auto& one :
           Compare(*view, ViewOf(Expectation(profile, environment)))) {
        differences.push_back(one.ToString());
      }
      EXPECT_THAT(differences, IsEmpty()) << profile.name;
    }
  }
}

// The article's 61 and 19 names (S2-15, S2-16): the 42 that only the filter
// blocks follow from the profile of the containerd in its node image.
TEST(DefaultProfile, ExplainsTheDocumentsLists) {
  const auto lists = LoadDocumentedLists(kHome);
  const auto profile =
      LoadDefaultProfile(kHome, "containerd", *Version::In("1.5.2"));
  ASSERT_TRUE(lists) << lists.error().what;
  ASSERT_TRUE(profile);
  Environment environment = Crun();
  environment.oci_runtime = "runc";
  const auto& filtered = lists->blocked.at("S2-15");
  const auto& unconfined = lists->blocked.at("S2-16");
  ASSERT_EQ(filtered.size(), 61U);
  ASSERT_EQ(unconfined.size(), 19U);
  EXPECT_EQ(lists->blocked.at("S2-17"), filtered);

  auto all =
      BlockedForTheTool(ViewOf(Expectation(*profile, environment)), *lists);
  // What the kernel refuses is refused with and without the filter.
  all.insert(unconfined.begin(), unconfined.end());

  EXPECT_EQ(all, filtered);
}

}  // namespace
}  // namespace lab::seccomp
