// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/suite_shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/base/version.h"
#include "runner/cli/catalog.h"

namespace lab {
namespace {

using nlohmann::json;

Result<Path> ConfigFor(const json& suite, const Version& version) {
  for (const auto& shape : suite.at("shapes")) {
    LAB_TRY(const auto range,
            VersionRange::Parse(shape.at("kubernetes").get<std::string>()));
    if (range.Contains(version)) return Path(shape.at("config"));
  }
  return Error{"no shape for Kubernetes " + version.ToString()};
}

}  // namespace

Result<Path> UsualConfig(const Path& home, const std::string& suite,
                         const std::string& kubernetes) {
  const Path usual = home / "kind-configs" / "default.yaml";
  if (suite.empty()) return usual;
  const auto suites = SuiteNames(home);
  if (std::find(suites.begin(), suites.end(), suite) == suites.end()) {
    return UsageError(
        fmt::format("no suite \"{}\"; known: {}", suite, Join(suites, ", ")));
  }
  const Path file = home / "suites" / suite / "suite.json";
  if (!std::filesystem::exists(file)) return usual;
  LAB_TRY(const auto text, ReadFile(file));
  LAB_TRY(const auto version, Version::In(kubernetes));
  try {
    auto config = ConfigFor(json::parse(text), version);
    if (!config) return config.error().Within(file.string());
    return home / *config;
  } catch (const json::exception& e) {
    return Error{fmt::format("{}: {}", file.string(), e.what())};
  }
}

}  // namespace lab
