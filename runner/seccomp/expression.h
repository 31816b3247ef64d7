// SPDX-License-Identifier: Apache-2.0
// Numbers made of a call's arguments, and comparisons of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runner/seccomp/program.h"

namespace lab::seccomp {

/// A number that may depend on a call's arguments. Numbers that do not are
/// plain; only the others have nodes.
class Expression {
 public:
  enum class Operator {
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kAnd,
    kOr,
    kXor,
    kShiftLeft,
    kShiftRight,
  };
  /// Which argument; 6 is the instruction pointer.
  static constexpr int kInstructionPointer = 6;

  Expression(std::uint64_t constant = 0) : constant_(constant) {}
  static Expression Argument(int index);
  /// 32-bit arithmetic, as BPF has it, but that kAnd and kShiftRight keep the
  /// 64 bits of an argument.
  static Expression Apply(Operator op, const Expression& left,
                          const Expression& right);

  bool IsConstant() const { return node_ == nullptr; }
  std::uint64_t constant() const { return constant_; }
  std::uint64_t Evaluate(const CallData& data) const;
  std::string ToString() const;

  /// The expression as (argument & mask) >> shift, if it is one.
  struct Masked {
    int argument;
    std::uint64_t mask;
    int shift;
  };
  std::optional<Masked> AsMasked() const;
  /// All constants in it.
  void CollectConstants(std::vector<std::uint64_t>& into) const;
  /// The arguments in it, as bits.
  unsigned Arguments() const;

 private:
  struct Node;
  std::shared_ptr<const Node> node_;
  std::uint64_t constant_ = 0;
};

enum class Relation {
  kEqual,
  kNotEqual,
  kGreater,
  kNotGreater,
  kLess,
  kNotLess,
};

/// "(arg0 & 0x7e020000) == 0". The right side of a comparison with a masked
/// argument is a constant; see Comparison::Of.
struct Comparison {
  Expression left;
  Relation relation = Relation::kEqual;
  Expression right;

  /// In its normal form, so that equal comparisons look equal.
  static Comparison Of(Expression left, Relation relation, Expression right);
  /// (argument & mask) relation value.
  static Comparison OfArgument(int argument, std::uint64_t mask,
                               Relation relation, std::uint64_t value);
  Comparison Negated() const;
  bool Holds(const CallData& data) const;
  std::string ToString() const;
  bool operator==(const Comparison& other) const;
};

/// The usual comparison: (argument & mask) relation value.
struct MaskedComparison {
  int argument;
  std::uint64_t mask;
  Relation relation;
  std::uint64_t value;
};
std::optional<MaskedComparison> AsMasked(const Comparison& comparison);

/// Whether left and right are related so.
bool Compare(std::uint64_t left, Relation relation, std::uint64_t right);

}  // namespace lab::seccomp
