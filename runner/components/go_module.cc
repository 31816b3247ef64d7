// SPDX-License-Identifier: Apache-2.0
#include "runner/components/go_module.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

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

// Runs the go command; its error is the end of what it said.
Status Go(const GoModulePart& part, Command command) {
  command.argv.insert(command.argv.begin(), "go");
  command.env.merge(GoEnvironment(part));
  command.timeout = 40min;
  command.guard = true;
  const auto done = RunOk(command);
  if (done) return {};
  if (done.error().kind == ErrorKind::kInterrupted) return done.error();
  const auto said = ReadFile(command.log).value_or("");
  if (done.error().kind == ErrorKind::kTimeout) {
    return TimeoutError(fmt::format("go {} did not end within {} min; last: {}",
                                    command.argv[1], command.timeout / 1min,
                                    LastLines(said, 1)));
  }
  return Error{
      fmt::format("go {} failed: {}", command.argv[1], LastLines(said, 3))};
}

// Where go finds the sources of a package.
Result<Path> PackageDirectory(const GoModulePart& part, const Path& source,
                              const std::string& package) {
  LAB_TRY(const auto said,
          RunOk({.argv = {"go", "list", "-find", "-f", "{{.Dir}}", package},
                 .env = GoEnvironment(part),
                 .directory = source,
                 .timeout = 10min}));
  return Path(Trim(said));
}

// Fills `out` and returns go build's -overlay: target -> file.
Result<nlohmann::json> Generate(const GoModulePart& part, const Path& source,
                                const Path& out, const Path& log) {
  nlohmann::json replace = nlohmann::json::object();
  for (const auto& one : part.generate) {
    std::vector<std::string> argv = {"run", one.program};
    for (const auto& argument : GeneratorArguments(one, out)) {
      argv.push_back(argument);
    }
    LAB_CHECK_OK(Go(part, {.argv = argv, .directory = source, .log = log}));
    const Path file = out / one.file;
    if (!fs::exists(file)) {
      return Error{one.program + " did not write " + one.file};
    }
    LAB_TRY(const Path package, PackageDirectory(part, source, one.package));
    replace[(package / file.filename()).string()] = file.string();
  }
  return nlohmann::json{{"Replace", replace}};
}

// Files of the module, as plain ones: its cache keeps no modes.
Status CopyModuleFiles(const GoModulePart& part, const Path& source,
                       const Path& into) {
  LAB_TRY(
      const auto said,
      RunOk({.argv = {"go", "list", "-m", "-f", "{{.Dir}}", part.files.module},
             .env = GoEnvironment(part),
             .directory = source,
             .timeout = 10min}));
  const Path root = Path(Trim(said)) / part.files.directory;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    const Path target = into / part.files.as / fs::relative(entry.path(), root);
    LAB_CHECK_OK(MakeDirectories(target.parent_path()));
    LAB_TRY(const auto text, ReadFile(entry.path()));
    LAB_CHECK_OK(WriteFile(target, text));
  }
  return {};
}

Status BuildGoModule(const GoModulePart& part, const Path& source,
                     const Path& into, const Path& log) {
  Command build{.argv = {"build", "-trimpath", "-ldflags", LinkerFlags(part),
                         "-o", into.string() + "/"},
                .directory = source,
                .log = log};
  const Path out = into / "generated";
  if (!part.generate.empty()) {
    LAB_CHECK_OK(MakeDirectories(out));
    LAB_TRY(const auto overlay, Generate(part, source, out, log));
    const Path file = out / "overlay.json";
    LAB_CHECK_OK(WriteFile(file, overlay.dump(2)));
    build.argv.insert(build.argv.end(), {"-overlay", file.string()});
    // Go's index of the module cache would hide the overlay's files there.
    build.env["GODEBUG"] = "goindex=0";
  }
  build.argv.insert(build.argv.end(), part.packages.begin(),
                    part.packages.end());
  LAB_CHECK_OK(Go(part, std::move(build)));
  LAB_CHECK_OK(RemoveTree(out));
  for (const auto& [from, to] : part.rename) {
    std::error_code code;
    fs::rename(into / from, into / to, code);
    if (code) return Error{"rename " + from + ": " + code.message()};
  }
  if (part.files.as.empty()) return {};
  return CopyModuleFiles(part, source, into);
}

}  // namespace

std::vector<std::string> GeneratorArguments(const GeneratedSource& source,
                                            const Path& out) {
  std::vector<std::string> arguments;
  for (const auto& argument : source.arguments) {
    const std::string text = ReplaceAll(argument, "{out}", out.string());
    arguments.push_back(ReplaceAll(text, "{inputs}", Join(source.inputs, ",")));
  }
  return arguments;
}

Result<PartRecipe> GoModuleRecipe(const GoModulePart& part, const Path& home) {
  const Path source = home / "components" / part.name;
  LAB_TRY(auto go_mod, ReadFile(source / "go.mod"));
  LAB_TRY(auto go_sum, ReadFile(source / "go.sum"));
  std::vector<std::string> inputs = {"go-module/1", std::move(go_mod),
                                     std::move(go_sum), part.toolchain,
                                     LinkerFlags(part)};
  inputs.insert(inputs.end(), part.packages.begin(), part.packages.end());
  for (const auto& [from, to] : part.rename) inputs.push_back(from + "=" + to);
  if (!part.files.as.empty()) {
    inputs.push_back("files " + part.files.module + " " + part.files.directory +
                     " " + part.files.as);
  }
  for (const auto& one : part.generate) {
    inputs.push_back("generate " + one.program + " " + one.package);
    for (const auto& argument : GeneratorArguments(one, "{out}")) {
      inputs.push_back(argument);
    }
    inputs.push_back(one.file);
  }
  return PartRecipe{.name = part.name,
                    .inputs = std::move(inputs),
                    .cold_seconds = part.cold_build_seconds,
                    .build = [part, source](const Path& into, const Path& log) {
                      return BuildGoModule(part, source, into, log);
                    }};
}

}  // namespace lab
