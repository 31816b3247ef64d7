// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/kind_apparmor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using namespace std::string_literals;

// A node of a host with AppArmor on which all is well.
AppArmorAnswers Whole() {
  return {.enabled = "Y",
          .features = "caps/mask=chown\nnetwork_v8/af_mask=unix inet\n",
          .environment = "PATH=/bin\0LANG=C\0"s,
          .parser = "",
          .pinned_file = "/usr/share/apparmor-features/features",
          .pinned = "network_v8 {af_mask {unix inet\n}\n}\n",
          .profiles =
              "docker-default (enforce)\n"
              "cri-containerd.apparmor.d (enforce)\n"};
}

TEST(AppArmorFaults, AreNoneWhereAllIsWell) {
  EXPECT_THAT(AppArmorFaults(Whole()), IsEmpty());
}

TEST(AppArmorFaults, AreNoneOnAHostWithoutIt) {
  EXPECT_THAT(AppArmorFaults({}), IsEmpty());
  AppArmorAnswers off;
  off.enabled = "N";
  off.parser = "sh: /sbin/apparmor_parser: not found";
  EXPECT_THAT(AppArmorFaults(off), IsEmpty());
}

TEST(AppArmorFaults, EachConditionIsNamed) {
  auto node = Whole();
  node.features = node.profiles = "";
  EXPECT_THAT(AppArmorFaults(node),
              ElementsAre(HasSubstr("securityfs is not mounted")));

  node = Whole();
  node.environment = "PATH=/bin\0container=docker\0"s;
  EXPECT_THAT(AppArmorFaults(node), ElementsAre(HasSubstr("container=docker")));
  node.environment = "container=\0PATH=/bin\0"s;
  EXPECT_THAT(AppArmorFaults(node), IsEmpty());

  node = Whole();
  node.parser = "sh: 1: /sbin/apparmor_parser: not found";
  EXPECT_THAT(AppArmorFaults(node), ElementsAre(HasSubstr("not found")));

  node = Whole();
  node.profiles = "cri-containerd.apparmor.d.old (enforce)\n";
  EXPECT_THAT(AppArmorFaults(node),
              ElementsAre(HasSubstr("has not loaded cri-containerd")));
}

TEST(AppArmorFaults, SeveralAreAllNamed) {
  auto node = Whole();
  node.environment = "container=oci\0"s;
  node.parser = "exit status 1";
  node.profiles = "";
  EXPECT_EQ(AppArmorFaults(node).size(), 3u);
}

// A kernel that mediates unix sockets one by one takes a profile that was
// compiled without them for one that allows none.
TEST(AppArmorFaults, APinWithoutWhatTheKernelMediates) {
  auto node = Whole();
  node.features += "network/af_unix=yes\n";
  EXPECT_THAT(AppArmorFaults(node), ElementsAre(HasSubstr("af_unix")));
  node.pinned += "network {af_unix {yes\n}\n}\n";
  EXPECT_THAT(AppArmorFaults(node), IsEmpty());
  node.pinned = "";
  EXPECT_THAT(AppArmorFaults(node), ElementsAre(HasSubstr("cannot be read")));
  node.pinned_file = "";
  EXPECT_THAT(AppArmorFaults(node), IsEmpty());
}

TEST(PinnedFeatures, AreReadAsTheParserDoes) {
  EXPECT_EQ(PinnedFeatures("#policy-features=/a\n\n  policy-features = /b\n"),
            "/b");
  EXPECT_EQ(PinnedFeatures("features-file=/a\nfeatures-file=/c\n"), "/c");
  EXPECT_EQ(PinnedFeatures("write-cache\npolicy-features-x=/a\n"), "");
  EXPECT_EQ(PinnedFeatures(""), "");
}

}  // namespace
}  // namespace lab
