// SPDX-License-Identifier: Apache-2.0
// What the tests of the kind lab share: whether there can be one, and that
// nothing of it is left.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "runner/base/files.h"
#include "tests/lab/runner.h"

namespace lab::e2e {

/// A config of two nodes.
extern const std::string kOneWorker;

/// Why no kind lab can be had here, as `runner doctor` says of `engine`
/// ("Docker", "Podman"); empty if one can.
std::string WhyNoKindLab(const std::string& engine);

/// All that a kind lab may change of the host and of the cache while it is up,
/// a line each: settings of the kernel, network links and rules, mounts,
/// control groups, PID namespaces; labs, and what a private dockerd has.
std::set<std::string> HostState();

class KindFixture : public testing::Test {
 protected:
  void SetUp() override;

  /// Waits for the private dockerd to end, then compares with the beginning.
  void ExpectNothingLeft() const;

  std::set<std::string> before_;
};

/// The Docker daemon that this machine's labs have, asked as its users do.
/// `host` as --host takes it; empty: the private one of this cache.
Finished Docker(std::vector<std::string> arguments, std::string host = "");

}  // namespace lab::e2e
