// SPDX-License-Identifier: Apache-2.0
#include "runner/components/go_module.h"

#include <fmt/format.h>

#include "runner/base/text.h"
#include "runner/process/process.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

std::string LinkerFlags(const GoModulePart& part) {
  std::string flags = "-s -w";
  for (const auto& [name, value] : part.variables) {
    flags += fmt::format(" -X {}={}", name, value);
  }
  return flags;
}

// Some machines set these for their own work; a build must not depend on it.
std::map<std::string, std::string> GoEnvironment(const GoModulePart& part) {
  return {{"GOTOOLCHAIN", part.toolchain},
          {"GOFLAGS", "-mod=readonly"},
          {"GOWORK", "off"},
          {"GO111MODULE", "on"},
          {"CGO_ENABLED", "0"},
          {"GOOS", "linux"},
          {"GOARCH", "amd64"},
          {"GOEXPERIMENT", ""}};
}

Status BuildGoModule(const GoModulePart& part, const Path& source,
                     const Path& into, const Path& log) {
  Command build{.argv = {"go", "build", "-trimpath", "-ldflags",
                         LinkerFlags(part), "-o", into.string() + "/"},
                .env = GoEnvironment(part),
                .directory = source,
                .log = log,
                .timeout = 40min,
                .guard = true};
  build.argv.insert(build.argv.end(), part.packages.begin(),
                    part.packages.end());
  auto built = RunOk(build);
  if (!built) {
    if (built.error().kind == ErrorKind::kInterrupted) return built.error();
    const auto said = ReadFile(log).value_or("");
    return Error{fmt::format("go build failed: {}", LastLines(said, 3))};
  }
  for (const auto& [from, to] : part.rename) {
    std::error_code code;
    fs::rename(into / from, into / to, code);
    if (code) return Error{"rename " + from + ": " + code.message()};
  }
  return {};
}

}  // namespace

Result<PartRecipe> GoModuleRecipe(const GoModulePart& part, const Path& home) {
  const Path source = home / "components" / part.name;
  LAB_TRY(auto go_mod, ReadFile(source / "go.mod"));
  LAB_TRY(auto go_sum, ReadFile(source / "go.sum"));
  std::vector<std::string> inputs = {"go-module/1", std::move(go_mod),
                                     std::move(go_sum), part.toolchain,
                                     LinkerFlags(part)};
  inputs.insert(inputs.end(), part.packages.begin(), part.packages.end());
  for (const auto& [from, to] : part.rename) inputs.push_back(from + "=" + to);
  return PartRecipe{.name = part.name,
                    .inputs = std::move(inputs),
                    .cold_seconds = part.cold_build_seconds,
                    .build = [part, source](const Path& into, const Path& log) {
                      return BuildGoModule(part, source, into, log);
                    }};
}

}  // namespace lab
