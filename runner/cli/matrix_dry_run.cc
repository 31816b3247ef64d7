// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/matrix_dry_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "runner/base/text.h"
#include "runner/cli/dry_run.h"

namespace lab {
namespace {

struct NeededPart {
  PartStatus part;
  std::vector<std::string> by;  ///< numbers of combinations
};

class Printer {
 public:
  Printer(const Context& context, const MatrixPlan& plan, const Path& resumed)
      : context_(context),
        plan_(plan),
        resumed_(resumed),
        last_(LastSeconds(context.home, plan)) {}

  Status Print() {
    fmt::print("matrix     {}\n", plan_.file.path.string());
    fmt::print("suite      {}\n", plan_.suite);
    if (!resumed_.empty()) fmt::print("resumed    {}\n", resumed_.string());
    for (std::size_t i = 0; i < plan_.combinations.size(); ++i) {
      LAB_CHECK_OK(Print(i + 1, plan_.combinations[i]));
    }
    for (const auto& name : plan_.left_out) {
      fmt::print("  -  {}: left out, --filter matches none of its cases\n",
                 name);
    }
    for (const auto& one : parts_) {
      fmt::print("part       {:<40} {} ({})\n", one.part.name,
                 ToString(one.part), Join(one.by, ", "));
    }
    PrintTotals();
    return {};
  }

 private:
  Status Print(std::size_t number, const PlannedCombination& one) {
    fmt::print("{:>3}  {}: {}; ", number, one.name(),
               DescribeLab(one.options, one.lab));
    if (!resumed_.empty() &&
        HasFinished(ReadCombination(one, plan_.suite, resumed_))) {
      fmt::print("finished, kept\n");
      return {};
    }
    cases_ += one.cases.size();
    fmt::print("{} case{}", one.cases.size(), one.cases.size() == 1 ? "" : "s");
    if (const auto last = last_.find(one.name()); last != last_.end()) {
      seconds_ += last->second;
      fmt::print(", {} last time\n", HumanSeconds(last->second));
    } else {
      ++unknown_;
      fmt::print("\n");
    }
    LAB_TRY(const auto parts, LookAtParts(context_, one.options, one.lab));
    for (const auto& part : parts) Need(part, std::to_string(number));
    return {};
  }

  void Need(const PartStatus& part, const std::string& number) {
    auto known = std::find_if(
        parts_.begin(), parts_.end(),
        [&](const NeededPart& one) { return one.part.name == part.name; });
    if (known == parts_.end()) known = parts_.insert(known, {part, {}});
    known->by.push_back(number);
  }

  void PrintTotals() const {
    double building = 0;
    for (const auto& one : parts_) {
      if (!one.part.cached) building += one.part.cold_seconds;
    }
    std::vector<std::string> expected;
    if (seconds_ > 0) {
      expected.push_back(HumanSeconds(seconds_) + " as last time");
    }
    if (building > 0) {
      expected.push_back(HumanSeconds(building) + " to build parts");
    }
    if (unknown_ > 0) {
      expected.push_back(
          fmt::format("{} combination{} of which no earlier run tells the time",
                      unknown_, unknown_ == 1 ? "" : "s"));
    }
    fmt::print("cases      {}\n", cases_);
    if (expected.empty()) expected.push_back("nothing is left to run");
    fmt::print("expected   {}\n", Join(expected, ", and "));
  }

  const Context& context_;
  const MatrixPlan& plan_;
  const Path& resumed_;
  const std::map<std::string, double> last_;
  std::vector<NeededPart> parts_;
  double seconds_ = 0;
  std::size_t cases_ = 0;
  std::size_t unknown_ = 0;
};

}  // namespace

Status PrintMatrixPlan(const Context& context, const MatrixPlan& plan,
                       const Path& resumed) {
  return Printer(context, plan, resumed).Print();
}

}  // namespace lab
