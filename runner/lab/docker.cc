// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/docker.h"

#include <fmt/format.h>

#include <algorithm>

#include "runner/base/text.h"

namespace lab {
namespace {

constexpr const char* kLabel = "confinement-lab";

}  // namespace

std::vector<std::string> Docker::Argv(
    std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"docker", "--host", host_});
  return arguments;
}

Result<std::string> Docker::Run(std::vector<std::string> arguments,
                                Duration timeout) const {
  return RunOk({.argv = Argv(std::move(arguments)), .timeout = timeout});
}

Result<std::vector<std::string>> Docker::Words(
    std::vector<std::string> arguments) const {
  LAB_TRY(const auto said, RunOk({.argv = Argv(std::move(arguments)),
                                  .timeout = 20s,
                                  .stoppable = false}));
  std::vector<std::string> words;
  for (const auto& line : Lines(said)) {
    if (!line.empty()) words.push_back(line);
  }
  return words;
}

Result<std::string> Docker::Version() const {
  LAB_TRY(const auto said,
          Run({"version", "--format", "{{.Server.Version}}"}, 10s));
  return std::string(Trim(said));
}

Result<std::vector<std::string>> Docker::TagsOf(const std::string& tag) const {
  return Words({"images", "--format", "{{.Repository}}:{{.Tag}}",
                tag.substr(0, tag.rfind(':'))});
}

Status Docker::ProvideImage(const std::string& tag, const Path& archive) const {
  LAB_TRY(const auto there, TagsOf(tag));
  if (std::find(there.begin(), there.end(), tag) != there.end()) return {};
  LAB_TRY(const auto loaded,
          Run({"load", "--quiet", "--input", archive.string()}, 20min));
  RemoveOthers(tag);
  return {};
}

void Docker::RemoveOthers(const std::string& tag) const {
  const auto there = TagsOf(tag);
  if (!there) return;
  const std::string version = tag.substr(0, tag.rfind('-') + 1);
  for (const auto& old : *there) {
    if (old == tag || !old.starts_with(version)) continue;
    // One that another lab runs is refused, and stays.
    (void)Run({"rmi", old}).has_value();
  }
}

Status Docker::MakeNetwork(const std::string& name,
                           const Path& directory) const {
  std::vector<std::string> argv = {
      "network", "create",  "--driver",
      "bridge",  "--label", fmt::format("{}={}", kLabel, directory.string())};
  if (!bridge_prefix_.empty()) {
    // A network interface's name has at most 15 characters.
    const auto number = Sha256OfText(directory.string()).substr(0, 7);
    argv.insert(
        argv.end(),
        {"--opt", "com.docker.network.bridge.name=" + bridge_prefix_ + number});
  }
  argv.push_back(name);
  LAB_TRY(const auto made, Run(std::move(argv)));
  return {};
}

Result<std::vector<std::string>> Docker::RemoveLab(
    const Path& directory) const {
  std::vector<std::string> removed;
  LAB_TRY(const auto networks,
          Words({"network", "ls", "--quiet", "--no-trunc", "--filter",
                 fmt::format("label={}={}", kLabel, directory.string())}));
  for (const auto& network : networks) {
    LAB_TRY(const auto containers,
            Words({"ps", "--all", "--no-trunc", "--filter",
                   "network=" + network, "--format", "{{.Names}}"}));
    if (!containers.empty()) {
      std::vector<std::string> argv = {"rm", "--force", "--volumes"};
      argv.insert(argv.end(), containers.begin(), containers.end());
      LAB_TRY(const auto gone, Words(argv));
      for (const auto& name : gone) removed.push_back("container " + name);
    }
    LAB_TRY(const auto gone, Words({"network", "rm", network}));
    removed.push_back("network " + network.substr(0, 12));
  }
  return removed;
}

NodeLogin Docker::LoginTo(const std::string& container) const {
  return {.command = Argv({"exec", "--interactive", container, "sh", "-c"}),
          .terminal =
              Argv({"exec", "--interactive", "--tty", container, "sh", "-c"})};
}

FoundDocker FindRunningDocker() {
  if (FindProgram("docker").empty()) {
    return {std::nullopt, "", "no docker command"};
  }
  // Where it goes may come from DOCKER_HOST, or from a context.
  const auto host = RunOk({.argv = {"docker", "context", "inspect", "--format",
                                    "{{.Endpoints.docker.Host}}"},
                           .timeout = 10s});
  if (!host) return {std::nullopt, "", host.error().what};
  const Docker docker{std::string(Trim(*host))};
  const auto version = docker.Version();
  if (version && !version->empty()) return {docker, *version, ""};
  const bool refused =
      !version &&
      version.error().what.find("permission denied") != std::string::npos;
  return {
      std::nullopt, "",
      (refused ? "you may not use the daemon at " : "no daemon answers at ") +
          docker.host()};
}

std::optional<std::string> WhyNoProvider(const std::string& provider) {
  // What kind knows beside Docker (pkg/internal/runtime/runtime.go); any other
  // word it ignores.
  for (const char* other : {"podman", "nerdctl", "finch", "nerdctl.lima"}) {
    if (provider != other) continue;
    return fmt::format(
        "KIND_EXPERIMENTAL_PROVIDER={}: kind labs are made with Docker only",
        provider);
  }
  return std::nullopt;
}

}  // namespace lab
