// SPDX-License-Identifier: Apache-2.0
#include "runner/components/kernel_modules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using ::testing::ElementsAre;

constexpr const char* kDep =
    "kernel/drivers/net/virtio_net.ko.xz: kernel/net/core/failover.ko.xz "
    "kernel/drivers/net/net_failover.ko.xz\n"
    "kernel/drivers/net/net_failover.ko.xz: kernel/net/core/failover.ko.xz\n"
    "kernel/net/core/failover.ko.xz:\n"
    "kernel/fs/ext4/ext4.ko.xz:\n"
    "kernel/crypto/crc32c-generic.ko.xz:\n";

TEST(KernelModules, EachComesAfterWhatItNeeds) {
  EXPECT_THAT(ModuleLoadOrder({"virtio_net"}, kDep, "", ""),
              ElementsAre("kernel/net/core/failover.ko.xz",
                          "kernel/drivers/net/net_failover.ko.xz",
                          "kernel/drivers/net/virtio_net.ko.xz"));
}

TEST(KernelModules, SoftDependenciesCountThroughTheirAliases) {
  EXPECT_THAT(ModuleLoadOrder({"ext4"}, kDep,
                              "softdep ext4 pre: crypto-crc32c post: x\n",
                              "alias crypto-crc32c crc32c_generic\n"),
              ElementsAre("kernel/crypto/crc32c-generic.ko.xz",
                          "kernel/fs/ext4/ext4.ko.xz"));
}

TEST(KernelModules, WhatIsNotThereIsLeftOut) {
  EXPECT_THAT(ModuleLoadOrder({"built_in_one"}, kDep, "", ""), ElementsAre());
}

}  // namespace
}  // namespace lab
