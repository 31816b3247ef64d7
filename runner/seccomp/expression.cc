// SPDX-License-Identifier: Apache-2.0
#include "runner/seccomp/expression.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

namespace lab::seccomp {
namespace {

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();

std::uint64_t Field(const CallData& data, int index) {
  return index == Expression::kInstructionPointer ? data.instruction_pointer
                                                  : data.arguments[index];
}

std::string FieldName(int index) {
  return index == Expression::kInstructionPointer ? "ip"
                                                  : fmt::format("arg{}", index);
}

std::string Number(std::uint64_t value) {
  return value < 10 ? fmt::format("{}", value) : fmt::format("{:#x}", value);
}

std::uint64_t Calculate(Expression::Operator op, std::uint64_t left,
                        std::uint64_t right) {
  const auto l = static_cast<std::uint32_t>(left);
  const auto r = static_cast<std::uint32_t>(right);
  switch (op) {
    case Expression::Operator::kAdd:
      return static_cast<std::uint32_t>(l + r);
    case Expression::Operator::kSubtract:
      return static_cast<std::uint32_t>(l - r);
    case Expression::Operator::kMultiply:
      return static_cast<std::uint32_t>(l * r);
    case Expression::Operator::kDivide:
      return r == 0 ? 0 : l / r;
    case Expression::Operator::kAnd:
      return left & right;
    case Expression::Operator::kOr:
      return l | r;
    case Expression::Operator::kXor:
      return l ^ r;
    case Expression::Operator::kShiftLeft:
      return static_cast<std::uint32_t>(l << (r & 31));
    case Expression::Operator::kShiftRight:
      return left >> (right & 63);
  }
  return 0;
}

const char* Sign(Expression::Operator op) {
  switch (op) {
    case Expression::Operator::kAdd:
      return "+";
    case Expression::Operator::kSubtract:
      return "-";
    case Expression::Operator::kMultiply:
      return "*";
    case Expression::Operator::kDivide:
      return "/";
    case Expression::Operator::kAnd:
      return "&";
    case Expression::Operator::kOr:
      return "|";
    case Expression::Operator::kXor:
      return "^";
    case Expression::Operator::kShiftLeft:
      return "<<";
    case Expression::Operator::kShiftRight:
      return ">>";
  }
  return "?";
}

const char* Sign(Relation relation) {
  switch (relation) {
    case Relation::kEqual:
      return "==";
    case Relation::kNotEqual:
      return "!=";
    case Relation::kGreater:
      return ">";
    case Relation::kNotGreater:
      return "<=";
    case Relation::kLess:
      return "<";
    case Relation::kNotLess:
      return ">=";
  }
  return "?";
}

Relation Opposite(Relation relation) {
  switch (relation) {
    case Relation::kEqual:
      return Relation::kNotEqual;
    case Relation::kNotEqual:
      return Relation::kEqual;
    case Relation::kGreater:
      return Relation::kNotGreater;
    case Relation::kNotGreater:
      return Relation::kGreater;
    case Relation::kLess:
      return Relation::kNotLess;
    case Relation::kNotLess:
      return Relation::kLess;
  }
  return relation;
}

// a < b is b > a.
Relation Mirrored(Relation relation) {
  switch (relation) {
    case Relation::kGreater:
      return Relation::kLess;
    case Relation::kNotGreater:
      return Relation::kNotLess;
    case Relation::kLess:
      return Relation::kGreater;
    case Relation::kNotLess:
      return Relation::kNotGreater;
    default:
      return relation;
  }
}

}  // namespace

std::optional<MaskedComparison> AsMasked(const Comparison& comparison) {
  const auto masked = comparison.left.AsMasked();
  if (!masked || masked->shift != 0 || !comparison.right.IsConstant()) {
    return std::nullopt;
  }
  return MaskedComparison{masked->argument, masked->mask, comparison.relation,
                          comparison.right.constant()};
}

bool Compare(std::uint64_t left, Relation relation, std::uint64_t right) {
  switch (relation) {
    case Relation::kEqual:
      return left == right;
    case Relation::kNotEqual:
      return left != right;
    case Relation::kGreater:
      return left > right;
    case Relation::kNotGreater:
      return left <= right;
    case Relation::kLess:
      return left < right;
    case Relation::kNotLess:
      return left >= right;
  }
  return false;
}

struct Expression::Node {
  int argument = -1;  // or an operation:
  Operator op = Operator::kAdd;
  Expression left;
  Expression right;
};

Expression Expression::Argument(int index) {
  Expression argument;
  argument.node_ =
      std::make_shared<Node>(Node{.argument = index, .left = {}, .right = {}});
  return argument;
}

Expression Expression::Apply(Operator op, const Expression& left,
                             const Expression& right) {
  if (left.IsConstant() && right.IsConstant()) {
    return Expression(Calculate(op, left.constant_, right.constant_));
  }
  Expression result;
  result.node_ = std::make_shared<Node>(
      Node{.argument = -1, .op = op, .left = left, .right = right});
  return result;
}

std::uint64_t Expression::Evaluate(const CallData& data) const {
  if (IsConstant()) return constant_;
  if (node_->argument >= 0) return Field(data, node_->argument);
  return Calculate(node_->op, node_->left.Evaluate(data),
                   node_->right.Evaluate(data));
}

std::string Expression::ToString() const {
  if (IsConstant()) return Number(constant_);
  if (const auto masked = AsMasked()) {
    std::string text = FieldName(masked->argument);
    if (masked->mask == 0xffffffff) {
      text += ".lo";  // as the disassembler calls it
    } else if (masked->mask != kAll) {
      text = fmt::format("({} & {})", text, Number(masked->mask));
    }
    if (masked->shift != 0) text += fmt::format(" >> {}", masked->shift);
    return text;
  }
  return fmt::format("({} {} {})", node_->left.ToString(), Sign(node_->op),
                     node_->right.ToString());
}

std::optional<Expression::Masked> Expression::AsMasked() const {
  if (IsConstant()) return std::nullopt;
  if (node_->argument >= 0) return Masked{node_->argument, kAll, 0};
  const Expression* inner = &node_->left;
  const Expression* constant = &node_->right;
  if (node_->op == Operator::kAnd && inner->IsConstant()) {
    std::swap(inner, constant);
  }
  if (!constant->IsConstant()) return std::nullopt;
  auto masked = inner->AsMasked();
  if (!masked) return std::nullopt;
  if (node_->op == Operator::kAnd) {
    masked->mask &= constant->constant_ << masked->shift;
    return masked;
  }
  if (node_->op == Operator::kShiftRight) {
    const auto more = static_cast<int>(constant->constant_ & 63);
    if (masked->shift + more > 63) return std::nullopt;
    masked->shift += more;
    masked->mask &= kAll << masked->shift;
    return masked;
  }
  return std::nullopt;
}

void Expression::CollectConstants(std::vector<std::uint64_t>& into) const {
  if (IsConstant()) {
    into.push_back(constant_);
  } else if (node_->argument < 0) {
    node_->left.CollectConstants(into);
    node_->right.CollectConstants(into);
  }
}

unsigned Expression::Arguments() const {
  if (IsConstant()) return 0;
  if (node_->argument >= 0) return 1U << node_->argument;
  return node_->left.Arguments() | node_->right.Arguments();
}

Comparison Comparison::Of(Expression left, Relation relation,
                          Expression right) {
  if (left.IsConstant() && !right.IsConstant()) {
    std::swap(left, right);
    relation = Mirrored(relation);
  }
  const auto masked = left.AsMasked();
  if (masked && right.IsConstant() &&
      (right.constant() << masked->shift) >> masked->shift ==
          right.constant()) {
    return OfArgument(masked->argument, masked->mask, relation,
                      right.constant() << masked->shift);
  }
  return {std::move(left), relation, std::move(right)};
}

Comparison Comparison::OfArgument(int argument, std::uint64_t mask,
                                  Relation relation, std::uint64_t value) {
  // The only spelling of "is 0" and "is not 0".
  if (value == 0 && relation == Relation::kGreater) {
    relation = Relation::kNotEqual;
  }
  if (value == 0 && relation == Relation::kNotGreater) {
    relation = Relation::kEqual;
  }
  Expression left = Expression::Argument(argument);
  if (mask != kAll) {
    left = Expression::Apply(Expression::Operator::kAnd, left, mask);
  }
  return {std::move(left), relation, value};
}

Comparison Comparison::Negated() const {
  return Of(left, Opposite(relation), right);
}

bool Comparison::Holds(const CallData& data) const {
  return Compare(left.Evaluate(data), relation, right.Evaluate(data));
}

std::string Comparison::ToString() const {
  return fmt::format("{} {} {}", left.ToString(), Sign(relation),
                     right.ToString());
}

bool Comparison::operator==(const Comparison& other) const {
  if (relation != other.relation) return false;
  const auto mine = AsMasked(*this);
  const auto its = AsMasked(other);
  if (mine && its) {
    return mine->argument == its->argument && mine->mask == its->mask &&
           mine->value == its->value;
  }
  return mine.has_value() == its.has_value() && ToString() == other.ToString();
}

}  // namespace lab::seccomp
