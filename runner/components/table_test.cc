// SPDX-License-Identifier: Apache-2.0
#include "runner/components/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "runner/components/go_module.h"

namespace lab {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::Pair;

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
    EXPECT_TRUE(table->FindGoModule(version.crictl));
    EXPECT_TRUE(table->FindGoModule(version.kube_proxy));
    EXPECT_THAT(version.kubeadm_api.name, HasSubstr("kubeadm.k8s.io/"));
    EXPECT_TRUE(json::parse(version.kubeadm_api.ecdsa).is_object());
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
      EXPECT_THAT(recipe->inputs, Contains(*text)) << file;
    }
    EXPECT_EQ(part.toolchain.rfind("go1.", 0), 0u) << part.name;
    EXPECT_FALSE(part.packages.empty()) << part.name;
  }
}

// Strict: a version more is a line more here.
TEST(ComponentTable, EveryKubernetesHasTheApiOfItsKubeadm) {
  const auto table = LoadComponentTable(LAB_SOURCE_DIR);
  ASSERT_TRUE(table) << table.error().what;
  std::map<std::string, std::string> apis;
  for (const auto& version : table->kubernetes) {
    const auto& api = version.kubeadm_api;
    apis[version.version] = api.name;
    EXPECT_EQ(api.argument_lists, api.name == "kubeadm.k8s.io/v1beta4");
  }
  EXPECT_THAT(apis, ElementsAre(Pair("1.23.17", "kubeadm.k8s.io/v1beta3"),
                                Pair("1.24.17", "kubeadm.k8s.io/v1beta3"),
                                Pair("1.30.4", "kubeadm.k8s.io/v1beta3"),
                                Pair("1.36.3", "kubeadm.k8s.io/v1beta4")));
}

// What the linker is told must be what the part is called.
TEST(ComponentTable, EveryKubeProxyIsOfItsVersion) {
  const auto table = LoadComponentTable(LAB_SOURCE_DIR);
  ASSERT_TRUE(table) << table.error().what;
  for (const auto& version : table->kubernetes) {
    const auto part = table->FindGoModule(version.kube_proxy);
    ASSERT_TRUE(part) << part.error().what;
    EXPECT_EQ(part->variables.at("k8s.io/component-base/version.gitVersion"),
              "v" + version.version);
    const auto beside = table->FindGoModule(version.control_plane);
    EXPECT_EQ(part->toolchain, beside->toolchain);
    const auto pinned =
        ReadFile(Path(LAB_SOURCE_DIR) / "components" / part->name / "go.mod");
    ASSERT_TRUE(pinned) << pinned.error().what;
    EXPECT_THAT(*pinned,
                HasSubstr("k8s.io/kubernetes v" + version.version + "\n"));
  }
}

TEST(ComponentTable, EveryControlPlaneKnowsItsVersion) {
  const auto table = LoadComponentTable(LAB_SOURCE_DIR);
  ASSERT_TRUE(table) << table.error().what;
  for (const auto& version : table->kubernetes) {
    const auto part = table->FindGoModule(version.control_plane);
    ASSERT_TRUE(part) << part.error().what;
    auto variables = part->variables;
    const std::string base = "k8s.io/component-base/version.";
    EXPECT_EQ(variables[base + "gitVersion"], "v" + version.version);
    EXPECT_EQ("1." + variables[base + "gitMinor"],
              version.version.substr(0, version.version.rfind('.')));
    EXPECT_EQ(variables["k8s.io/client-go/pkg/version.gitVersion"],
              "v" + version.version);
    const auto pinned =
        ReadFile(Path(LAB_SOURCE_DIR) / "components" / part->name / "go.mod");
    ASSERT_TRUE(pinned) << pinned.error().what;
    EXPECT_THAT(*pinned,
                HasSubstr("k8s.io/kubernetes v" + version.version + "\n"));
  }
}

// Go below 1.21 does not read a go.mod that names a toolchain.
TEST(ComponentTable, NoPinNamesAToolchain) {
  const auto table = LoadComponentTable(LAB_SOURCE_DIR);
  ASSERT_TRUE(table) << table.error().what;
  for (const auto& part : table->go_modules) {
    const auto pinned =
        ReadFile(Path(LAB_SOURCE_DIR) / "components" / part.name / "go.mod");
    ASSERT_TRUE(pinned) << pinned.error().what;
    EXPECT_THAT(*pinned, Not(HasSubstr("\ntoolchain "))) << part.name;
  }
}

TEST(ComponentTable, AGeneratorIsPinnedWithThePart) {
  const auto table = LoadComponentTable(LAB_SOURCE_DIR);
  ASSERT_TRUE(table) << table.error().what;
  const auto part = table->FindGoModule("kubernetes-1.23.17");
  ASSERT_TRUE(part) << part.error().what;
  ASSERT_EQ(part->generate.size(), 1u);
  const auto tools =
      ReadFile(Path(LAB_SOURCE_DIR) / "components" / part->name / "tools.go");
  ASSERT_TRUE(tools) << tools.error().what;
  EXPECT_THAT(*tools, HasSubstr('"' + part->generate[0].program + '"'));
  EXPECT_THAT(GeneratorArguments(part->generate[0], "/o"),
              AllOf(Contains("/o"), Contains("/o/violations"),
                    Contains(HasSubstr("k8s.io/api/core/v1,")),
                    Not(Contains(HasSubstr("{")))));
}

