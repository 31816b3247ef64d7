// SPDX-License-Identifier: Apache-2.0
#include "runner/seccomp/view.h"

#include <gmock/gmock.h>

#include "runner/seccomp/test_filters.h"

namespace lab::seccomp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

View Made(const std::function<void(Libseccomp&)>& make) {
  Libseccomp filter(SCMP_ACT_ALLOW);
  filter.AddArchitecture(SCMP_ARCH_X86);
  make(filter);
  const auto view = ViewOf({filter.Export()});
  EXPECT_TRUE(view);
  return view.value_or({});
}

std::vector<std::string> Differences(const View& left, const View& right) {
  std::vector<std::string> lines;
  for (const auto& one : Compare(left, right)) lines.push_back(one.ToString());
  return lines;
}

TEST(View, HasTheCallsOfEveryArchitecture) {
  const auto view = ViewOf(Programs{});

  ASSERT_TRUE(view);
  ASSERT_EQ(view->size(), 3U);
  EXPECT_EQ((*view)[0].calls.front().name, "read");
  EXPECT_EQ((*view)[1].calls.front().name, "restart_syscall");
  EXPECT_EQ((*view)[2].calls.front().number, 0x40000000U);
  for (const auto& one : *view) EXPECT_GT(one.calls.size(), 330U);
}

TEST(View, YoungCallsHaveNamesWhateverLibseccompThisIs) {
  const auto view = ViewOf(Programs{});

  ASSERT_TRUE(view);
  const auto names = NamesWhere(view->front(), [](const CallView& call) {
    return call.number >= 450 && call.number <= 454;
  });
  EXPECT_THAT(names,
              ElementsAre("set_mempolicy_home_node", "cachestat", "fchmodat2",
                          "map_shadow_stack", "futex_wake"));
}

TEST(Compare, FindsNothingBetweenEquals) {
  const auto view =
      Made([](Libseccomp& f) { f.Add(SCMP_ACT_ERRNO(1), "mkdir"); });

  EXPECT_THAT(Differences(view, view), IsEmpty());
}

TEST(Compare, NamesTheOneCallThatIsMissing) {
  const auto whole = Made([](Libseccomp& f) {
    f.Add(SCMP_ACT_ERRNO(1), "mkdir");
    f.Add(SCMP_ACT_ERRNO(1), "rmdir");
  });
  const auto less =
      Made([](Libseccomp& f) { f.Add(SCMP_ACT_ERRNO(1), "mkdir"); });

  EXPECT_THAT(Differences(whole, less),
              ElementsAre("x86_64 rmdir: errno 1 (EPERM) | allow",
                          "i386 rmdir: errno 1 (EPERM) | allow"));
}

TEST(Compare, FindsOneBitOfOneArgument) {
  const auto mask = [](std::uint64_t bits) {
    return Made([bits](Libseccomp& f) {
      f.Add(SCMP_ACT_ERRNO(1), "setns",
            {SCMP_A1_64(SCMP_CMP_MASKED_EQ, bits, 0)});
    });
  };

  const auto differences = Compare(mask(0x7e020000), mask(0x6e020000));

  ASSERT_FALSE(differences.empty());
  EXPECT_EQ(differences.front().name, "setns");
  EXPECT_EQ(differences.front().at.arguments[1] & 0x7e020000, 0x10000000U);
}

TEST(Compare, TellsErrnosApart) {
  const auto denied = [](std::uint16_t number) {
    return Made(
        [number](Libseccomp& f) { f.Add(SCMP_ACT_ERRNO(number), "mkdir"); });
  };

  EXPECT_THAT(Differences(denied(1), denied(38)),
              ElementsAre("x86_64 mkdir: errno 1 (EPERM) | errno 38 (ENOSYS)",
                          "i386 mkdir: errno 1 (EPERM) | errno 38 (ENOSYS)"));
}

}  // namespace
}  // namespace lab::seccomp
