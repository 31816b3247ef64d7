// SPDX-License-Identifier: Apache-2.0
#include "runner/seccomp/program.h"

#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <array>
#include <charconv>
#include <cstring>

#include "runner/seccomp/outcome.h"

namespace lab::seccomp {
namespace {

constexpr std::size_t kDigits = 16;
constexpr std::uint32_t kDataSize = sizeof(seccomp_data);
// The scratch words that have been stored to, as a bit set.
using Stored = std::uint32_t;

bool UsesX(std::uint16_t code) { return BPF_SRC(code) == BPF_X; }

// The list of kernel/seccomp.c; BPF_MOD is not in it.
bool Allowed(std::uint16_t code) {
  switch (code) {
    case BPF_LD | BPF_W | BPF_ABS:
    case BPF_LD | BPF_W | BPF_LEN:
    case BPF_LDX | BPF_W | BPF_LEN:
    case BPF_RET | BPF_K:
    case BPF_RET | BPF_A:
    case BPF_ALU | BPF_ADD | BPF_K:
    case BPF_ALU | BPF_ADD | BPF_X:
    case BPF_ALU | BPF_SUB | BPF_K:
    case BPF_ALU | BPF_SUB | BPF_X:
    case BPF_ALU | BPF_MUL | BPF_K:
    case BPF_ALU | BPF_MUL | BPF_X:
    case BPF_ALU | BPF_DIV | BPF_K:
    case BPF_ALU | BPF_DIV | BPF_X:
    case BPF_ALU | BPF_AND | BPF_K:
    case BPF_ALU | BPF_AND | BPF_X:
    case BPF_ALU | BPF_OR | BPF_K:
    case BPF_ALU | BPF_OR | BPF_X:
    case BPF_ALU | BPF_XOR | BPF_K:
    case BPF_ALU | BPF_XOR | BPF_X:
    case BPF_ALU | BPF_LSH | BPF_K:
    case BPF_ALU | BPF_LSH | BPF_X:
    case BPF_ALU | BPF_RSH | BPF_K:
    case BPF_ALU | BPF_RSH | BPF_X:
    case BPF_ALU | BPF_NEG:
    case BPF_LD | BPF_IMM:
    case BPF_LDX | BPF_IMM:
    case BPF_MISC | BPF_TAX:
    case BPF_MISC | BPF_TXA:
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
    case BPF_JMP | BPF_JA:
    case BPF_JMP | BPF_JEQ | BPF_K:
    case BPF_JMP | BPF_JEQ | BPF_X:
    case BPF_JMP | BPF_JGE | BPF_K:
    case BPF_JMP | BPF_JGE | BPF_X:
    case BPF_JMP | BPF_JGT | BPF_K:
    case BPF_JMP | BPF_JGT | BPF_X:
    case BPF_JMP | BPF_JSET | BPF_K:
    case BPF_JMP | BPF_JSET | BPF_X:
      return true;
    default:
      return false;
  }
}

// What is wrong with the operand of one instruction; empty if nothing is.
std::string BadOperand(const Instruction& one, std::size_t behind) {
  switch (one.code) {
    case BPF_LD | BPF_W | BPF_ABS:
      if (one.k >= kDataSize || one.k % 4 != 0) {
        return fmt::format("loads from offset {}, which is no field", one.k);
      }
      return "";
    case BPF_ALU | BPF_DIV | BPF_K:
      return one.k == 0 ? "divides by zero" : "";
    case BPF_ALU | BPF_LSH | BPF_K:
    case BPF_ALU | BPF_RSH | BPF_K:
      return one.k >= 32 ? "shifts by 32 bits or more" : "";
    case BPF_LD | BPF_MEM:
    case BPF_LDX | BPF_MEM:
    case BPF_ST:
    case BPF_STX:
      return one.k >= BPF_MEMWORDS ? fmt::format("uses scratch word {}", one.k)
                                   : "";
    case BPF_JMP | BPF_JA:
      return one.k >= behind ? "jumps behind the end" : "";
    default:
      if (BPF_CLASS(one.code) == BPF_JMP &&
          (one.jump_true >= behind || one.jump_false >= behind)) {
        return "jumps behind the end";
      }
      return "";
  }
}

// As check_load_and_stores(): a scratch word is read only where every way to
// get there has stored to it. Jumps only lead forwards, so one pass is enough.
Status CheckScratch(const Program& program) {
  std::vector<Stored> before(program.size(), ~Stored{0});
  Stored now = 0;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const Instruction& one = program[at];
    now &= before[at];
    const auto flows_to = [&](std::size_t distance) {
      before[at + 1 + distance] &= now;
    };
    if (one.code == BPF_ST || one.code == BPF_STX) {
      now |= Stored{1} << one.k;
    } else if (one.code == (BPF_LD | BPF_MEM) ||
               one.code == (BPF_LDX | BPF_MEM)) {
      if ((now & (Stored{1} << one.k)) == 0) {
        return Error{fmt::format(
            "instruction {} reads scratch word {} before it is stored to", at,
            one.k)};
      }
    } else if (one.code == (BPF_JMP | BPF_JA)) {
      flows_to(one.k);
      now = ~Stored{0};
    } else if (BPF_CLASS(one.code) == BPF_JMP) {
      flows_to(one.jump_true);
      flows_to(one.jump_false);
      now = ~Stored{0};
    }
  }
  return {};
}

std::string FieldName(std::uint32_t offset) {
  if (offset == offsetof(seccomp_data, nr)) return "nr";
  if (offset == offsetof(seccomp_data, arch)) return "arch";
  const bool high = offset % 8 != 0;
  if (offset < offsetof(seccomp_data, args)) return high ? "ip.hi" : "ip.lo";
  const auto index = (offset - offsetof(seccomp_data, args)) / 8;
  return fmt::format("args[{}].{}", index, high ? "hi" : "lo");
}

std::string_view Mnemonic(std::uint16_t code) {
  if (BPF_CLASS(code) == BPF_JMP) {
    switch (BPF_OP(code)) {
      case BPF_JEQ:
        return "jeq";
      case BPF_JGE:
        return "jge";
      case BPF_JGT:
        return "jgt";
      case BPF_JSET:
        return "jset";
      default:
        return "jmp";
    }
  }
  switch (BPF_OP(code)) {
    case BPF_ADD:
      return "add";
    case BPF_SUB:
      return "sub";
    case BPF_MUL:
      return "mul";
    case BPF_DIV:
      return "div";
    case BPF_AND:
      return "and";
    case BPF_OR:
      return "or";
    case BPF_XOR:
      return "xor";
    case BPF_LSH:
      return "lsh";
    case BPF_RSH:
      return "rsh";
    default:
      return "neg";
  }
}

std::string Line(const Instruction& one, std::size_t at) {
  const std::string operand =
      UsesX(one.code) ? "x" : fmt::format("#{:#x}", one.k);
  switch (one.code) {
    case BPF_LD | BPF_W | BPF_ABS:
      return fmt::format("ld [{}]", FieldName(one.k));
    case BPF_LD | BPF_W | BPF_LEN:
      return "ld len";
    case BPF_LDX | BPF_W | BPF_LEN:
      return "ldx len";
    case BPF_LD | BPF_IMM:
      return fmt::format("ld #{:#x}", one.k);
    case BPF_LDX | BPF_IMM:
      return fmt::format("ldx #{:#x}", one.k);
    case BPF_LD | BPF_MEM:
      return fmt::format("ld M[{}]", one.k);
    case BPF_LDX | BPF_MEM:
      return fmt::format("ldx M[{}]", one.k);
    case BPF_ST:
      return fmt::format("st M[{}]", one.k);
    case BPF_STX:
      return fmt::format("stx M[{}]", one.k);
    case BPF_MISC | BPF_TAX:
      return "tax";
    case BPF_MISC | BPF_TXA:
      return "txa";
    case BPF_RET | BPF_A:
      return "ret a";
    case BPF_RET | BPF_K:
      return "ret " + Outcome::Of(one.k).ToString();
    case BPF_JMP | BPF_JA:
      return fmt::format("jmp {}", at + 1 + one.k);
    case BPF_ALU | BPF_NEG:
      return "neg";
    default:
      break;
  }
  if (!Allowed(one.code)) {
    return fmt::format(".code {:#06x}, {}, {}, {:#x}", one.code, one.jump_true,
                       one.jump_false, one.k);
  }
  if (BPF_CLASS(one.code) == BPF_ALU) {
    return fmt::format("{} {}", Mnemonic(one.code), operand);
  }
  return fmt::format("{} {}, {}, {}", Mnemonic(one.code), operand,
                     at + 1 + one.jump_true, at + 1 + one.jump_false);
}

struct Machine {
  std::uint32_t a = 0;
  std::uint32_t x = 0;
  std::array<std::uint32_t, BPF_MEMWORDS> scratch{};
};

// False: division by zero, which ends the program with 0.
bool Calculate(Machine& machine, std::uint16_t code, std::uint32_t operand) {
  switch (BPF_OP(code)) {
    case BPF_ADD:
      machine.a += operand;
      return true;
    case BPF_SUB:
      machine.a -= operand;
      return true;
    case BPF_MUL:
      machine.a *= operand;
      return true;
    case BPF_DIV:
      if (operand == 0) return false;
      machine.a /= operand;
      return true;
    case BPF_AND:
      machine.a &= operand;
      return true;
    case BPF_OR:
      machine.a |= operand;
      return true;
    case BPF_XOR:
      machine.a ^= operand;
      return true;
    case BPF_LSH:
      machine.a <<= operand & 31;
      return true;
    case BPF_RSH:
      machine.a >>= operand & 31;
      return true;
    default:
      machine.a = 0 - machine.a;
      return true;
  }
}

bool Holds(std::uint16_t code, std::uint32_t a, std::uint32_t operand) {
  switch (BPF_OP(code)) {
    case BPF_JEQ:
      return a == operand;
    case BPF_JGE:
      return a >= operand;
    case BPF_JGT:
      return a > operand;
    default:
      return (a & operand) != 0;
  }
}

}  // namespace

