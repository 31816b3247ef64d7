// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/matrix_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

namespace lab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

std::vector<std::string> NamesIn(const std::string& text) {
  const auto file = ParseMatrix(text, "m.yaml");
  EXPECT_TRUE(file) << (file ? "" : file.error().what);
  std::vector<std::string> names;
  if (!file) return names;
  for (const auto& one : file->combinations) names.push_back(one.name);
  return names;
}

TEST(MatrixFile, ReadsEveryField) {
  const auto file = ParseMatrix(
      "about: for a test\n"
      "combinations:\n"
      "  - name: full\n"
      "    kubernetes: 1.36\n"
      "    node-os: trixie\n"
      "    runtime: runc\n"
      "    config: kind-configs/one-worker.yaml\n"
      "    accel: tcg\n"
      "    filter: proc-*\n",
      "/dir/some.yaml");
  ASSERT_TRUE(file) << file.error().what;
  EXPECT_EQ(file->name, "some");
  EXPECT_EQ(file->about, "for a test");
  EXPECT_THAT(file->sha256, SizeIs(64));
  ASSERT_THAT(file->combinations, SizeIs(1));
  const auto& one = file->combinations[0];
  EXPECT_EQ(one.name, "full");
  EXPECT_EQ(one.kubernetes, "1.36");
  EXPECT_EQ(one.node_os, "trixie");
  EXPECT_EQ(one.runtime, "runc");
  EXPECT_EQ(one.config, "kind-configs/one-worker.yaml");
  EXPECT_EQ(one.accel, "tcg");
  EXPECT_EQ(one.filter, "proc-*");
  EXPECT_EQ(one.line, 3);
}

// As a number it would be 1.3.
TEST(MatrixFile, AVersionIsReadAsItIsWritten) {
  EXPECT_THAT(NamesIn("combinations: [{kubernetes: 1.30}]"),
              ElementsAre("1.30"));
}

TEST(MatrixFile, NamesAreMadeOfWhatIsGivenButNotOfFilters) {
  EXPECT_THAT(NamesIn("combinations:\n"
                      "  - {runtime: crun, node-os: sid, kubernetes: 1.23}\n"
                      "  - {config: a/off.yaml, accel: kvm, filter: x*}\n"
                      "  - {filter: y}\n"),
              ElementsAre("1.23-sid-crun", "off-kvm", "default"));
}

TEST(MatrixFile, ProductMultipliesAndExcludes) {
  EXPECT_THAT(
      NamesIn("product:\n"
              "  runtime: [crun, runc]\n"
              "  kubernetes: [1.36, 1.30]\n"
              "  node-os: sid\n"
              "  exclude:\n"
              "    - {kubernetes: 1.30, runtime: runc}\n"
              "combinations: [{name: last}]\n"),
      ElementsAre("1.36-sid-crun", "1.36-sid-runc", "1.30-sid-crun", "last"));
}

TEST(MatrixFile, AnAliasMayRepeatACombination) {
  EXPECT_THAT(NamesIn("product: {filter: &f 'p*', runtime: crun}\n"
                      "combinations: [{name: a, filter: *f}]\n"),
              ElementsAre("crun", "a"));
}

