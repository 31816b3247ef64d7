// SPDX-License-Identifier: Apache-2.0
#include "runner/seccomp/filter.h"

#include <gmock/gmock.h>
#include <linux/audit.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "runner/seccomp/test_filters.h"

namespace lab::seccomp {
namespace {

std::string Fate(const Programs& programs, long number,
                 std::uint32_t arch = AUDIT_ARCH_X86_64) {
  const auto decisions =
      Explore(programs, arch, static_cast<std::uint32_t>(number));
  return decisions ? ToString(*decisions) : "Error: " + decisions.error().what;
}

Program Always(std::uint32_t value) { return {{BPF_RET | BPF_K, 0, 0, value}}; }

TEST(Filter, TellsArgumentsOfClone) {
  Libseccomp filter(SCMP_ACT_ERRNO(1));
  filter.Add(SCMP_ACT_ALLOW, "clone",
             {SCMP_A0_64(SCMP_CMP_MASKED_EQ, 0x7e020000, 0)});

  EXPECT_EQ(Fate({filter.Export()}, SYS_clone),
            "(arg0 & 0x7e020000) == 0: allow; else errno 1 (EPERM)");
}

TEST(Filter, TellsArgumentsOfSocket) {
  Libseccomp filter(SCMP_ACT_ERRNO(1));
  filter.Add(SCMP_ACT_ALLOW, "socket", {SCMP_A0_64(SCMP_CMP_NE, AF_VSOCK)});

  EXPECT_EQ(Fate({filter.Export()}, SYS_socket),
            "arg0 == 0x28: errno 1 (EPERM); else allow");
}

TEST(Filter, TellsListsOfValues) {
  Libseccomp filter(SCMP_ACT_ERRNO(1));
  for (const std::uint64_t value : {0x0UL, 0x8UL, 0xffffffffUL}) {
    filter.Add(SCMP_ACT_ALLOW, "personality", {SCMP_A0_64(SCMP_CMP_EQ, value)});
  }

  EXPECT_EQ(Fate({filter.Export()}, SYS_personality),
            "arg0 == 0xffffffff or arg0 == 8 or arg0 == 0: allow; else errno 1 "
            "(EPERM)");
}

TEST(Filter, TellsBoundsOf64Bits) {
  Libseccomp filter(SCMP_ACT_ALLOW);
  filter.Add(SCMP_ACT_ERRNO(22), "read",
             {SCMP_A2_64(SCMP_CMP_GT, 0x123456789aULL)});

  const auto decisions =
      Explore({filter.Export()}, AUDIT_ARCH_X86_64, SYS_read);

  ASSERT_TRUE(decisions);
  for (const std::uint64_t value : {0x0ULL, 0x123456789aULL, 0x123456789bULL,
                                    0x1300000000ULL, 0x11ffffffffULL}) {
    CallData data{.number = SYS_read, .arch = AUDIT_ARCH_X86_64};
    data.arguments[2] = value;
    EXPECT_EQ(OutcomeAt(*decisions, data),
              value > 0x123456789aULL ? Outcome::Errno(22) : Outcome::Allow())
        << std::hex << value;
  }
}

TEST(Filter, KillsForeignArchitectures) {
  Libseccomp filter(SCMP_ACT_ALLOW);

  EXPECT_EQ(Fate({filter.Export()}, 4, AUDIT_ARCH_I386), "kill-thread");
  EXPECT_EQ(Fate({filter.Export()}, 0x40000000 + 1), "kill-thread");
}

TEST(Filter, EveryActionHasItsName) {
  EXPECT_EQ(Fate({Always(SECCOMP_RET_ALLOW)}, 1), "allow");
  EXPECT_EQ(Fate({Always(SECCOMP_RET_LOG)}, 1), "log");
  EXPECT_EQ(Fate({Always(SECCOMP_RET_TRACE | 7)}, 1), "trace 7");
  EXPECT_EQ(Fate({Always(SECCOMP_RET_USER_NOTIF)}, 1), "notify");
  EXPECT_EQ(Fate({Always(SECCOMP_RET_ERRNO | 38)}, 1), "errno 38 (ENOSYS)");
  EXPECT_EQ(Fate({Always(SECCOMP_RET_TRAP)}, 1), "trap");
  EXPECT_EQ(Fate({Always(SECCOMP_RET_KILL_THREAD)}, 1), "kill-thread");
  EXPECT_EQ(Fate({Always(SECCOMP_RET_KILL_PROCESS)}, 1), "kill-process");
  // The kernel takes what it does not know for the worst.
  EXPECT_EQ(Fate({Always(0x12340000)}, 1), "kill-process");
  EXPECT_EQ(Fate({Always(SECCOMP_RET_ERRNO | 0xffff)}, 1), "errno 4095");
}

TEST(Filter, OfAStackTheMostRestrictiveWins) {
  const std::vector<std::uint32_t> strictest_first = {
      SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,
      SECCOMP_RET_ERRNO | 5,    SECCOMP_RET_USER_NOTIF,  SECCOMP_RET_TRACE | 5,
      SECCOMP_RET_LOG,          SECCOMP_RET_ALLOW};
  for (std::size_t a = 0; a < strictest_first.size(); ++a) {
    for (std::size_t b = a; b < strictest_first.size(); ++b) {
      const Program strict = Always(strictest_first[a]);
      const Program lax = Always(strictest_first[b]);
      EXPECT_EQ(Fate({strict, lax}, 1), Fate({strict}, 1));
      EXPECT_EQ(Fate({lax, strict}, 1), Fate({strict}, 1));
    }
  }
}

TEST(Filter, OfEqualActionsTheNewerOneWins) {
  EXPECT_EQ(
      Fate({Always(SECCOMP_RET_ERRNO | 1), Always(SECCOMP_RET_ERRNO | 2)}, 1),
      "errno 2 (ENOENT)");
}

TEST(Filter, WithoutFiltersAllIsAllowed) { EXPECT_EQ(Fate({}, 1), "allow"); }

TEST(Filter, AnOutcomeMadeOfArgumentsIsAnError) {
  const Program program = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 16},
                           {BPF_RET | BPF_A, 0, 0, 0}};

