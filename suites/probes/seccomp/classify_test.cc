// SPDX-License-Identifier: Apache-2.0
#include "suites/probes/seccomp/classify.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <csignal>

namespace probe {
namespace {

using Kind = Answer::Kind;

constexpr Answer kNone{};
constexpr Answer kPassed{Kind::kPassed, 0};
constexpr Answer kOk{Kind::kReturned, 0};
constexpr Answer kTrap{Kind::kTrapped, 0};
constexpr Answer kSigsys{Kind::kSignal, SIGSYS};
constexpr Answer kSigill{Kind::kSignal, SIGILL};
constexpr Answer kHung{Kind::kHung, 0};

constexpr Answer Errno(int error) { return {Kind::kErrno, error}; }

struct Row {
  const char* what;
  Answer call, verdict, control;
  Class expected;
  int error = 0;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.what; }

class ClassifyTest : public testing::TestWithParam<Row> {};

TEST_P(ClassifyTest, FromEvidence) {
  const Row& row = GetParam();
  const Finding finding = Classify({row.call, row.verdict, row.control, "why"});
  EXPECT_STREQ(ClassName(finding.kind), ClassName(row.expected));
  EXPECT_EQ(finding.error, row.error);
  const bool reason =
      row.expected == Class::kUnknown || row.expected == Class::kNotProbed;
  EXPECT_EQ(!finding.why.empty(), reason) << finding.why;
}

const Row kVerdictRows[] = {
    {"passed", Errno(EBADF), kPassed, kNone, Class::kAllowed},
    {"the kernel's own EPERM", Errno(EPERM), kPassed, kNone, Class::kAllowed},
    {"the kernel's own signal", kSigill, kPassed, kNone, Class::kAllowed},
    {"passed, not called", kNone, kPassed, kNone, Class::kAllowed},
    {"the kernel's ENOSYS", Errno(ENOSYS), kPassed, kNone,
     Class::kNotImplemented},
    {"a tracer that is not there", Errno(ENOSYS), kPassed, Errno(EFAULT),
     Class::kErrno, ENOSYS},
    {"the filter's EPERM", Errno(EPERM), Errno(EPERM), kNone, Class::kErrno,
     EPERM},
    {"the filter's ENOSYS", Errno(ENOSYS), Errno(ENOSYS), kNone, Class::kErrno,
     ENOSYS},
    {"faked success", kOk, Errno(0), kNone, Class::kErrno, 0},
    {"trap", kTrap, kTrap, kNone, Class::kTrap},
    {"kill", kSigsys, kSigsys, kNone, Class::kKill},
    {"kill, not called", kNone, kSigsys, kNone, Class::kKill},
    {"verdict and call differ", Errno(EBADF), Errno(EPERM), kNone,
     Class::kUnknown},
    {"passed, and killed", kSigsys, kPassed, kNone, Class::kUnknown},
};
INSTANTIATE_TEST_SUITE_P(Verdict, ClassifyTest,
                         testing::ValuesIn(kVerdictRows));

const Row kControlRows[] = {
    {"same", Errno(EBADF), kNone, Errno(EBADF), Class::kAllowed},
    {"same ENOSYS", Errno(ENOSYS), kNone, Errno(ENOSYS),
     Class::kNotImplemented},
    {"same EPERM", Errno(EPERM), kNone, Errno(EPERM), Class::kUnknown},
    {"EPERM only here", Errno(EPERM), kNone, Errno(EFAULT), Class::kErrno,
     EPERM},
    {"ENOSYS only here", Errno(ENOSYS), kNone, Errno(EPERM), Class::kErrno,
     ENOSYS},
    {"control had fewer privileges", Errno(EINVAL), kNone, Errno(EPERM),
     Class::kAllowed},
    {"hangs only here", kHung, kNone, Errno(EINVAL), Class::kUnknown},
};
INSTANTIATE_TEST_SUITE_P(Control, ClassifyTest,
                         testing::ValuesIn(kControlRows));

const Row kAnswerRows[] = {
    {"argument checked", Errno(EINVAL), kNone, kNone, Class::kAllowed},
    {"EPERM of whom?", Errno(EPERM), kNone, kNone, Class::kUnknown},
    {"ENOSYS of whom?", Errno(ENOSYS), kNone, kNone, Class::kUnknown},
    {"trap shows itself", kTrap, kNone, kNone, Class::kTrap},
    {"kill shows itself", kSigsys, kNone, kNone, Class::kKill},
    {"nothing known", kNone, kNone, kNone, Class::kNotProbed},
};
INSTANTIATE_TEST_SUITE_P(Answers, ClassifyTest, testing::ValuesIn(kAnswerRows));

TEST(AnswerTest, NamesAreReadBack) {
  for (const Answer& answer : {kOk, kTrap, kSigsys, kSigill, kHung,
                               Errno(EPERM), Errno(ENOSYS), Errno(4000)}) {
    EXPECT_EQ(ParseAnswer(AnswerName(answer)), answer) << AnswerName(answer);
  }
  EXPECT_EQ(AnswerName(Errno(EPERM)), "EPERM");
  EXPECT_EQ(AnswerName(kSigill), "SIGILL");
  EXPECT_EQ(ParseAnswer("nonsense"), kNone);
}

}  // namespace
}  // namespace probe
