// SPDX-License-Identifier: Apache-2.0
#include "runner/components/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runner/components/go_module.h"

namespace lab {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

json RealTable() {
  return json::parse(*ReadFile(LAB_SOURCE_DIR "/components/components.json"));
}

Result<ComponentTable> Load(const std::string& text) {
  LAB_TRY(const auto home, TempDir::In(testing::TempDir(), "table-"));
  LAB_CHECK_OK(MakeDirectories(home.path() / "components"));
  LAB_CHECK_OK(WriteFile(home.path() / "components/components.json", text));
  return LoadComponentTable(home.path());
}

TEST(ComponentTable, TheRealOneResolves) {
  const auto table = LoadComponentTable(LAB_SOURCE_DIR);
  ASSERT_TRUE(table) << table.error().what;
  EXPECT_FALSE(table->kubernetes.empty());
  for (const auto& version : table->kubernetes) {
    EXPECT_TRUE(table->FindGoModule(version.control_plane));
    EXPECT_TRUE(table->FindGoModule(version.etcd));
    EXPECT_TRUE(table->FindGoModule(version.containerd));
    EXPECT_THAT(version.kubeadm_api, HasSubstr("kubeadm.k8s.io/"));
  }
  EXPECT_TRUE(table->FindKubernetes(table->default_kubernetes));
  EXPECT_TRUE(table->FindNodeOs(table->default_node_os));
}

TEST(ComponentTable, EveryGoModuleIsPinned) {
  const auto table = LoadComponentTable(LAB_SOURCE_DIR);
  ASSERT_TRUE(table) << table.error().what;
  for (const auto& part : table->go_modules) {
    const auto recipe = GoModuleRecipe(part, LAB_SOURCE_DIR);
    ASSERT_TRUE(recipe) << recipe.error().what;
    const Path home = Path(LAB_SOURCE_DIR) / "components" / part.name;
    for (const auto* file : {"go.mod", "go.sum"}) {
      const auto text = ReadFile(home / file);
      ASSERT_TRUE(text) << text.error().what;
      EXPECT_THAT(recipe->inputs, ::testing::Contains(*text)) << file;
    }
    EXPECT_EQ(part.toolchain.rfind("go1.", 0), 0u) << part.name;
    EXPECT_FALSE(part.packages.empty()) << part.name;
  }
}

TEST(ComponentTable, AMinorVersionIsEnough) {
  const auto table = LoadComponentTable(LAB_SOURCE_DIR);
  ASSERT_TRUE(table) << table.error().what;
  for (const auto* wanted : {"1.36", "1.36.3", "v1.36", "v1.36.3"}) {
    const auto found = table->FindKubernetes(wanted);
    ASSERT_TRUE(found) << wanted;
    EXPECT_EQ(found->version, "1.36.3");
  }
}

TEST(ComponentTable, AMinorVersionMeansItsNewest) {
  for (const std::vector<std::string>& order :
       {std::vector<std::string>{"1.36.3", "1.36.12", "1.35.20"},
        std::vector<std::string>{"1.35.20", "1.36.12", "1.36.3"}}) {
    ComponentTable table;
    for (const auto& version : order) {
      table.kubernetes.push_back({version, "", "", "", ""});
    }
    EXPECT_EQ(table.FindKubernetes("1.36")->version, "1.36.12");
    EXPECT_EQ(table.FindKubernetes("1.36.3")->version, "1.36.3");
  }
}

TEST(ComponentTable, WhatIsUnknownIsAUsageErrorThatNamesTheKnown) {
  const auto table = LoadComponentTable(LAB_SOURCE_DIR);
  ASSERT_TRUE(table) << table.error().what;
  for (const auto* wanted : {"1.3", "1", "", "1.36.4", "2.36", "latest"}) {
    const auto none = table->FindKubernetes(wanted);
    ASSERT_FALSE(none) << wanted;
    EXPECT_EQ(none.error().kind, ErrorKind::kUsage);
    EXPECT_THAT(none.error().what, HasSubstr("1.36.3"));
  }
  EXPECT_THAT(table->FindGoModule("etcd").error().what,
              HasSubstr("etcd-3.6.16"));
  EXPECT_THAT(table->FindNodeOs("buster").error().what,
              HasSubstr("known: bookworm, trixie, sid"));
}

TEST(ComponentTable, AnUnknownFieldIsRefusedWhereverItIs) {
  for (const auto* place : {"", "/default", "/kubernetes/0", "/go-modules/0",
                            "/go-modules/1", "/node-os/0"}) {
    auto table = RealTable();
    table[json::json_pointer(place)]["colour"] = "red";

    const auto loaded = Load(table.dump());

    ASSERT_FALSE(loaded) << place;
    EXPECT_THAT(loaded.error().what, HasSubstr("unknown field \"colour\""));
    EXPECT_THAT(loaded.error().what, HasSubstr("components.json"));
  }
}

TEST(ComponentTable, EveryReferenceMustResolve) {
  for (const auto* place :
       {"/default/kubernetes", "/default/node-os", "/kubernetes/0/etcd",
        "/kubernetes/0/control-plane", "/kubernetes/0/containerd"}) {
    auto table = RealTable();
    table[json::json_pointer(place)] = "no-such-thing";

    const auto loaded = Load(table.dump());

    ASSERT_FALSE(loaded) << place;
    EXPECT_THAT(loaded.error().what, HasSubstr("no-such-thing"));
  }
}

TEST(ComponentTable, AnUnknownSourceIsRefused) {
  auto table = RealTable();
  table["go-modules"][0]["sources"] = {"build", "download"};
  const auto loaded = Load(table.dump());
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().what, HasSubstr("unknown source \"download\""));
}

TEST(ComponentTable, ADamagedOneIsNamed) {
  auto untyped = RealTable();
  untyped["go-modules"][0]["packages"] = 3;
  auto lacking = RealTable();
  lacking["kubernetes"][0].erase("etcd");
  for (const auto& text : {std::string("{"), untyped.dump(), lacking.dump(),
                           std::string("[]"), std::string()}) {
    const auto loaded = Load(text);
    ASSERT_FALSE(loaded) << text;
    EXPECT_THAT(loaded.error().what, HasSubstr("components.json"));
  }
}

}  // namespace
}  // namespace lab
