// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/leftovers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What `crictl pods --output json` says, as far as it is read.
constexpr const char* kList = R"({"items": [
  {"id": "1", "metadata": {"name": "kube-proxy-x", "namespace": "kube-system"}},
  {"id": "2", "metadata": {"name": "nil", "namespace": "nil-pod-1a2b"}}]})";

TEST(Leftovers, ArePodsOfNamespacesThatAreGone) {
  const auto some = PodsOutside({"kube-system", "default"}, kList);
  ASSERT_TRUE(some);
  EXPECT_THAT(*some, ElementsAre("nil-pod-1a2b/nil"));

  const auto none = PodsOutside({"kube-system", "nil-pod-1a2b"}, kList);
  ASSERT_TRUE(none);
  EXPECT_THAT(*none, IsEmpty());
}

TEST(Leftovers, NoAnswerIsNotNothingLeft) {
  const auto pods = PodsOutside({}, "connect: no such file");
  ASSERT_FALSE(pods);
  EXPECT_THAT(pods.error().what, HasSubstr("no such file"));
}

}  // namespace
}  // namespace lab
