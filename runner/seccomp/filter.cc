// SPDX-License-Identifier: Apache-2.0
#include "runner/seccomp/filter.h"

#include <fmt/format.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <array>

namespace lab::seccomp {
namespace {

constexpr std::size_t kMostPaths = 65536;

// A walk through the programs with the registers as they are there.
struct State {
  std::size_t program = 0;
  std::size_t at = 0;
  Expression a;
  Expression x;
  std::array<Expression, BPF_MEMWORDS> scratch{};
  std::uint32_t combined = SECCOMP_RET_ALLOW;
};

Expression::Operator OperatorOf(std::uint16_t code) {
  switch (BPF_OP(code)) {
    case BPF_ADD:
      return Expression::Operator::kAdd;
    case BPF_SUB:
      return Expression::Operator::kSubtract;
    case BPF_MUL:
      return Expression::Operator::kMultiply;
    case BPF_DIV:
      return Expression::Operator::kDivide;
    case BPF_AND:
      return Expression::Operator::kAnd;
    case BPF_OR:
      return Expression::Operator::kOr;
    case BPF_XOR:
      return Expression::Operator::kXor;
    case BPF_LSH:
      return Expression::Operator::kShiftLeft;
    default:
      return Expression::Operator::kShiftRight;
  }
}

class Explorer {
 public:
  Explorer(const Programs& programs, std::uint32_t arch, std::uint32_t number)
      : programs_(programs), arch_(arch), number_(number) {}

  Result<Decisions> Decide() {
    LAB_CHECK_OK(Walk(State{}));
    return Simplified(std::move(found_));
  }

 private:
  Status Walk(State state) {
    while (state.program < programs_.size()) {
      const Instruction& one = programs_[state.program].at(state.at);
      ++state.at;
      switch (BPF_CLASS(one.code)) {
        case BPF_JMP: {
          if (BPF_OP(one.code) == BPF_JA) {
            state.at += one.k;
            break;
          }
          if (state.a.IsConstant() && BPF_SRC(one.code) == BPF_K) {
            state.at +=
                Holds(one, state.a.constant()) ? one.jump_true : one.jump_false;
            break;
          }
          const Comparison condition = Condition(one, state);
          const auto way = Settled(path_, condition);
          if (!way) return Branch(one, state, condition);
          state.at += *way ? one.jump_true : one.jump_false;
          break;
        }
        case BPF_RET:
          LAB_CHECK_OK(Return(one, state));
          break;
        case BPF_ALU:
          if (BPF_OP(one.code) == BPF_DIV && BPF_SRC(one.code) == BPF_X) {
            return Divide(one, std::move(state));
          }
          Calculate(one, state);
          break;
        default:
          Move(one, state);
      }
    }
    if (found_.size() == kMostPaths) {
      return Error{
          fmt::format("more than {} paths for call {}", kMostPaths, number_)};
    }
    found_.push_back({path_, Outcome::Of(state.combined)});
    return {};
  }

  // The operand that is tested or calculated with.
  static Expression Operand(const Instruction& one, const State& state) {
    return BPF_SRC(one.code) == BPF_X ? state.x : Expression(one.k);
  }

  // Most tests are of the number and the architecture, which are known.
  static bool Holds(const Instruction& one, std::uint64_t a) {
    switch (BPF_OP(one.code)) {
      case BPF_JEQ:
        return a == one.k;
      case BPF_JGE:
        return a >= one.k;
      case BPF_JGT:
        return a > one.k;
      default:
        return (a & one.k) != 0;
    }
  }

  static Comparison Condition(const Instruction& one, const State& state) {
    const Expression operand = Operand(one, state);
    switch (BPF_OP(one.code)) {
      case BPF_JEQ:
        return Comparison::Of(state.a, Relation::kEqual, operand);
      case BPF_JGE:
        return Comparison::Of(state.a, Relation::kNotLess, operand);
      case BPF_JGT:
        return Comparison::Of(state.a, Relation::kGreater, operand);
      default:
        return Comparison::Of(
            Expression::Apply(Expression::Operator::kAnd, state.a, operand),
            Relation::kNotEqual, 0);
    }
  }

  Status Branch(const Instruction& one, const State& state,
                const Comparison& condition) {
    for (const bool way : {true, false}) {
      State next = state;
      next.at += way ? one.jump_true : one.jump_false;
      path_.push_back(way ? condition : condition.Negated());
      const auto walked = Walk(std::move(next));
      path_.pop_back();
      LAB_CHECK_OK(walked);
    }
    return {};
  }

