// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/yaml.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

namespace lab {
namespace {

using nlohmann::json;

std::string ErrorOf(const std::string& text) {
  const auto value = ParseYaml(text, "f.yaml");
  if (value) return "no error";
  EXPECT_EQ(value.error().kind, ErrorKind::kUsage);
  return value.error().what;
}

TEST(Yaml, PlainScalarsHaveTheTypesOfTheCoreSchema) {
  const auto value = ParseYaml(
      "[~, null, true, False, 12, -12, +12, 0x1F, 0o17, 012, 1.5, -.5, 5., "
      "1e3, 18446744073709551615, yes, on, 1.2.3, 0x, -, +-1, e3, ., .inf, "
      "1e999, 10.0.0.0/8]",
      "f");
  ASSERT_TRUE(value) << value.error().what;
  EXPECT_EQ(value->dump(),
            "[null,null,true,false,12,-12,12,31,15,12,1.5,-0.5,5.0,1000.0,"
            "18446744073709551615,\"yes\",\"on\",\"1.2.3\",\"0x\",\"-\","
            "\"+-1\",\"e3\",\".\",\".inf\",\"1e999\",\"10.0.0.0/8\"]");
}

TEST(Yaml, QuotedAndBlockScalarsAreText) {
  const auto value = ParseYaml(
      "a: \"1\"\nb: 'true'\nc: |\n  3\nd: !!str 4\ne: \"\"\nf: !!int 5\n", "f");
  ASSERT_TRUE(value) << value.error().what;
  EXPECT_EQ(*value, json({{"a", "1"},
                          {"b", "true"},
                          {"c", "3\n"},
                          {"d", "4"},
                          {"e", ""},
                          {"f", 5}}));
}

TEST(Yaml, AnchorsAreExpandedAndMergeKeysAreNot) {
  EXPECT_EQ(*ParseYaml("a: &x [1]\nb: *x\n<<: *x\n", "f"),
            json({{"a", {1}}, {"b", {1}}, {"<<", {1}}}));
}

TEST(Yaml, ErrorsSayWhere) {
  EXPECT_EQ(ErrorOf("a: 1\nb: [1\n").rfind("f.yaml:3:1: ", 0), 0u);
  EXPECT_EQ(ErrorOf("a: 1\nb:\n  c: 1\n  c: 2\n"),
            "f.yaml:4:3: duplicate key \"c\"");
  EXPECT_EQ(ErrorOf("? [a]\n: 1\n"), "f.yaml:1:3: a key must be a single word");
  EXPECT_EQ(ErrorOf("a: !x 1\n"),
            "f.yaml:1:4: the tag \"!x\" has no meaning here");
  EXPECT_EQ(ErrorOf(""), "f.yaml:1:1: one YAML document is expected, found 0");
  EXPECT_EQ(ErrorOf("a: 1\n---\nb: 1\n"),
            "f.yaml:3:1: one YAML document is expected, found 2");
}

TEST(Yaml, AliasesCannotMakeATreeWithoutEnd) {
  EXPECT_EQ(ErrorOf("a: &x [*x]\n"), "f.yaml:1:4: the document is too deep");
  std::string bomb = "- &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 20; ++i) {
    const std::string alias = "*a" + std::to_string(i - 1);
    bomb += "- &a" + std::to_string(i) + " [" + alias + ", " + alias + "]\n";
  }
  EXPECT_NE(ErrorOf(bomb).find("too large"), std::string::npos);
  EXPECT_NE(ErrorOf(std::string(5000, '[')).find("f.yaml:1:"),
            std::string::npos);
}

TEST(Yaml, StreamOfADocumentThatCannotBeginEnds) {
  EXPECT_EQ(ErrorOf("a: 1\n---\n,\n"), "f.yaml:3:1: unexpected character");
  EXPECT_EQ(ErrorOf(","), "f.yaml:1:1: unexpected character");
}

TEST(Yaml, DocumentsOfAStreamKeepTheirPlaces) {
  const auto documents =
      ParseYamlDocuments("---\na: 1\n---\n---\nb: 2\n", {"f.yaml", 10, 5});
  ASSERT_TRUE(documents) << documents.error().what;
  ASSERT_EQ(documents->size(), 2u);
  EXPECT_EQ((*documents)[0].line, 11);
  EXPECT_EQ((*documents)[1].line, 14);
  EXPECT_EQ((*documents)[1].value, json({{"b", 2}}));
}

TEST(Yaml, ErrorsInAStreamAreCountedFromItsOrigin) {
  const auto documents = ParseYamlDocuments("a: 1\na: 2\n", {"f.yaml", 10, 5});
  ASSERT_FALSE(documents);
  EXPECT_EQ(documents.error().what, "f.yaml:11:5: duplicate key \"a\"");
}

}  // namespace
}  // namespace lab