TEST(MatrixFile, ErrorsNameFileLineAndWhatIsKnown) {
  struct {
    const char* text;
    const char* said;
  } const cases[] = {
      {"[]", "m.yaml:1: a mapping is expected"},
      {"", "m.yaml:1"},
      {"about: x\n", "m.yaml:1: no combination"},
      {"combinations: []\n", "m.yaml:1: no combination"},
      {"combinations: 3\n", "\"combinations\" must be a list"},
      {"about: x\ncombination: []\n",
       "m.yaml:2: unknown field \"combination\"; known: about, combinations, "
       "product"},
      {"about: []\n", "m.yaml:1: field \"about\" must be a single value"},
      {"combinations:\n  - crun\n",
       "m.yaml:2: a combination must be a mapping"},
      {"combinations:\n  - runtime: crun\n    os: sid\n",
       "m.yaml:3: unknown field \"os\"; known: name, kubernetes, node-os, "
       "runtime, config, accel, filter"},
      {"combinations:\n  - sabotage: no-profile\n",
       "m.yaml:2: a matrix measures labs that are whole"},
      {"combinations:\n  - runtime: [crun, runc]\n",
       "m.yaml:2: field \"runtime\" must be a single value; lists are for "
       "\"product\""},
      {"combinations:\n  - runtime:\n", "field \"runtime\" must be"},
      {"combinations:\n  - runtime: ''\n",
       "m.yaml:2: field \"runtime\" is empty"},
      {"combinations:\n  - name: a/b\n", "m.yaml:2: \"a/b\" is no name"},
      {"combinations:\n  - name: .hidden\n", "\".hidden\" is no name"},
      {"combinations:\n  - name: junit.xml\n", "\"junit.xml\" is no name"},
      {"combinations:\n  - name: matrix.lock\n", "\"matrix.lock\" is no name"},
      {"combinations:\n  - runtime: crun\n  - runtime: crun\n    filter: a\n",
       "m.yaml:3: two combinations are called \"crun\""},
      {"combinations:\n  - {runtime: crun, runtime: runc}\n",
       ": duplicate key \"runtime\""},
      {"combinations: [\n", "m.yaml:2"},
      {"product: 3\n", "\"product\" must be a mapping"},
      {"product:\n  name: x\n",
       "m.yaml:2: unknown field \"name\"; known: exclude, kubernetes"},
      {"product:\n  runtime: []\n", "m.yaml:2: field \"runtime\" is empty"},
      {"product:\n  runtime: [[crun]]\n", "must be a single value"},
      {"product:\n  runtime: crun\n  exclude: crun\n",
       "m.yaml:3: field \"exclude\" must be a list"},
      {"product:\n  runtime: crun\n  exclude:\n    - {}\n",
       "m.yaml:4: an exclusion must be a mapping"},
      {"product:\n  runtime: crun\n  exclude:\n    - os: sid\n",
       "m.yaml:4: unknown field \"os\"; known: kubernetes"},
      {"product:\n  runtime: crun\n  exclude:\n    - runtime: runc\n",
       "m.yaml:4: this excludes nothing"},
      {"product:\n  runtime: crun\n  exclude:\n    - runtime: crun\n",
       "m.yaml:1: no combination"},
  };
  for (const auto& one : cases) {
    const auto file = ParseMatrix(one.text, "m.yaml");
    ASSERT_FALSE(file) << one.text;
    EXPECT_THAT(file.error().what, HasSubstr(one.said)) << one.text;
    EXPECT_EQ(file.error().kind, ErrorKind::kUsage) << one.text;
  }
}

TEST(MatrixFile, AProductHasAnEnd) {
  std::string list = "[";
  for (int i = 0; i < 30; ++i) list += "v" + std::to_string(i) + ", ";
  list += "v]";
  const auto file = ParseMatrix(
      "product:\n  node-os: " + list + "\n  config: " + list, "m.yaml");
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().what,
              HasSubstr("m.yaml:3: more than 500 combinations"));
}

TEST(MatrixFile, UnknownNameListsThoseThatExist) {
  const auto file = LoadMatrix(LAB_SOURCE_DIR, "nigthly");
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().what, HasSubstr("known: nightly, seccomp, smoke"));
  EXPECT_EQ(file.error().kind, ErrorKind::kUsage);
  const auto path = LoadMatrix(LAB_SOURCE_DIR, "/no/such.yaml");
  ASSERT_FALSE(path);
  EXPECT_THAT(path.error().what, HasSubstr("/no/such.yaml"));
  EXPECT_EQ(path.error().kind, ErrorKind::kUsage);
}

TEST(MatrixFile, ThoseOfTheProjectAreGood) {
  const auto nightly = LoadMatrix(LAB_SOURCE_DIR, "nightly");
  ASSERT_TRUE(nightly) << nightly.error().what;
  EXPECT_GE(nightly->combinations.size(), 6u);
  EXPECT_THAT(LoadMatrix(LAB_SOURCE_DIR, "smoke")->combinations, SizeIs(2));
}

// The schema is for editors; it must know the fields that the loader knows.
TEST(MatrixFile, TheSchemaKnowsTheSameFields) {
  const auto schema =
      nlohmann::json::parse(*ReadFile(LAB_SOURCE_DIR "/matrices/schema.json"));
  const auto fields = [](const nlohmann::json& object) {
    std::set<std::string> names;
    for (const auto& [name, value] : object.at("properties").items()) {
      names.insert(name);
    }
    return names;
  };
  std::set<std::string> axes;
  for (const auto& axis : MatrixAxes()) axes.insert(axis.name);
  const auto with = [&](const char* more) {
    auto names = axes;
    names.insert(more);
    return names;
  };
  const auto& top = schema.at("properties");
  EXPECT_EQ(fields(top.at("combinations").at("items")), with("name"));
  EXPECT_EQ(fields(top.at("product")), with("exclude"));
  EXPECT_EQ(
      fields(top.at("product").at("properties").at("exclude").at("items")),
      axes);
}

}  // namespace
}  // namespace lab
