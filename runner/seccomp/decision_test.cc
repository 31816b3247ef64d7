// SPDX-License-Identifier: Apache-2.0
#include "runner/seccomp/decision.h"

#include <gmock/gmock.h>

namespace lab::seccomp {
namespace {

constexpr std::uint64_t kAll = ~std::uint64_t{0};
constexpr std::uint64_t kLow = 0xffffffff;
constexpr std::uint64_t kHigh = kLow << 32;

Comparison On0(std::uint64_t mask, Relation relation, std::uint64_t value) {
  return Comparison::OfArgument(0, mask, relation, value);
}

TEST(Settled, ByWhatIsKnownOfTheBits) {
  const std::vector<Comparison> path = {On0(0xf0, Relation::kEqual, 0x50)};

  EXPECT_EQ(Settled(path, On0(0x40, Relation::kNotEqual, 0)), true);
  EXPECT_EQ(Settled(path, On0(0xff, Relation::kEqual, 0x60)), false);
  EXPECT_EQ(Settled(path, On0(0xff, Relation::kEqual, 0x51)), std::nullopt);
  EXPECT_EQ(Settled(path, On0(kAll, Relation::kEqual, 0x50)), std::nullopt);
}

TEST(Settled, ByBounds) {
  const std::vector<Comparison> path = {On0(kLow, Relation::kGreater, 10),
                                        On0(kLow, Relation::kNotGreater, 20)};

  EXPECT_EQ(Settled(path, On0(kLow, Relation::kEqual, 10)), false);
  EXPECT_EQ(Settled(path, On0(kLow, Relation::kLess, 21)), true);
  EXPECT_EQ(Settled(path, On0(kLow, Relation::kNotLess, 15)), std::nullopt);
}

TEST(Settled, ByValuesThatAreRuledOut) {
  EXPECT_EQ(Settled({On0(kAll, Relation::kNotEqual, 7)},
                    On0(kAll, Relation::kEqual, 7)),
            false);
}

TEST(Simplified, JoinsHalvesAndDropsWhatIsDealtWith) {
  const Decisions simple = Simplified(
      {{{On0(kHigh, Relation::kEqual, 0), On0(kLow, Relation::kEqual, 40)},
        Outcome::Errno(1)},
       {{On0(kHigh, Relation::kEqual, 0), On0(kLow, Relation::kNotEqual, 40)},
        Outcome::Allow()},
       {{On0(kHigh, Relation::kNotEqual, 0)}, Outcome::Allow()}});

  EXPECT_EQ(ToString(simple), "arg0 == 0x28: errno 1 (EPERM); else allow");
}

TEST(Simplified, KeepsABoundOnlyUnderAnUpperHalfOfZero) {
  const auto fate = [](std::uint64_t high) {
    return ToString(Simplified({{{On0(kHigh, Relation::kEqual, high << 32),
                                  On0(kLow, Relation::kLess, 38)},
                                 Outcome::Allow()},
                                {{}, Outcome::Errno(1)}}));
  };

  EXPECT_EQ(fate(0), "arg0 < 0x26: allow; else errno 1 (EPERM)");
  EXPECT_EQ(fate(1),
            "(arg0 & 0xffffffff00000000) == 0x100000000 and arg0.lo < 0x26: "
            "allow; else errno 1 (EPERM)");
}

TEST(Simplified, SaysWhatIsAllowedRatherThanWhatIsNotOfIt) {
  const Decisions simple = Simplified(
      {{{On0(kHigh, Relation::kEqual, 0), On0(kLow, Relation::kNotLess, 38)},
        Outcome::Errno(1)},
       {{On0(kHigh, Relation::kEqual, 0)}, Outcome::Allow()},
       {{}, Outcome::Errno(1)}});

  EXPECT_EQ(ToString(simple), "arg0 < 0x26: allow; else errno 1 (EPERM)");
}

TEST(Simplified, WhatMakesNoDifferenceIsNoCondition) {
  const Decisions simple =
      Simplified({{{On0(kLow, Relation::kEqual, 1)}, Outcome::Allow()},
                  {{On0(kLow, Relation::kNotEqual, 1)}, Outcome::Allow()}});

  EXPECT_EQ(ToString(simple), "allow");
}

TEST(Samples, HoldBothSidesOfEveryComparison) {
  const Decisions decisions = {
      {{On0(0x7e020000, Relation::kEqual, 0)}, Outcome::Allow()},
      {{On0(kAll, Relation::kGreater, 0x123456789a)}, Outcome::Errno(2)},
      {{}, Outcome::Errno(1)}};
  std::set<std::string> seen;

  for (const auto& sample : Samples(decisions, decisions)) {
    seen.insert(OutcomeAt(decisions, sample).ToString());
  }

  EXPECT_THAT(seen, testing::SizeIs(3));
}

}  // namespace
}  // namespace lab::seccomp