std::uint32_t CallData::Word(std::uint32_t offset) const {
  if (offset == offsetof(seccomp_data, nr)) return number;
  if (offset == offsetof(seccomp_data, arch)) return arch;
  const std::uint64_t field =
      offset < offsetof(seccomp_data, args)
          ? instruction_pointer
          : arguments[(offset - offsetof(seccomp_data, args)) / 8];
  return static_cast<std::uint32_t>(offset % 8 == 0 ? field : field >> 32);
}

Result<Program> ParseProgram(std::string_view hex) {
  if (hex.size() % kDigits != 0) {
    return Error{"a program has 16 hexadecimal digits an instruction"};
  }
  Program program;
  for (; !hex.empty(); hex.remove_prefix(kDigits)) {
    std::uint64_t bits = 0;
    const char* end = hex.data() + kDigits;
    const auto read = std::from_chars(hex.data(), end, bits, 16);
    if (read.ec != std::errc{} || read.ptr != end) {
      return Error{
          fmt::format("\"{}\" is no instruction", hex.substr(0, kDigits))};
    }
    program.push_back({.code = static_cast<std::uint16_t>(bits >> 48),
                       .jump_true = static_cast<std::uint8_t>(bits >> 40),
                       .jump_false = static_cast<std::uint8_t>(bits >> 32),
                       .k = static_cast<std::uint32_t>(bits)});
  }
  return program;
}

