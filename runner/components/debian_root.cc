// SPDX-License-Identifier: Apache-2.0
#include "runner/components/debian_root.h"

#include <fmt/format.h>

#include "runner/base/text.h"
#include "runner/process/process.h"

namespace lab {
namespace {

// Documentation and translations: a node has no reader.
constexpr const char* kExcluded[] = {"/usr/share/doc/*", "/usr/share/man/*",
                                     "/usr/share/locale/*", "/usr/share/info/*",
                                     "/usr/share/lintian/*"};

std::vector<std::string> Arguments(const NodeOsPart& part) {
  std::vector<std::string> argv = {"mmdebstrap", "--variant=minbase",
                                   "--skip=output/dev",
                                   "--aptopt=Acquire::Retries \"3\""};
  for (const auto* pattern : kExcluded) {
    argv.push_back(fmt::format("--dpkgopt=path-exclude={}", pattern));
  }
  argv.push_back("--include=" + Join(part.packages, ","));
  argv.push_back(part.name);
  return argv;
}

// Signed lists of unstable suites say until when they are valid, and a mirror
// that is a snapshot outlives that. Whether this is accepted is the host's own
// decision, taken in its apt's configuration; signatures are checked always.
Result<std::string> HostCheckValidUntil() {
  return RunOk({.argv = {"apt-config", "dump", "--no-empty", "--format", "%v",
                         "Acquire::Check-Valid-Until"}});
}

Result<Command> MmdebstrapCommand(const std::vector<std::string>& argv,
                                  const std::string& mirror,
                                  const Path& tarball) {
  std::string from = mirror;
  if (from.empty()) {
    LAB_TRY(from, HostDebianMirror());
  }
  LAB_TRY(const auto valid_until, HostCheckValidUntil());
  Command command{.argv = argv,
                  .env = {{"LC_ALL", "C.UTF-8"}},
                  .timeout = 30min,
                  .guard = true};
  if (!valid_until.empty()) {
    command.argv.insert(
        command.argv.begin() + 1,
        fmt::format("--aptopt=Acquire::Check-Valid-Until \"{}\"", valid_until));
  }
  command.argv.insert(command.argv.end(), {tarball.string(), from});
  return command;
}

// The line that says what went wrong, if there is one.
std::string WhyItFailed(const std::string& log) {
  for (const auto& line : Lines(log)) {
    if (line.find("is expired") == std::string::npos) continue;
    return std::string(Trim(line)) +
           "; the mirror is old: take another with --debian-mirror URL, or, if "
           "it is a snapshot on purpose, tell the host's apt so "
           "(Acquire::Check-Valid-Until \"false\")";
  }
  return LastLines(log, 3);
}

}  // namespace

Result<std::string> HostDebianMirror() {
  LAB_TRY(const auto text,
          RunOk({.argv = {"apt-get", "indextargets", "--format",
                          "$(ORIGIN)|$(LABEL)|$(REPO_URI)"}}));
  for (const auto& line : Lines(text)) {
    const auto fields = Split(line, '|');
    if (fields.size() == 3 && fields[0] == "Debian" && fields[1] == "Debian") {
      return fields[2];
    }
  }
  return Error{
      "the host's apt knows no Debian archive (has `apt-get update` "
      "run?); name one with --debian-mirror URL"};
}

PartRecipe DebianRootRecipe(const NodeOsPart& part, const std::string& mirror) {
  auto argv = Arguments(part);
  std::vector<std::string> inputs = {"debian-root/1"};
  inputs.insert(inputs.end(), argv.begin(), argv.end());
  return PartRecipe{
      .name = "node-root-" + part.name,
      .inputs = std::move(inputs),
      .cold_seconds = part.cold_build_seconds,
      .build = [argv, mirror](const Path& into, const Path& log) -> Status {
        LAB_TRY(auto command,
                MmdebstrapCommand(argv, mirror, into / "root.tar"));
        command.log = log;
        const auto made = RunOk(command);
        if (made) return {};
        if (made.error().kind == ErrorKind::kInterrupted) return made.error();
        return Error{"mmdebstrap failed: " +
                     WhyItFailed(ReadFile(log).value_or(""))};
      }};
}

}  // namespace lab