TEST(ComponentTable, WhatAGeneratorIsToldChangesThePart) {
  const auto table = LoadComponentTable(LAB_SOURCE_DIR);
  ASSERT_TRUE(table) << table.error().what;
  const auto part = table->FindGoModule("kubernetes-1.23.17");
  ASSERT_TRUE(part) << part.error().what;
  const auto key = [](const GoModulePart& one) {
    return PartId(*GoModuleRecipe(one, LAB_SOURCE_DIR));
  };
  std::set<std::string> keys = {key(*part)};
  for (const auto& change :
       {std::function([](GeneratedSource& g) { g.program += "2"; }),
        std::function([](GeneratedSource& g) { g.arguments.pop_back(); }),
        std::function([](GeneratedSource& g) { g.inputs.pop_back(); }),
        std::function([](GeneratedSource& g) { g.file += "2"; }),
        std::function([](GeneratedSource& g) { g.package += "2"; })}) {
    auto other = *part;
    change(other.generate[0]);
    keys.insert(key(other));
  }
  EXPECT_EQ(keys.size(), 6u);
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
      table.kubernetes.push_back({version, "", "", "", "", {}, ""});
    }
    EXPECT_EQ(table.FindKubernetes("1.36")->version, "1.36.12");
    EXPECT_EQ(table.FindKubernetes("1.36.3")->version, "1.36.3");
  }
}

TEST(ComponentTable, WhatIsUnknownIsAUsageErrorThatNamesTheKnown) {
  const auto table = LoadComponentTable(LAB_SOURCE_DIR);
  ASSERT_TRUE(table) << table.error().what;
  for (const auto* wanted :
       {"1.3", "1", "", "1.36.4", "2.36", "1.99", "latest"}) {
    const auto none = table->FindKubernetes(wanted);
    ASSERT_FALSE(none) << wanted;
    EXPECT_EQ(none.error().kind, ErrorKind::kUsage);
    EXPECT_THAT(none.error().what,
                HasSubstr("known: 1.23.17, 1.24.17, 1.30.4, 1.36.3"));
  }
  EXPECT_THAT(table->FindGoModule("etcd").error().what,
              HasSubstr("etcd-3.6.16"));
  EXPECT_THAT(table->FindNodeOs("buster").error().what,
              HasSubstr("known: bookworm, trixie, sid"));
}

TEST(ComponentTable, AnUnknownFieldIsRefusedWhereverItIs) {
  for (const auto* place :
       {"", "/default", "/kubernetes/0", "/go-modules/0",
        "/go-modules/0/generate/0", "/kubeadm-apis/0", "/go-modules/1",
        "/node-os/0", "/kind", "/kind/node-images/0"}) {
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
        "/kubernetes/0/control-plane", "/kubernetes/0/containerd",
        "/kubernetes/0/crictl", "/kubernetes/0/kubeadm-api",
        "/kubernetes/0/kube-proxy"}) {
    auto table = RealTable();
    table[json::json_pointer(place)] = "no-such-thing";

    const auto loaded = Load(table.dump());

    ASSERT_FALSE(loaded) << place;
    EXPECT_THAT(loaded.error().what, HasSubstr("no-such-thing"));
  }
}

TEST(NodeImages, ThereIsOneOfEveryKubernetes) {
  const auto table = LoadComponentTable(LAB_SOURCE_DIR);
  ASSERT_TRUE(table) << table.error().what;
  for (const auto& version : table->kubernetes) {
    const auto image = table->kind.FindNodeImage(version.version);
    ASSERT_TRUE(image) << image.error().what;
    EXPECT_THAT(image->image,
                MatchesRegex("docker.io/kindest/node:v" + image->kubernetes +
                             "@sha256:[0-9a-f]{64}"));
  }
}

TEST(NodeImages, TheVersionItselfOrTheNewestOfItsMinor) {
  KindTable kind;
  kind.node_images = {{"1.30.4", "a"}, {"1.30.13", "b"}, {"1.30.9", "c"}};
  EXPECT_EQ(kind.FindNodeImage("1.30.4")->image, "a");
  EXPECT_EQ(kind.FindNodeImage("1.30.5")->image, "b");
  const auto none = kind.FindNodeImage("1.3.5");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, ErrorKind::kUsage);
  EXPECT_THAT(none.error().what, HasSubstr("1.30.4, 1.30.13, 1.30.9"));
}

TEST(NodeImages, WithoutADigestIsRefused) {
  auto table = RealTable();
  table["kind"]["node-images"][0]["image"] = "docker.io/kindest/node:v1.23.17";
  const auto loaded = Load(table.dump());
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().what, HasSubstr("v1.23.17 has no digest"));
}

TEST(ComponentTable, AnUnknownSourceIsRefused) {
  auto table = RealTable();
  table["go-modules"][0]["sources"] = {"build", "download"};
  const auto loaded = Load(table.dump());
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().what, HasSubstr("unknown source \"download\""));
}

TEST(ComponentTable, AnUnknownFormOfArgumentsIsRefused) {
  auto table = RealTable();
  table["kubeadm-apis"][0]["arguments"] = "prose";
  const auto loaded = Load(table.dump());
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().what, HasSubstr("\"prose\" is neither"));
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
