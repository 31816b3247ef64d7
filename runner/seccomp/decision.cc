// SPDX-License-Identifier: Apache-2.0
#include "runner/seccomp/decision.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "runner/base/text.h"

namespace lab::seccomp {
namespace {

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
constexpr int kFields = 7;  // six arguments and the instruction pointer

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

// (argument & mask) relation value.
struct Test {
  int argument;
  std::uint64_t mask;
  Relation relation;
  std::uint64_t value;
};

std::optional<Test> AsTest(const Comparison& comparison) {
  const auto masked = comparison.left.AsMasked();
  if (!masked || masked->shift != 0 || !comparison.right.IsConstant()) {
    return std::nullopt;
  }
  return Test{masked->argument, masked->mask, comparison.relation,
              comparison.right.constant()};
}

// What is known of one argument: some bits for certain, and of each mask that
// was compared with constants, bounds and values that are ruled out.
class Knowledge {
 public:
  Knowledge(const std::vector<Comparison>& path, const Test& about) {
    for (const auto& comparison : path) {
      const auto test = AsTest(comparison);
      if (!test || test->argument != about.argument) continue;
      if (test->relation == Relation::kEqual) {
        bits_ |= test->mask;
        value_ |= test->value;
      }
      if (test->mask == about.mask) Narrow(*test);
    }
  }

  std::optional<bool> Settles(const Test& test) const {
    if ((test.mask & ~bits_) == 0) {
      return Compare(value_ & test.mask, test.relation, test.value);
    }
    switch (test.relation) {
      case Relation::kEqual:
      case Relation::kNotEqual:
        if (test.value < least_ || test.value > most_ ||
            excluded_.count(test.value) != 0 ||
            (test.value & ~test.mask) != 0 ||
            ((test.value ^ value_) & bits_ & test.mask) != 0) {
          return test.relation == Relation::kNotEqual;
        }
        return std::nullopt;
      default:
        break;
    }
    const bool low = Compare(least_, test.relation, test.value);
    const bool high =
        Compare(std::min(most_, test.mask), test.relation, test.value);
    if (low == high) return low;
    return std::nullopt;
  }

 private:
  void Narrow(const Test& test) {
    switch (test.relation) {
      case Relation::kEqual:
        least_ = std::max(least_, test.value);
        most_ = std::min(most_, test.value);
        break;
      case Relation::kNotEqual:
        excluded_.insert(test.value);
        break;
      case Relation::kGreater:
        if (test.value != kAll) least_ = std::max(least_, test.value + 1);
        break;
      case Relation::kNotGreater:
        most_ = std::min(most_, test.value);
        break;
      case Relation::kLess:
        if (test.value != 0) most_ = std::min(most_, test.value - 1);
        break;
      case Relation::kNotLess:
        least_ = std::max(least_, test.value);
        break;
    }
  }

