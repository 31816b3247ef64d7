// SPDX-License-Identifier: Apache-2.0
#include "runner/seccomp/program.h"

#include <gmock/gmock.h>
#include <linux/audit.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "runner/seccomp/test_filters.h"

namespace lab::seccomp {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Instruction kAllow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};

TEST(Program, IsReadAsItWasWritten) {
  const Program program = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 4},
                           {BPF_JMP | BPF_JEQ | BPF_K, 1, 2, 0xc000003e},
                           kAllow};

  const auto read = ParseProgram(FormatProgram(program));

  ASSERT_TRUE(read);
  EXPECT_EQ(*read, program);
  EXPECT_EQ(FormatProgram(program).substr(0, 16), "0020000000000004");
}

TEST(Program, IsNotReadFromSomethingElse) {
  EXPECT_FALSE(ParseProgram("00200000000000"));
  EXPECT_FALSE(ParseProgram("00200000000000zz"));
  EXPECT_FALSE(ProgramFromBytes("seven b"));
}

TEST(Program, IsDisassembled) {
  const Program program = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 4},
                           {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, AUDIT_ARCH_X86_64},
                           {BPF_LD | BPF_W | BPF_ABS, 0, 0, 20},
                           {BPF_ALU | BPF_AND | BPF_K, 0, 0, 0xff},
                           {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | 1},
                           {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS}};

  EXPECT_THAT(
      Disassemble(program),
      ElementsAre("   0  ld [arch]", "   1  jeq #0xc000003e, 2, 5",
                  "   2  ld [args[0].hi]", "   3  and #0xff",
                  "   4  ret errno 1 (EPERM)", "   5  ret kill-process"));
}

struct Bad {
  Program program;
  std::string why;
};

class BadProgram : public testing::TestWithParam<Bad> {};

TEST_P(BadProgram, IsRefusedWithTheReason) {
  const auto valid = Validate(GetParam().program);

  ASSERT_FALSE(valid);
  EXPECT_THAT(valid.error().what, HasSubstr(GetParam().why));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadProgram,
    testing::Values(
        Bad{{}, "without instructions"},
        Bad{Program(4097, kAllow), "4097 instructions"},
        Bad{{{BPF_LD | BPF_W | BPF_ABS, 0, 0, 64}, kAllow}, "no field"},
        Bad{{{BPF_LD | BPF_W | BPF_ABS, 0, 0, 2}, kAllow}, "no field"},
        Bad{{{BPF_LD | BPF_H | BPF_ABS, 0, 0, 0}, kAllow}, "does not take"},
        Bad{{{BPF_ALU | BPF_MOD | BPF_K, 0, 0, 3}, kAllow}, "does not take"},
        Bad{{{BPF_ALU | BPF_DIV | BPF_K, 0, 0, 0}, kAllow}, "divides by zero"},
        Bad{{{BPF_ALU | BPF_LSH | BPF_K, 0, 0, 32}, kAllow}, "shifts"},
        Bad{{{BPF_ST, 0, 0, 16}, kAllow}, "scratch word 16"},
        Bad{{{BPF_LD | BPF_MEM, 0, 0, 3}, kAllow}, "before it is stored to"},
        Bad{{{BPF_JMP | BPF_JA, 0, 0, 1}, kAllow}, "behind the end"},
        Bad{{{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0}, kAllow}, "behind the end"},
        Bad{{kAllow, {BPF_LD | BPF_IMM, 0, 0, 0}}, "does not return"}));

// A process of its own, because a filter stays. The call is getpid(2) with
// arguments; all others are allowed. Returns errno, 0 if the call was allowed,
// or -errno of the installation.
int InstallAndCall(const Program& program, const CallData& data) {
  std::vector<sock_filter> raw;
  for (const auto& one : program) {
    raw.push_back({one.code, one.jump_true, one.jump_false, one.k});
  }
  const pid_t child = ::fork();
  if (child == 0) {
    const sock_fprog filter = {static_cast<unsigned short>(raw.size()),
                               raw.data()};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) {
      ::_exit(200);
    }
    const auto& a = data.arguments;
    const long got = ::syscall(SYS_getpid, a[0], a[1], a[2], a[3], a[4], a[5]);
    ::_exit(got < 0 ? errno : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// getpid(2) goes to the program, everything else is allowed.
Program OnlyForGetpid(const Program& program) {
  Program guarded = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
                     {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, SYS_getpid},
                     kAllow,
                     {BPF_LD | BPF_IMM, 0, 0, 0}};
  guarded.insert(guarded.end(), program.begin(), program.end());
  return guarded;
}

// The kernel is the judge of what programs do, and of which it takes.
TEST(Program, DoesWhatTheKernelDoes) {
  Random random(5);
  RandomPrograms programs(random,
                          {SECCOMP_RET_ERRNO | 11, SECCOMP_RET_ALLOW,
                           SECCOMP_RET_ERRNO | 12, SECCOMP_RET_ERRNO | 13});
  for (int i = 0; i < 300; ++i) {
    const Program program = OnlyForGetpid(programs.Next());
    ASSERT_TRUE(Validate(program)) << Validate(program).error().what;
    CallData data = RandomCall(random, programs, AUDIT_ARCH_X86_64, SYS_getpid);
    // A process cannot choose from where it calls.
    bool reads_ip = false;
    for (const auto& one : program) {
      reads_ip |=
          one.code == (BPF_LD | BPF_W | BPF_ABS) && (one.k == 8 || one.k == 12);
    }
    if (reads_ip) continue;
    const std::uint32_t returned = Interpret(program, data);
    // Division by X = 0 returns 0, which kills.
    const int expected = returned == SECCOMP_RET_KILL_THREAD ? -1
                         : returned == SECCOMP_RET_ALLOW
                             ? 0
                             : static_cast<int>(returned & SECCOMP_RET_DATA);
    ASSERT_EQ(InstallAndCall(program, data), expected)
        << testing::PrintToString(Disassemble(program));
  }
}

TEST(Program, IsValidWhereTheKernelTakesIt) {
  Random random(6);
  RandomPrograms programs(random, {SECCOMP_RET_ALLOW});
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    Program program = programs.Next();
    Instruction& one = program[random.Below(program.size())];
    switch (random.Below(4)) {
      case 0:
        one.k = static_cast<std::uint32_t>(random.Below(80));
        break;
      case 1:
        one.code = static_cast<std::uint16_t>(random.Below(0x100));
        break;
      case 2:
        one.jump_true = static_cast<std::uint8_t>(random.Below(64));
        break;
      default:
        program.erase(program.begin() + static_cast<std::ptrdiff_t>(
                                            random.Below(program.size())));
    }
    const bool valid = Validate(program).has_value();
    refused += valid ? 0 : 1;
    // What these programs return is of no interest here: guard them.
    if (!valid || program.size() < 3) continue;
    ASSERT_NE(InstallAndCall(OnlyForGetpid(program), {}), 200)
        << testing::PrintToString(Disassemble(program));
  }
  EXPECT_GT(refused, 50);
}

// The other direction: what Validate() refuses, the kernel refuses.
TEST_P(BadProgram, IsRefusedByTheKernelToo) {
  if (GetParam().program.size() > 4096) return;
  EXPECT_EQ(InstallAndCall(GetParam().program, {}), 200);
}

}  // namespace
}  // namespace lab::seccomp
