// SPDX-License-Identifier: Apache-2.0
// Classic BPF as seccomp takes it: reading, checking, writing it down.
//
// Sources: Documentation/networking/filter.rst (the machine),
// Documentation/userspace-api/seccomp_filter.rst and linux/seccomp.h (the data
// it looks at), kernel/seccomp.c seccomp_check_filter() and net/core/filter.c
// bpf_check_classic() (what the kernel accepts).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runner/base/result.h"

namespace lab::seccomp {

/// struct sock_filter.
struct Instruction {
  std::uint16_t code = 0;
  std::uint8_t jump_true = 0;
  std::uint8_t jump_false = 0;
  std::uint32_t k = 0;

  bool operator==(const Instruction&) const = default;
};

using Program = std::vector<Instruction>;

/// struct seccomp_data. i386 calls have 32-bit arguments: upper halves are 0.
struct CallData {
  std::uint32_t number = 0;
  std::uint32_t arch = 0;  ///< AUDIT_ARCH_*
  std::uint64_t instruction_pointer = 0;
  std::uint64_t arguments[6] = {};

  /// The 32-bit word at `offset`, as BPF_LD|BPF_W|BPF_ABS reads it on a
  /// little-endian machine.
  std::uint32_t Word(std::uint32_t offset) const;
};

/// 16 hexadecimal digits an instruction: code, jt, jf, k.
Result<Program> ParseProgram(std::string_view hex);
std::string FormatProgram(const Program& program);

/// What seccomp_export_bpf(3) writes: the instructions in memory.
Result<Program> ProgramFromBytes(std::string_view bytes);

/// Whether the kernel would accept it as a seccomp filter; the error names the
/// instruction.
Status Validate(const Program& program);

/// One line an instruction, in the words of Documentation/networking/filter.rst
/// and with the names of seccomp_data's fields: "ld [nr]", "jeq #0x38, 3, 4",
/// "ret allow". Jump targets are numbers of instructions.
std::vector<std::string> Disassemble(const Program& program);

/// Runs one program, which must be valid, instruction by instruction; returns
/// its 32-bit value. Explore() is tested against it.
std::uint32_t Interpret(const Program& program, const CallData& data);

}  // namespace lab::seccomp