  // A value that is returned from an argument has one outcome a value: beyond
  // what a list of decisions can say, and nothing that generators write.
  Status Return(const Instruction& one, State& state) {
    const Expression value =
        BPF_RVAL(one.code) == BPF_A ? state.a : Expression(one.k);
    if (!value.IsConstant()) {
      return Error{fmt::format(
          "program {} returns a value calculated from the arguments of call "
          "{}: {}",
          state.program, number_, value.ToString())};
    }
    Finish(static_cast<std::uint32_t>(value.constant()), state);
    return {};
  }

  // On to the next program, whose registers begin as 0.
  static void Finish(std::uint32_t returned, State& state) {
    State next;
    next.program = state.program + 1;
    next.combined = Combine(state.combined, returned);
    state = next;
  }

  // Division by X = 0 ends a program with 0 (net/core/filter.c,
  // bpf_convert_filter()).
  Status Divide(const Instruction& one, State state) {
    const auto nonzero = Comparison::Of(state.x, Relation::kNotEqual, 0);
    const auto settled = Settled(path_, nonzero);
    for (const bool way : {true, false}) {
      if (settled && *settled != way) continue;
      State next = state;
      if (way) {
        Calculate(one, next);
      } else {
        Finish(0, next);
      }
      if (!settled) path_.push_back(way ? nonzero : nonzero.Negated());
      const auto walked = Walk(std::move(next));
      if (!settled) path_.pop_back();
      LAB_CHECK_OK(walked);
    }
    return {};
  }

  static void Calculate(const Instruction& one, State& state) {
    if (BPF_OP(one.code) == BPF_NEG) {
      state.a = Expression::Apply(Expression::Operator::kSubtract, 0, state.a);
      return;
    }
    Expression operand = Operand(one, state);
    const bool shift =
        BPF_OP(one.code) == BPF_LSH || BPF_OP(one.code) == BPF_RSH;
    if (shift && !operand.IsConstant()) {
      operand = Expression::Apply(Expression::Operator::kAnd, operand, 31);
    } else if (shift) {
      operand = operand.constant() & 31;
    }
    state.a = Expression::Apply(OperatorOf(one.code), state.a, operand);
  }

  void Move(const Instruction& one, State& state) const {
    switch (BPF_CLASS(one.code)) {
      case BPF_LD:
        state.a = Loaded(one, state);
        break;
      case BPF_LDX:
        state.x = Loaded(one, state);
        break;
      case BPF_ST:
        state.scratch.at(one.k) = state.a;
        break;
      case BPF_STX:
        state.scratch.at(one.k) = state.x;
        break;
      default:
        if (BPF_MISCOP(one.code) == BPF_TAX) {
          state.x = state.a;
        } else {
          state.a = state.x;
        }
    }
  }

  Expression Loaded(const Instruction& one, const State& state) const {
    switch (BPF_MODE(one.code)) {
      case BPF_ABS:
        return Field(one.k);
      case BPF_LEN:
        return sizeof(seccomp_data);
      case BPF_MEM:
        return state.scratch.at(one.k);
      default:
        return one.k;
    }
  }

  Expression Field(std::uint32_t offset) const {
    if (offset == offsetof(seccomp_data, nr)) return number_;
    if (offset == offsetof(seccomp_data, arch)) return arch_;
    const bool high = offset % 8 != 0;
    // A 32-bit call has no upper halves.
    if (high && arch_ == AUDIT_ARCH_I386) return 0;
    const int index =
        offset < offsetof(seccomp_data, args)
            ? Expression::kInstructionPointer
            : static_cast<int>((offset - offsetof(seccomp_data, args)) / 8);
    const auto field = Expression::Argument(index);
    if (high) {
      return Expression::Apply(Expression::Operator::kShiftRight, field, 32);
    }
    return Expression::Apply(Expression::Operator::kAnd, field, 0xffffffff);
  }

  const Programs& programs_;
  std::uint32_t arch_;
  std::uint32_t number_;
  std::vector<Comparison> path_;
  Decisions found_;
};

}  // namespace

Outcome RunAll(const Programs& programs, const CallData& data) {
  std::uint32_t combined = SECCOMP_RET_ALLOW;
  for (const auto& program : programs) {
    combined = Combine(combined, Interpret(program, data));
  }
  return Outcome::Of(combined);
}

Result<Decisions> Explore(const Programs& programs, std::uint32_t arch,
                          std::uint32_t number) {
  return Explorer(programs, arch, number).Decide();
}

}  // namespace lab::seccomp
