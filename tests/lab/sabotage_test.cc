// SPDX-License-Identifier: Apache-2.0
// The table of scenarios and sabotages, suites/apparmor/sabotage-table.json:
// each sabotage turns red exactly the cases that claim the opposite.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "tests/lab/runner.h"

namespace lab::e2e {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

const Path kSuite = Path(LAB_SOURCE_DIR) / "suites" / "apparmor";

json ReadTable() {
  return json::parse(*ReadFile(kSuite / "sabotage-table.json"));
}

// All cases take half an hour for the whole table, which `make sabotage` is
// for; else some sabotages, each over what the table calls red and some others.
bool WholeTable() { return std::getenv("LAB_WHOLE_TABLE") != nullptr; }

std::vector<std::string> Sabotages() {
  const json table = ReadTable();
  if (!WholeTable()) return table.at("each-time");
  std::vector<std::string> names;
  for (const auto& [name, red] : table.at("red").items()) names.push_back(name);
  return names;
}

class Sabotage : public testing::TestWithParam<std::string> {};

// What no sabotage that is not about it may turn red.
const std::set<std::string> kOthers = {"annotation-key",  "enforce-deny-write",
                                       "log-denied",      "module-enabled-file",
                                       "runtime-default", "unloaded-profile"};

// (Before the tests that share a lab: a lab that is up costs these their
// time.)
TEST_P(Sabotage, TurnsRedExactlyWhatTheTableSays) {
  const json table = ReadTable();
  const std::set<std::string> red = table.at("red").at(GetParam());
  const auto report = NewReport();
  std::vector<std::string> arguments = {"--suite", "apparmor", "--sabotage",
                                        GetParam()};
  for (const auto& option : report.Options()) arguments.push_back(option);
  if (!WholeTable()) {
    std::set<std::string> chosen = red;
    chosen.insert(kOthers.begin(), kOthers.end());
    arguments.push_back("--filter");
    arguments.push_back(Join({chosen.begin(), chosen.end()}, ","));
  }

  const auto run = Runner(arguments, 15min);

  EXPECT_EQ(run.ended.ToString(), "exit status 1") << run.err;
  // A case whose world was taken away by the sabotage says error, and is right.
  auto seen = report.With(Verdict::kFail);
  seen.merge(report.With(Verdict::kError));
  EXPECT_EQ(seen, red);
  EXPECT_THAT(run.err, HasSubstr("--sabotage " + GetParam()));
  report.ExpectValidJunit();
}

INSTANTIATE_TEST_SUITE_P(Table, Sabotage, testing::ValuesIn(Sabotages()),
                         [](const auto& info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace lab::e2e
