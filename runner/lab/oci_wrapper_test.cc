// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/oci_wrapper.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace lab {
namespace {

using nlohmann::json;

constexpr CapabilityMask kAll = ~CapabilityMask{0};
constexpr CapabilityMask kSysResource = CapabilityMask{1} << 24;

const json kSets = {{"bounding", {"CAP_CHOWN", "CAP_SYS_RESOURCE"}},
                    {"effective", {"CAP_SYS_RESOURCE", "CAP_BPF"}},
                    {"inheritable", json::array()}};
const json kLess = {{"bounding", {"CAP_CHOWN"}},
                    {"effective", {"CAP_BPF"}},
                    {"inheritable", json::array()}};

TEST(OciWrapper, TakesAwayWhatTheHostLacksFromEverySet) {
  const json config = {{"process", {{"capabilities", kSets}, {"cwd", "/"}}},
                       {"root", {{"path", "x"}}}};

  const auto less =
      WithinGrants(config.dump(), {.bounding = kAll & ~kSysResource});

  ASSERT_TRUE(less) << less.error().what;
  json expected = config;
  expected["process"]["capabilities"] = kLess;
  EXPECT_EQ(json::parse(*less), expected);
}

TEST(OciWrapper, ReadsTheProcessOfAnExecToo) {
  const auto less = WithinGrants(json{{"capabilities", kSets}}.dump(),
                                 {.bounding = kAll & ~kSysResource});

  ASSERT_TRUE(less) << less.error().what;
  EXPECT_EQ(json::parse(*less).at("capabilities"), kLess);
}

TEST(OciWrapper, ChangesNotAByteWhereNothingIsMissing) {
  const std::string text = R"({ "process":{"capabilities":
      {"bounding":["CAP_SYS_RESOURCE","CAP_OF_TOMORROW"]}}})";
  EXPECT_EQ(*WithinGrants(text, {.bounding = kAll}), text);
  EXPECT_EQ(*WithinGrants(R"({"process":{}})", {}), R"({"process":{}})");
}

json Limit(const char* type, unsigned long long soft, unsigned long long hard) {
  return {{"type", type}, {"soft", soft}, {"hard", hard}};
}

// Podman asks for a million of each.
TEST(OciWrapper, LowersLimitsToItsOwnInAConfigAndInAnExec) {
  constexpr auto kInfinite = ~0ULL;
  const json process = {{"rlimits",
                         {Limit("RLIMIT_NOFILE", 1024, 1048576),
                          Limit("RLIMIT_NPROC", kInfinite, kInfinite),
                          Limit("RLIMIT_CORE", 0, kInfinite),
                          Limit("RLIMIT_OF_TOMORROW", 7, 7)}}};
  const json lower = {
      {"rlimits",
       {Limit("RLIMIT_NOFILE", 1024, 20000), Limit("RLIMIT_NPROC", 900, 900),
        Limit("RLIMIT_CORE", 0, kInfinite),
        Limit("RLIMIT_OF_TOMORROW", 7, 7)}}};
  const Grants grants = {.bounding = kAll & ~kSysResource,
                         .limits = {{"RLIMIT_NOFILE", 20000},
                                    {"RLIMIT_NPROC", 900},
                                    {"RLIMIT_CORE", kInfinite}}};

  const auto config = WithinGrants(json{{"process", process}}.dump(), grants);
  const auto exec = WithinGrants(process.dump(), grants);

  ASSERT_TRUE(config) << config.error().what;
  EXPECT_EQ(json::parse(*config), (json{{"process", lower}}));
  EXPECT_EQ(json::parse(*exec), lower);
  EXPECT_EQ(*WithinGrants(lower.dump(), grants), lower.dump());
  EXPECT_EQ(*WithinGrants(process.dump(), {.bounding = kAll}), process.dump());
}

TEST(OciWrapper, ItsOwnLimitsBindOnlyWithoutTheCapabilityToRaiseThem) {
  const auto grants = OwnGrants();
  ASSERT_TRUE(grants) << grants.error().what;
  EXPECT_EQ(grants->limits.empty(), (grants->bounding & kSysResource) != 0);
}

TEST(OciWrapper, WhatIsNoObjectIsAnError) {
  EXPECT_FALSE(WithinGrants("[]", {.bounding = kAll}));
  EXPECT_FALSE(WithinGrants("{", {.bounding = kAll}));
}

TEST(OciWrapper, KnowsThisProcessesBoundingSet) {
  const auto mask = BoundingSet();
  ASSERT_TRUE(mask) << mask.error().what;
  EXPECT_TRUE(LacksCapabilities());
}

}  // namespace
}  // namespace lab
