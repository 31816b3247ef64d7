// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/process/process.h"

namespace lab::bench {
namespace {

using nlohmann::json;

const std::string kRunner = std::string(LAB_BINARY_DIR) + "/runner";

}  // namespace

void Figures::Print() const {
  fmt::print("{:<52} {:>9}   {}\n", "what", "measured", "target");
  for (const auto& f : all_) {
    fmt::print("{:<52} {:>7.2f} {:<2}  {}\n", f.name, f.value, f.unit,
               f.target == 0
                   ? ""
                   : fmt::format("<= {:g} {}{}", f.target, f.unit,
                                 f.value <= f.target ? " met" : " MISSED"));
  }
}

Status Figures::WriteJson(const Path& path) const {
  json all = json::array();
  for (const auto& f : all_) {
    all.push_back({{"name", f.name},
                   {"value", f.value},
                   {"unit", f.unit},
                   {"target", f.target}});
  }
  return WriteFileAtomically(path, all.dump(2) + "\n");
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

Result<double> RunSuiteInto(const Path& into,
                            std::vector<std::string> arguments) {
  std::vector<std::string> argv = {kRunner, "--suite"};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  argv.insert(argv.end(), {"--quiet", "--report-dir", into.string()});
  const Stopwatch watch;
  LAB_TRY(const auto ran, RunToEnd({.argv = argv, .timeout = 40min}));
  if (!ran.ended.ok()) {
    return Error{ShellQuote(argv) + " did not pass: " + ran.out + ran.err};
  }
  return watch.Seconds();
}

Result<std::string> RunRunner(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), kRunner);
  return RunOk({.argv = std::move(arguments), .timeout = 10min});
}

}  // namespace lab::bench
