// SPDX-License-Identifier: Apache-2.0
#include "runner/components/kind_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/base/files.h"

namespace lab {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(KindNodeDifferences, AreThoseOfTheVersion) {
  const auto text = *ReadFile(Path(LAB_SOURCE_DIR) / "fixtures" / "kind-node" /
                              "versions.json");

  const auto newest = *DifferencesOf(text, "1.36.3");
  EXPECT_THAT(newest.kubelet_flags, ElementsAre("--fail-cgroupv1=false"));
  EXPECT_TRUE(newest.systemd_cgroups);

  const auto between = *DifferencesOf(text, "1.24.17");
  EXPECT_THAT(between.kubelet_flags, IsEmpty());
  EXPECT_TRUE(between.systemd_cgroups);

  const auto old = *DifferencesOf(text, "1.23.17");
  EXPECT_THAT(old.kubelet_flags, IsEmpty());
  EXPECT_FALSE(old.systemd_cgroups);
}

TEST(KindNodeDifferences, ADamagedFileIsAnError) {
  EXPECT_FALSE(DifferencesOf("[{}]", "1.36.3"));
  EXPECT_FALSE(DifferencesOf(R"([{"kubernetes": ">=1.1"}])", "1.36.3"));
  EXPECT_FALSE(DifferencesOf("[", "1.36.3"));
}

TEST(KindNodeImage, IsNamedByVersionAndKey) {
  const PartRecipe recipe{.name = "kind-node-1.36.3",
                          .inputs = {"a"},
                          .cold_seconds = 0,
                          .build = {}};
  const auto name = KindNodeImage("1.36.3", recipe);
  EXPECT_TRUE(name.starts_with("lab.local/kind-node:v1.36.3-")) << name;
  EXPECT_TRUE(PartId(recipe).ends_with(name.substr(name.rfind('-')))) << name;
}

}  // namespace
}  // namespace lab
