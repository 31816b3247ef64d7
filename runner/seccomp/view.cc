// SPDX-License-Identifier: Apache-2.0
#include "runner/seccomp/view.h"

#include <fmt/format.h>

#include "runner/base/text.h"

namespace lab::seccomp {
namespace {

// In the gap that the tables of x86_64 and x32 have from 337 to 402, and the
// number that i386 lost in 2.2 and never used again; and one above all tables.
constexpr std::uint32_t kUnassigned = 390;
constexpr std::uint32_t kUnassignedI386 = 223;
constexpr std::uint32_t kBeyond = 99999;

using Decide =
    std::function<Result<Decisions>(const Architecture&, std::uint32_t)>;

Result<View> MakeView(const Decide& decide) {
  View view;
  for (const auto& architecture : Architectures()) {
    ArchitectureView one;
    one.architecture = &architecture;
    for (const auto& call : SyscallsOf(architecture)) {
      LAB_TRY(auto decisions, decide(architecture, call.number));
      one.calls.push_back({call.name, call.number, std::move(decisions)});
    }
    const std::uint32_t gap =
        architecture.name == "i386" ? kUnassignedI386 : kUnassigned;
    LAB_TRY(one.unassigned,
            decide(architecture, gap | architecture.number_bit));
    LAB_TRY(one.beyond,
            decide(architecture, kBeyond | architecture.number_bit));
    view.push_back(std::move(one));
  }
  return view;
}

std::optional<CallData> WhereTheyDiffer(const Decisions& left,
                                        const Decisions& right,
                                        bool wide_arguments) {
  for (auto sample : Samples(left, right)) {
    if (!wide_arguments) {
      for (auto& argument : sample.arguments) argument &= 0xffffffff;
    }
    if (OutcomeAt(left, sample) != OutcomeAt(right, sample)) return sample;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Outcome> CallView::always() const {
  if (decisions.size() != 1) return std::nullopt;
  return decisions.front().then;
}

Result<View> ViewOf(const Programs& programs) {
  return MakeView([&](const Architecture& architecture, std::uint32_t number) {
    return Explore(programs, architecture.audit, number);
  });
}

View ViewOf(const Expectation& expectation) {
  return *MakeView([&](const Architecture& architecture, std::uint32_t number) {
    return Result<Decisions>(expectation.At(architecture, number));
  });
}

std::vector<Difference> Compare(const View& left, const View& right) {
  std::vector<Difference> differences;
  for (std::size_t a = 0; a < left.size(); ++a) {
    const Architecture* architecture = left[a].architecture;
    const bool wide = architecture->name != "i386";
    const auto add = [&](const std::string& name, std::uint32_t number,
                         const Decisions& mine, const Decisions& its) {
      if (const auto at = WhereTheyDiffer(mine, its, wide)) {
        differences.push_back({architecture, name, number, mine, its, *at});
      }
    };
    for (std::size_t c = 0; c < left[a].calls.size(); ++c) {
      const CallView& call = left[a].calls[c];
      add(call.name, call.number, call.decisions, right[a].calls[c].decisions);
    }
    add("(unassigned numbers)", 0, left[a].unassigned, right[a].unassigned);
    add("(numbers above all)", 0, left[a].beyond, right[a].beyond);
  }
  return differences;
}

std::string Difference::ToString() const {
  const std::string call = fmt::format("{} {}", architecture->name, name);
  if (left.size() == 1 && right.size() == 1) {
    return fmt::format("{}: {} | {}", call, left.front().then.ToString(),
                       right.front().then.ToString());
  }
  std::vector<std::string> arguments;
  for (const std::uint64_t argument : at.arguments) {
    arguments.push_back(argument < 10 ? fmt::format("{}", argument)
                                      : fmt::format("{:#x}", argument));
  }
  return fmt::format("{}({}): {} | {}  [{} | {}]", call, Join(arguments, ", "),
                     OutcomeAt(left, at).ToString(),
                     OutcomeAt(right, at).ToString(), seccomp::ToString(left),
                     seccomp::ToString(right));
}

std::vector<std::string> NamesWhere(
    const ArchitectureView& view,
    const std::function<bool(const CallView&)>& wanted) {
  std::vector<std::string> names;
  for (const auto& call : view.calls) {
    if (wanted(call)) names.push_back(call.name);
  }
  return names;
}

}  // namespace lab::seccomp
