// SPDX-License-Identifier: Apache-2.0
// The gates that the project knows, against the programs themselves: what
// --help lists, and what they do when they are given one.
#include <regex>

#include "runner/base/text.h"
#include "runner/cli/catalog.h"
#include "runner/components/feature_gates.h"
#include "runner/components/go_module.h"
#include "tests/lab/runner.h"

namespace lab::e2e {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAreArray;

const Path kHome = LAB_SOURCE_DIR;

struct Built {
  Path programs;
  FeatureGates gates;
};

// Old versions take minutes to build, and no other test wants them: they are
// held to what is known where somebody has built them.
Result<Built> Provide(const std::string& version) {
  LAB_TRY(const auto table, LoadComponentTable(kHome));
  LAB_TRY(const auto kubernetes, table.FindKubernetes(version));
  const bool offline = kubernetes.version != table.default_kubernetes;
  LAB_TRY(const auto part, table.FindGoModule(kubernetes.control_plane));
  LAB_TRY(const auto recipe, GoModuleRecipe(part, kHome));
  LAB_TRY(const auto root, DefaultCacheRoot());
  SilentProgress silent;
  Cache cache(root, silent, offline);
  if (offline && !cache.Has(recipe)) return Built();
  Built built;
  LAB_TRY(built.programs, cache.Provide(recipe));
  LAB_TRY(built.gates, FeatureGates::Load(kHome, kubernetes));
  return built;
}

class Gates : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto built = Provide(GetParam());
    ASSERT_TRUE(built) << built.error().what;
    if (built->programs.empty()) {
      GTEST_SKIP() << "not built here: runner fetch --kubernetes "
                   << GetParam();
    }
    built_ = std::move(*built);
  }

  Finished Ask(const std::string& program, const std::string& gate, bool on,
               const std::string& question) const {
    const auto said = RunToEnd(
        {.argv = {(built_.programs / program).string(),
                  "--feature-gates=" + gate + (on ? "=true" : "=false"),
                  question},
         .timeout = 20s});
    EXPECT_TRUE(said) << said.error().what;
    return said ? *said : Finished();
  }

  Built built_;
};

TEST_P(Gates, AreThoseThatHelpLists) {
  const std::regex line(
      R"((?:kube:)?(\w+)=true\|false \((\w+) - default=(\w+))");
  for (const char* program : {"kube-apiserver", "kube-controller-manager",
                              "kube-scheduler", "kubelet"}) {
    const auto help =
        RunOk({.argv = {(built_.programs / program).string(), "--help"}});
    ASSERT_TRUE(help) << help.error().what;
    std::vector<std::string> listed, known;
    for (std::sregex_iterator at(help->begin(), help->end(), line), end;
         at != end; ++at) {
      listed.push_back((*at)[1].str() + " " + (*at)[2].str() + " " +
                       (*at)[3].str());
    }
    for (const auto& [name, gate] : built_.gates.all()) {
      const bool hidden = gate.stage == "GA" || gate.stage == "DEPRECATED";
      if (hidden || gate.unknown_to.contains(program)) continue;
      known.push_back(name + " " + gate.stage +
                      (gate.on_by_default ? " true" : " false"));
    }
    EXPECT_THAT(listed, UnorderedElementsAreArray(known)) << program;
  }
}

// Gates of every kind; the API server reads them before it says its version.
TEST_P(Gates, ApiServerDoesAsTheyAreSaidTo) {
  const char* names[] = {"AppArmor",        "SeccompDefault",
                         "AllAlpha",        "UserNamespacesSupport",
                         "CPUManager",      "DynamicKubeletConfig",
                         "HPAScaleToZero",  "StorageVersionHash",
                         "ServerSideApply", "NoSuchGate"};
  for (const char* name : names) {
    for (const bool on : {true, false}) {
      const auto refusal = built_.gates.Refusal("kube-apiserver", name, on);
      const auto said = Ask("kube-apiserver", name, on, "--version");
      EXPECT_EQ(said.ended.ToString() == "exit status 0", !refusal)
          << name << on << ": " << refusal.value_or("starts") << "\n"
          << said.err;
    }
  }
}

// The kubelet reads them before its configuration, which is not there.
TEST_P(Gates, KubeletEndsWithAGateThatWent) {
  const auto refusal = built_.gates.Refusal("kubelet", "SeccompDefault", true);
  const auto said = Ask("kubelet", "SeccompDefault", true, "--config=/no/file");
  const std::string complaint = "unrecognized feature gate: SeccompDefault";
  if (refusal) {
    EXPECT_THAT(said.err, HasSubstr(complaint));
  } else {
    EXPECT_THAT(said.err, Not(HasSubstr(complaint)));
    EXPECT_THAT(said.err, HasSubstr("/no/file"));
  }
}

INSTANTIATE_TEST_SUITE_P(Kubernetes, Gates,
                         testing::Values("1.23", "1.24", "1.30", "1.36"),
                         [](const auto& version) {
                           return ReplaceAll(version.param, ".", "_");
                         });

}  // namespace
}  // namespace lab::e2e
