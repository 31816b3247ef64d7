// SPDX-License-Identifier: Apache-2.0
// Filters for tests: as libseccomp generates them, and random ones.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "runner/base/unique_fd.h"
#include "runner/kernel/test_random.h"
#include "runner/seccomp/filter.h"

namespace lab::seccomp {

/// A filter in libseccomp's hands.
class Libseccomp {
 public:
  explicit Libseccomp(std::uint32_t default_action)
      : context_(seccomp_init(default_action), &seccomp_release) {}

  void AddArchitecture(std::uint32_t token) {
    seccomp_arch_add(context_.get(), token);
  }
  /// 0, or a negative errno.
  int Add(std::uint32_t action, const std::string& name,
          const std::vector<scmp_arg_cmp>& arguments = {}) {
    return seccomp_rule_add_array(
        context_.get(), action, seccomp_syscall_resolve_name(name.c_str()),
        static_cast<unsigned>(arguments.size()), arguments.data());
  }
  /// What it would install.
  Program Export() const {
    const UniqueFd file(::memfd_create("filter", MFD_CLOEXEC));
    EXPECT_EQ(seccomp_export_bpf(context_.get(), file.get()), 0);
    std::string bytes(
        static_cast<std::size_t>(::lseek(file.get(), 0, SEEK_END)), '\0');
    EXPECT_EQ(::pread(file.get(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
    const auto program = ProgramFromBytes(bytes);
    EXPECT_TRUE(program);
    return program.value_or({});
  }

 private:
  std::unique_ptr<void, decltype(&seccomp_release)> context_;
};

/// Programs that the kernel accepts, of every instruction that it does. They
/// end with one of `returns`.
class RandomPrograms {
 public:
  RandomPrograms(Random& random, std::vector<std::uint32_t> returns)
      : random_(random), returns_(std::move(returns)) {}

  Program Next() {
    Program program = {{BPF_ST, 0, 0, 0}, {BPF_STX, 0, 0, 1}};
    const std::size_t length = 4 + random_.Below(30);
    while (program.size() < length) {
      const Instruction one = One(std::min(length - program.size(), kFarthest));
      // Most tests are of something that is not known.
      if (BPF_CLASS(one.code) == BPF_JMP && !random_.OneIn(3)) {
        program.push_back(Load());
      }
      program.push_back(one);
    }
    program.push_back(Return());
    program.push_back(Return());
    return program;
  }
  std::uint32_t Constant() { return random_.Of(constants_); }

 private:
  static constexpr std::size_t kFarthest = 6;

  Instruction Load() {
    return {BPF_LD | BPF_W | BPF_ABS, 0, 0,
            static_cast<std::uint32_t>(4 * random_.Below(16))};
  }
  Instruction Return() { return {BPF_RET | BPF_K, 0, 0, random_.Of(returns_)}; }

  // `room`: how many instructions there are at least behind it.
  Instruction One(std::size_t room) {
    const auto jump = [&] {
      return static_cast<std::uint8_t>(random_.Below(room));
    };
    switch (random_.Below(10)) {
      case 0:
      case 1:
      case 2:
        return Load();
      case 3:
      case 4:
      case 5: {
        const auto op = random_.Of<std::uint16_t>(
            {BPF_JEQ, BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET});
        const std::uint16_t source = random_.OneIn(6) ? BPF_X : BPF_K;
        return {static_cast<std::uint16_t>(BPF_JMP | op | source), jump(),
                jump(), Constant()};
      }
      case 6:
      case 7: {
        const auto op = random_.Of<std::uint16_t>(
            {BPF_AND, BPF_AND, BPF_AND, BPF_OR, BPF_XOR, BPF_ADD, BPF_SUB,
             BPF_MUL, BPF_LSH, BPF_RSH, BPF_DIV, BPF_NEG});
        if (op == BPF_NEG) return {BPF_ALU | BPF_NEG, 0, 0, 0};
        const bool shift = op == BPF_LSH || op == BPF_RSH;
        const bool x = random_.OneIn(5);
        const std::uint32_t k = shift           ? Constant() % 32
                                : op == BPF_DIV ? (Constant() | 1)
                                                : Constant();
        return {static_cast<std::uint16_t>(BPF_ALU | op | (x ? BPF_X : BPF_K)),
                0, 0, k};
      }
      case 8:
        return random_.Of<Instruction>({{BPF_MISC | BPF_TAX, 0, 0, 0},
                                        {BPF_MISC | BPF_TXA, 0, 0, 0},
                                        {BPF_LD | BPF_IMM, 0, 0, Constant()},
                                        {BPF_LDX | BPF_IMM, 0, 0, Constant()},
                                        {BPF_LDX | BPF_W | BPF_LEN, 0, 0, 0}});
      default:
        return random_.Of<Instruction>({{BPF_ST, 0, 0, 0},
                                        {BPF_STX, 0, 0, 1},
                                        {BPF_LD | BPF_MEM, 0, 0, 1},
                                        {BPF_LDX | BPF_MEM, 0, 0, 0}});
    }
  }

  Random& random_;
  std::vector<std::uint32_t> returns_;
  std::vector<std::uint32_t> constants_ = {
      0, 1, 2, 3, 5, 39, 40, 0xff, 0x7e020000, 0x80000000, 0xffffffff};
};

/// Arguments made of the constants that random programs compare with.
inline CallData RandomCall(Random& random, RandomPrograms& programs,
                           std::uint32_t arch, std::uint32_t number) {
  CallData data{.number = number, .arch = arch};
  const auto word = [&]() -> std::uint64_t {
    return random.OneIn(3) ? random.Below(0x100000000) : programs.Constant();
  };
  data.instruction_pointer = word() << 32 | word();
  for (auto& argument : data.arguments) argument = word() << 32 | word();
  return data;
}

}  // namespace lab::seccomp
