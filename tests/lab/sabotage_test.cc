// SPDX-License-Identifier: Apache-2.0
// The tables of scenarios and sabotages, suites/SUITE/sabotage-table.json: each
// sabotage turns red exactly the cases that claim the opposite.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "tests/lab/runner.h"

namespace lab::e2e {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

const Path kSuites = Path(LAB_SOURCE_DIR) / "suites";

json TableOf(const std::string& suite) {
  return json::parse(*ReadFile(kSuites / suite / "sabotage-table.json"));
}

// All cases under all sabotages are for `make sabotage`; else some sabotages,
// each over what the table calls red and some others.
bool WholeTable() { return std::getenv("LAB_WHOLE_TABLE") != nullptr; }

struct Broken {
  std::string suite;
  std::string sabotage;
};

std::vector<Broken> Sabotages() {
  std::vector<Broken> all;
  for (const char* suite : {"apparmor", "seccomp"}) {
    const json table = TableOf(suite);
    const std::set<std::string> some = table.at("each-time");
    for (const auto& [name, red] : table.at("red").items()) {
      if (WholeTable() || some.contains(name)) all.push_back({suite, name});
    }
  }
  return all;
}

class Sabotage : public testing::TestWithParam<Broken> {};

// (Before the tests that share a lab: a lab that is up costs these their
// time.)
TEST_P(Sabotage, TurnsRedExactlyWhatTheTableSays) {
  const auto& [suite, sabotage] = GetParam();
  const json table = TableOf(suite);
  const std::set<std::string> red = table.at("red").at(sabotage);
  const auto report = NewReport();
  std::vector<std::string> arguments = {"--suite", suite, "--sabotage",
                                        sabotage};
  for (const auto& option : report.Options()) arguments.push_back(option);
  if (!WholeTable()) {
    // With what no sabotage that is not about it may turn red.
    std::set<std::string> chosen = table.at("others");
    chosen.insert(red.begin(), red.end());
    arguments.push_back("--filter");
    arguments.push_back(Join({chosen.begin(), chosen.end()}, ","));
  }

  const auto run = Runner(arguments, 15min);

  EXPECT_EQ(run.ended.ToString(), "exit status 1") << run.err;
  // A case whose world was taken away by the sabotage says error, and is right.
  auto seen = report.With(Verdict::kFail);
  seen.merge(report.With(Verdict::kError));
  EXPECT_EQ(seen, red);
  EXPECT_THAT(run.err, HasSubstr("--sabotage " + sabotage));
  report.ExpectValidJunit();
  report.ExpectWholePage();
}

INSTANTIATE_TEST_SUITE_P(Table, Sabotage, testing::ValuesIn(Sabotages()),
                         [](const auto& one) {
                           std::string name =
                               one.param.suite + "_" + one.param.sabotage;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace lab::e2e
