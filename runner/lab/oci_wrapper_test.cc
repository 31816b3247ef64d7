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
      WithoutMissingCapabilities(config.dump(), kAll & ~kSysResource);

  ASSERT_TRUE(less) << less.error().what;
  json expected = config;
  expected["process"]["capabilities"] = kLess;
  EXPECT_EQ(json::parse(*less), expected);
}

TEST(OciWrapper, ReadsTheProcessOfAnExecToo) {
  const auto less = WithoutMissingCapabilities(
      json{{"capabilities", kSets}}.dump(), kAll & ~kSysResource);

  ASSERT_TRUE(less) << less.error().what;
  EXPECT_EQ(json::parse(*less).at("capabilities"), kLess);
}

TEST(OciWrapper, ChangesNotAByteWhereNothingIsMissing) {
  const std::string text = R"({ "process":{"capabilities":
      {"bounding":["CAP_SYS_RESOURCE","CAP_OF_TOMORROW"]}}})";
  EXPECT_EQ(*WithoutMissingCapabilities(text, kAll), text);
  EXPECT_EQ(*WithoutMissingCapabilities(R"({"process":{}})", 0),
            R"({"process":{}})");
}

TEST(OciWrapper, WhatIsNoObjectIsAnError) {
  EXPECT_FALSE(WithoutMissingCapabilities("[]", kAll));
  EXPECT_FALSE(WithoutMissingCapabilities("{", kAll));
}

TEST(OciWrapper, KnowsThisProcessesBoundingSet) {
  const auto mask = BoundingSet();
  ASSERT_TRUE(mask) << mask.error().what;
  EXPECT_TRUE(LacksCapabilities());
}

}  // namespace
}  // namespace lab
