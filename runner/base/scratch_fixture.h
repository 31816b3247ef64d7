// SPDX-License-Identifier: Apache-2.0
// For tests that write files: a directory of the test's own, gone with it.
#pragma once

#include <gtest/gtest.h>

#include <optional>

#include "runner/base/files.h"

namespace lab {

class ScratchFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    auto dir = TempDir::In(testing::TempDir(), "lab-test-");
    ASSERT_TRUE(dir) << dir.error().what;
    dir_.emplace(std::move(*dir));
  }

  std::optional<TempDir> dir_;
};

}  // namespace lab