std::string FormatProgram(const Program& program) {
  std::string hex;
  for (const auto& one : program) {
    hex += fmt::format("{:04x}{:02x}{:02x}{:08x}", one.code, one.jump_true,
                       one.jump_false, one.k);
  }
  return hex;
}

Result<Program> ProgramFromBytes(std::string_view bytes) {
  if (bytes.size() % sizeof(sock_filter) != 0) {
    return Error{"a program has 8 bytes an instruction"};
  }
  Program program;
  for (; !bytes.empty(); bytes.remove_prefix(sizeof(sock_filter))) {
    sock_filter raw{};
    std::memcpy(&raw, bytes.data(), sizeof raw);
    program.push_back({raw.code, raw.jt, raw.jf, raw.k});
  }
  return program;
}

Status Validate(const Program& program) {
  if (program.empty()) return Error{"a program without instructions"};
  if (program.size() > BPF_MAXINSNS) {
    return Error{fmt::format("{} instructions; the kernel takes {}",
                             program.size(), BPF_MAXINSNS)};
  }
  for (std::size_t at = 0; at < program.size(); ++at) {
    const Instruction& one = program[at];
    if (!Allowed(one.code)) {
      return Error{
          fmt::format("instruction {} has code {:#x}, which seccomp "
                      "does not take",
                      at, one.code)};
    }
    const std::string bad = BadOperand(one, program.size() - at - 1);
    if (!bad.empty()) return Error{fmt::format("instruction {} {}", at, bad)};
  }
  if (BPF_CLASS(program.back().code) != BPF_RET) {
    return Error{"the last instruction does not return"};
  }
  return CheckScratch(program);
}

std::vector<std::string> Disassemble(const Program& program) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < program.size(); ++at) {
    lines.push_back(fmt::format("{:4}  {}", at, Line(program[at], at)));
  }
  return lines;
}

std::uint32_t Interpret(const Program& program, const CallData& data) {
  Machine m;
  for (std::size_t at = 0;; ++at) {
    const Instruction& one = program.at(at);
    const std::uint32_t operand = UsesX(one.code) ? m.x : one.k;
    switch (BPF_CLASS(one.code)) {
      case BPF_LD:
        m.a = BPF_MODE(one.code) == BPF_ABS   ? data.Word(one.k)
              : BPF_MODE(one.code) == BPF_LEN ? kDataSize
              : BPF_MODE(one.code) == BPF_MEM ? m.scratch.at(one.k)
                                              : one.k;
        break;
      case BPF_LDX:
        m.x = BPF_MODE(one.code) == BPF_LEN   ? kDataSize
              : BPF_MODE(one.code) == BPF_MEM ? m.scratch.at(one.k)
                                              : one.k;
        break;
      case BPF_ST:
        m.scratch.at(one.k) = m.a;
        break;
      case BPF_STX:
        m.scratch.at(one.k) = m.x;
        break;
      case BPF_ALU:
        if (!Calculate(m, one.code, operand)) return 0;
        break;
      case BPF_JMP:
        at += BPF_OP(one.code) == BPF_JA      ? one.k
              : Holds(one.code, m.a, operand) ? one.jump_true
                                              : one.jump_false;
        break;
      case BPF_RET:
        return BPF_RVAL(one.code) == BPF_A ? m.a : one.k;
      default:
        if (BPF_MISCOP(one.code) == BPF_TAX) {
          m.x = m.a;
        } else {
          m.a = m.x;
        }
    }
  }
}

}  // namespace lab::seccomp
