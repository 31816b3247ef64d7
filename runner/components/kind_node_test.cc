// SPDX-License-Identifier: Apache-2.0
#include "runner/components/kind_node.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runner/base/files.h"

namespace lab {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(KubeletFlags, AreThoseOfTheVersion) {
  const auto text = *ReadFile(Path(LAB_SOURCE_DIR) / "fixtures" / "kind-node" /
                              "kubelet-flags.json");
  EXPECT_THAT(*KubeletFlagsFor(text, "1.36.3"),
              ElementsAre("--fail-cgroupv1=false"));
  EXPECT_THAT(*KubeletFlagsFor(text, "1.34.0"), IsEmpty());
}

TEST(KubeletFlags, ADamagedFileIsAnError) {
  EXPECT_FALSE(KubeletFlagsFor("[{}]", "1.36.3"));
  EXPECT_FALSE(KubeletFlagsFor("[", "1.36.3"));
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
