// SPDX-License-Identifier: Apache-2.0
#include "runner/seccomp/decision.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "runner/base/text.h"

namespace lab::seccomp {
namespace {

constexpr std::uint64_t kAll = std::numeric_limits<std::uint64_t>::max();
constexpr int kFields = 7;  // six arguments and the instruction pointer

// What is known of one argument: some bits for certain, and of each mask that
// was compared with constants, bounds and values that are ruled out.
class Knowledge {
 public:
  Knowledge(const std::vector<Comparison>& path,
            const MaskedComparison& about) {
    for (const auto& comparison : path) {
      const auto test = AsMasked(comparison);
      if (!test || test->argument != about.argument) continue;
      if (test->relation == Relation::kEqual) {
        bits_ |= test->mask;
        value_ |= test->value;
      }
      if (test->mask == about.mask) Narrow(*test);
    }
  }

  std::optional<bool> Settles(const MaskedComparison& test) const {
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
  void Narrow(const MaskedComparison& test) {
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
  const auto one = AsMasked(a);
  const auto other = AsMasked(b);
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

void AddCandidates(const MaskedComparison& test, Candidates& into) {
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
    const auto test = AsMasked(comparison);
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
  const auto test = AsMasked(comparison);
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