  EXPECT_THAT(Fate({program}, 1), testing::HasSubstr("calculated from"));
}

// Explore() against Interpret(), which DoesWhatTheKernelDoes.
TEST(Filter, DecisionsAreWhatTheProgramsDo) {
  Random random(1);
  RandomPrograms programs(
      random, {SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | 1, SECCOMP_RET_ERRNO | 2,
               SECCOMP_RET_TRAP, SECCOMP_RET_LOG, SECCOMP_RET_KILL_PROCESS});
  std::size_t conditional = 0;
  for (int i = 0; i < 400; ++i) {
    Programs stack = {programs.Next()};
    if (random.OneIn(3)) stack.push_back(programs.Next());
    const std::uint32_t arch =
        random.OneIn(4) ? AUDIT_ARCH_I386 : AUDIT_ARCH_X86_64;
    const std::uint32_t number = programs.Constant();
    const auto decisions = Explore(stack, arch, number);
    ASSERT_TRUE(decisions) << decisions.error().what;
    conditional += decisions->size() > 1 ? 1 : 0;
    auto samples = Samples(*decisions, *decisions);
    if (samples.size() > 50) samples.resize(50);
    for (int j = 0; j < 30; ++j) {
      samples.push_back(RandomCall(random, programs, arch, number));
    }
    for (auto& data : samples) {
      data.number = number;
      data.arch = arch;
      if (arch == AUDIT_ARCH_I386) {
        data.instruction_pointer &= 0xffffffff;
        for (auto& argument : data.arguments) argument &= 0xffffffff;
      }
      ASSERT_EQ(OutcomeAt(*decisions, data), RunAll(stack, data))
          << ToString(*decisions) << "\n"
          << testing::PrintToString(Disassemble(stack.front()));
    }
  }
  EXPECT_GT(conditional, 40U);
}

}  // namespace
}  // namespace lab::seccomp