  std::uint64_t bits_ = 0;
  std::uint64_t value_ = 0;
  std::uint64_t least_ = 0;
  std::uint64_t most_ = kAll;
  std::set<std::uint64_t> excluded_;
};

// Two tests of disjoint parts of an argument as one, if there is such a test:
// equalities join, and a part above that is 0 leaves a bound as it is.
std::optional<Comparison> Joined(const Comparison& a, const Comparison& b) {
  const auto one = AsTest(a);
  const auto other = AsTest(b);
  if (!one || !other || one->argument != other->argument ||
      (one->mask & other->mask) != 0 || one->relation != Relation::kEqual) {
    return std::nullopt;
  }
  if (other->relation == Relation::kEqual) {
    return Comparison::OfArgument(one->argument, one->mask | other->mask,
                                  Relation::kEqual, one->value | other->value);
  }
  const bool bound = other->relation == Relation::kLess ||
                     other->relation == Relation::kNotGreater;
  if (bound && one->value == 0 && one->mask > other->mask) {
    return Comparison::OfArgument(one->argument, one->mask | other->mask,
                                  other->relation, other->value);
  }
  return std::nullopt;
}

void JoinHalves(std::vector<Comparison>& when) {
  for (std::size_t a = 0; a < when.size(); ++a) {
    for (std::size_t b = 0; b < when.size(); ++b) {
      if (a == b) continue;
      const auto joined = Joined(when[a], when[b]);
      if (!joined) continue;
      when[std::min(a, b)] = *joined;
      when.erase(when.begin() + static_cast<std::ptrdiff_t>(std::max(a, b)));
      return JoinHalves(when);
    }
  }
}

bool Contains(const std::vector<Comparison>& all, const Comparison& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// Whether an earlier decision matches wherever `when` with one comparison
// turned around does: then that comparison says nothing new.
bool DealtWith(const Decisions& earlier, std::vector<Comparison> when,
               std::size_t turned) {
  when[turned] = when[turned].Negated();
  return std::any_of(
      earlier.begin(), earlier.end(), [&](const Decision& decision) {
        return std::all_of(
            decision.when.begin(), decision.when.end(),
            [&](const Comparison& one) { return Contains(when, one); });
      });
}

// "S and c: X; S: Y; else X" at the end of a list is "S and not c: Y; else X".
void TurnAroundAtTheEnd(Decisions& decisions) {
  while (decisions.size() >= 3) {
    const auto last = decisions.end() - 1;
    const auto inner = last - 2;
    const auto outer = last - 1;
    std::vector<Comparison> more;
    for (const auto& one : inner->when) {
      if (!Contains(outer->when, one)) more.push_back(one);
    }
    if (inner->then != last->then || more.size() != 1 ||
        inner->when.size() != outer->when.size() + 1) {
      return;
    }
    outer->when.push_back(more.front().Negated());
    decisions.erase(inner);
  }
}

using Candidates = std::set<std::uint64_t>;

void AddCandidates(const Test& test, Candidates& into) {
  const std::uint64_t step = test.mask & (~test.mask + 1);
  for (const std::uint64_t value :
       {test.value, test.value + step, test.value - step}) {
    into.insert(value & test.mask);
    into.insert((value & test.mask) | ~test.mask);
  }
  for (int bit = 0; bit < 64; ++bit) {
    const std::uint64_t one = std::uint64_t{1} << bit;
    if ((test.mask & one) != 0) into.insert(test.value ^ one);
  }
}

// Constants of comparisons of some other form, which Samples() cannot solve.
void AddCandidates(const Comparison& comparison, Candidates& into) {
  std::vector<std::uint64_t> constants;
  comparison.left.CollectConstants(constants);
  comparison.right.CollectConstants(constants);
  for (const std::uint64_t constant : constants) {
    for (const int shift : {0, 32}) {
      into.insert(constant << shift);
      into.insert((constant + 1) << shift);
      into.insert((constant - 1) << shift);
      into.insert(~(constant << shift));
    }
  }
}

// What each argument is tried with: constants of one part of it together with
// those of the others.
Candidates CandidatesFor(int argument, const std::vector<Comparison>& all) {
  Candidates candidates = {0, kAll};
  std::set<std::pair<std::uint64_t, std::uint64_t>> parts;
  for (const auto& comparison : all) {
    const auto test = AsTest(comparison);
    if (test && test->argument == argument) {
      AddCandidates(*test, candidates);
      parts.insert({test->mask, test->value});
    } else if (!test) {
      AddCandidates(comparison, candidates);
    }
  }
  for (const auto& [mask, value] : parts) {
    for (const auto& [other_mask, other] : parts) {
      if ((mask & other_mask) != 0) continue;
      candidates.insert(value | other);
      candidates.insert(value | ((other + 1) & other_mask));
      candidates.insert(value | ((other - 1) & other_mask));
    }
  }
  return candidates;
}

}  // namespace

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
  const auto mine = AsTest(*this);
  const auto its = AsTest(other);
  if (mine && its) {
    return mine->argument == its->argument && mine->mask == its->mask &&
           mine->value == its->value;
  }
  return mine.has_value() == its.has_value() && ToString() == other.ToString();
}

Outcome OutcomeAt(const Decisions& decisions, const CallData& data) {
  for (const auto& decision : decisions) {
    const bool all =
        std::all_of(decision.when.begin(), decision.when.end(),
                    [&](const Comparison& one) { return one.Holds(data); });
    if (all) return decision.then;
  }
  return decisions.back().then;
}

std::optional<bool> Settled(const std::vector<Comparison>& path,
                            const Comparison& comparison) {
  if (comparison.left.IsConstant() && comparison.right.IsConstant()) {
    return comparison.Holds(CallData{});
  }
  if (Contains(path, comparison)) return true;
  if (Contains(path, comparison.Negated())) return false;
  const auto test = AsTest(comparison);
  if (!test) return std::nullopt;
  return Knowledge(path, *test).Settles(*test);
}

Decisions Simplified(Decisions decisions) {
  Decisions kept;
  for (auto& decision : decisions) {
    for (std::size_t at = decision.when.size(); at-- > 0;) {
      if (DealtWith(kept, decision.when, at)) {
        decision.when.erase(decision.when.begin() +
                            static_cast<std::ptrdiff_t>(at));
      }
    }
    const bool always = decision.when.empty();
    kept.push_back(std::move(decision));
    if (always) break;  // what follows is never reached
  }
  // The paths through a program leave nothing out, so the last needs no "if".
  kept.back().when.clear();
  while (kept.size() > 1 && kept[kept.size() - 2].then == kept.back().then) {
    kept.erase(kept.end() - 2);
  }
  TurnAroundAtTheEnd(kept);
  for (auto& decision : kept) JoinHalves(decision.when);
  return kept;
}

std::string ToString(const Decisions& decisions) {
  std::string text;
  for (std::size_t at = 0; at < decisions.size(); ++at) {
    const Decision& decision = decisions[at];
    if (decision.when.empty()) {
      return text + (text.empty() ? "" : "else ") + decision.then.ToString();
    }
    std::vector<std::string> when;
    for (const auto& one : decision.when) when.push_back(one.ToString());
    text += Join(when, " and ");
    // What has the same outcome is said once.
    const bool same = at + 1 < decisions.size() &&
                      !decisions[at + 1].when.empty() &&
                      decisions[at + 1].then == decision.then;
    text += same ? " or " : ": " + decision.then.ToString() + "; ";
  }
  return text;
}

std::vector<CallData> Samples(const Decisions& a, const Decisions& b) {
  constexpr std::size_t kMost = 20000;
  std::vector<Comparison> all;
  unsigned used = 0;
  for (const auto* decisions : {&a, &b}) {
    for (const auto& decision : *decisions) {
      for (const auto& comparison : decision.when) {
        if (!Contains(all, comparison)) all.push_back(comparison);
        used |= comparison.left.Arguments() | comparison.right.Arguments();
      }
    }
  }
  std::vector<CallData> samples = {CallData{}};
  for (int field = 0; field < kFields; ++field) {
    if ((used & (1U << field)) == 0) continue;
    std::vector<CallData> more;
    for (const std::uint64_t value : CandidatesFor(field, all)) {
      for (CallData data : samples) {
        (field == Expression::kInstructionPointer ? data.instruction_pointer
                                                  : data.arguments[field]) =
            value;
        more.push_back(data);
        if (more.size() >= kMost) break;
      }
    }
    samples = std::move(more);
  }
  return samples;
}

}  // namespace lab::seccomp
