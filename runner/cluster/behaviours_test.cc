// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/behaviours.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace lab {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

Behaviours Real() {
  const auto behaviours = Behaviours::Load(LAB_SOURCE_DIR);
  EXPECT_TRUE(behaviours) << behaviours.error().what;
  return *behaviours;
}

LabFile LabWith(std::map<std::string, std::string> facts) {
  LabFile lab;
  lab.name = "some";
  lab.facts = std::move(facts);
  return lab;
}

TEST(Behaviours, EachSaysWhatItIsAndWhereThatIsFrom) {
  std::set<std::string> names;
  for (const auto& one : Real().all()) {
    EXPECT_TRUE(names.insert(one.name).second) << one.name;
    EXPECT_THAT(one.text, Not(IsEmpty())) << one.name;
    EXPECT_THAT(one.source, Not(IsEmpty())) << one.name;
    EXPECT_THAT(one.component, Not(IsEmpty())) << one.name;
  }
}

TEST(Behaviours, HoldByWhatWasMeasured) {
  const auto behaviours = Real();
  const std::string check = "kubelet.checks-profile";

  EXPECT_TRUE(*behaviours.Holds(check, LabWith({{"kubelet", "v1.23.17"}})));
  EXPECT_FALSE(*behaviours.Holds(check, LabWith({{"kubelet", "v1.24.17"}})));
  const auto mixed =
      LabWith({{"kubelet", "mixed"}, {"old.kubelet", "v1.23.17"}});
  EXPECT_TRUE(*behaviours.Holds(check, mixed, "old"));
  EXPECT_FALSE(behaviours.Holds(check, mixed, "other"));
}

TEST(Behaviours, WhatIsNotKnownIsAnError) {
  const auto behaviours = Real();

  EXPECT_THAT(behaviours.Holds("kubelet.flies", LabWith({})).error().what,
              HasSubstr("kubelet.flies"));
  EXPECT_THAT(
      behaviours.Holds("kubelet.checks-profile", LabWith({})).error().what,
      HasSubstr("no fact \"kubelet\""));
}

}  // namespace
}  // namespace lab
