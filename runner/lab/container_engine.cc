// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/container_engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "runner/base/text.h"

namespace lab {
namespace {

constexpr const char* kLabel = "confinement-lab";
constexpr const char* kPodmanConfig = "CONTAINERS_CONF";
constexpr const char* kProvider = "KIND_EXPERIMENTAL_PROVIDER";

// What kind knows beside Docker and Podman (pkg/internal/runtime/runtime.go):
// programs with nerdctl's command line.
constexpr std::array kNerdctls = {"nerdctl", "finch", "nerdctl.lima"};

}  // namespace

std::vector<std::string> ContainerEngine::Argv(
    std::vector<std::string> arguments) const {
  std::vector<std::string> argv;
  if (!IsPodman()) {
    argv = {"docker", "--host", at_.at};
  } else if (at_.at.empty()) {
    argv = {"podman"};
  } else {
    argv = {"env", kPodmanConfig + ("=" + at_.at), "podman"};
  }
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return argv;
}

Result<std::string> ContainerEngine::Run(std::vector<std::string> arguments,
                                         Duration timeout) const {
  return RunOk({.argv = Argv(std::move(arguments)), .timeout = timeout});
}

Result<std::vector<std::string>> ContainerEngine::Words(
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

std::map<std::string, std::string> ContainerEngine::KindEnvironment(
    const std::string& network) const {
  std::map<std::string, std::string> environment = {{kProvider, at_.provider}};
  if (!IsPodman()) {
    environment["DOCKER_HOST"] = at_.at;
    environment["KIND_EXPERIMENTAL_DOCKER_NETWORK"] = network;
    return environment;
  }
  environment["KIND_EXPERIMENTAL_PODMAN_NETWORK"] = network;
  if (!at_.at.empty()) environment[kPodmanConfig] = at_.at;
  return environment;
}

Result<std::string> ContainerEngine::Version() const {
  const char* format =
      IsPodman() ? "{{.Client.Version}}" : "{{.Server.Version}}";
  LAB_TRY(const auto said, Run({"version", "--format", format}, 10s));
  return std::string(Trim(said));
}

Result<std::vector<std::string>> ContainerEngine::TagsOf(
    const std::string& tag) const {
  return Words({"images", "--format", "{{.Repository}}:{{.Tag}}",
                tag.substr(0, tag.rfind(':'))});
}

Status ContainerEngine::ProvideImage(const std::string& tag,
                                     const Path& archive) const {
  LAB_TRY(const auto there, TagsOf(tag));
  if (std::find(there.begin(), there.end(), tag) != there.end()) return {};
  LAB_TRY(const auto loaded,
          Run({"load", "--quiet", "--input", archive.string()}, 20min));
  RemoveOthers(tag);
  return {};
}

void ContainerEngine::RemoveOthers(const std::string& tag) const {
  const auto there = TagsOf(tag);
  if (!there) return;
  const std::string version = tag.substr(0, tag.rfind('-') + 1);
  for (const auto& old : *there) {
    if (old == tag || !old.starts_with(version)) continue;
    // One that another lab runs is refused, and stays.
    (void)Run({"rmi", old}).has_value();
  }
}

Status ContainerEngine::MakeNetwork(const std::string& name,
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

Status ContainerEngine::NeverRestart(
    const std::vector<std::string>& nodes) const {
  if (IsPodman()) return {};  // there kind does not ask for it
  std::vector<std::string> argv = {"update", "--restart", "no"};
  argv.insert(argv.end(), nodes.begin(), nodes.end());
  LAB_TRY(const auto updated, Run(argv));
  return {};
}

Result<std::vector<std::string>> ContainerEngine::RemoveContainersOn(
    const std::string& network) const {
  LAB_TRY(auto containers,
          Words({"ps", "--all", "--no-trunc", "--filter", "network=" + network,
                 "--format", "{{.Names}}"}));
  if (containers.empty()) return containers;
  std::vector<std::string> argv = {"rm", "--force", "--volumes"};
  // Docker kills them; Podman would wait for them to stop.
  if (IsPodman()) argv.insert(argv.end(), {"--time", "0"});
  argv.insert(argv.end(), containers.begin(), containers.end());
  LAB_TRY(const auto gone, Words(argv));
  return containers;
}

// They have names, so `rm --volumes` leaves them.
Status ContainerEngine::RemoveNodeVolumes(const std::string& cluster) const {
  LAB_TRY(
      const auto volumes,
      Words({"volume", "ls", "--format",
             "{{.Name}}{{range $key, $value := .Labels}} {{$key}}{{end}}"}));
  for (const auto& line : volumes) {
    const auto words = Split(line, ' ');
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (!IsNodeOf(cluster, words[i])) continue;
      // Not by force: one that somebody's container uses is not the lab's.
      (void)Words({"volume", "rm", words[0]}).has_value();
      break;
    }
  }
  return {};
}

Result<std::vector<std::string>> ContainerEngine::RemoveLab(
    const LabFile& lab) const {
  std::vector<std::string> removed;
  LAB_TRY(const auto networks,
          Words({"network", "ls", "--quiet", "--no-trunc", "--filter",
                 fmt::format("label={}={}", kLabel, lab.directory.string())}));
  for (const auto& network : networks) {
    LAB_TRY(const auto containers, RemoveContainersOn(network));
    for (const auto& name : containers) removed.push_back("container " + name);
    if (IsPodman()) LAB_CHECK_OK(RemoveNodeVolumes(lab.name));
    LAB_TRY(const auto gone, Words({"network", "rm", network}));
    removed.push_back("network " +
                      (IsPodman() ? network : network.substr(0, 12)));
  }
  return removed;
}

NodeLogin ContainerEngine::LoginTo(const std::string& container) const {
  return {.command = Argv({"exec", "--interactive", container, "sh", "-c"}),
          .terminal =
              Argv({"exec", "--interactive", "--tty", container, "sh", "-c"})};
}

bool IsNodeOf(const std::string& cluster, const std::string& name) {
  for (const char* role :
       {"-control-plane", "-worker", "-external-load-balancer"}) {
    const std::string first = cluster + role;
    if (name.starts_with(first) &&
        name.find_first_not_of("0123456789", first.size()) ==
            std::string::npos) {
      return true;
    }
  }
  return false;
}

FoundEngine FindRunningDocker() {
  if (FindProgram("docker").empty()) {
    return {.lack = {"no docker command", ""}};
  }
  // Where it goes may come from DOCKER_HOST, or from a context.
  const auto host = RunOk({.argv = {"docker", "context", "inspect", "--format",
                                    "{{.Endpoints.docker.Host}}"},
                           .timeout = 10s});
  if (!host) return {.lack = {host.error().what, ""}};
  const ContainerEngine docker({"docker", std::string(Trim(*host))});
  const auto version = docker.Version();
  if (version && !version->empty()) {
    return {.engine = docker, .version = *version};
  }
  const bool refused =
      !version &&
      version.error().what.find("permission denied") != std::string::npos;
  return {.lack = {(refused ? "you may not use the daemon at "
                            : "no daemon answers at ") +
                       docker.at().at,
                   ""}};
}

std::string WantedProvider() {
  const char* wanted = std::getenv(kProvider);
  const std::string provider = wanted == nullptr ? "" : wanted;
  const bool known = provider == "podman" ||
                     std::find(kNerdctls.begin(), kNerdctls.end(), provider) !=
                         kNerdctls.end();
  return known ? provider : "docker";
}

std::optional<EngineLack> WhyNoProvider(const std::string& provider) {
  if (provider == "docker" || provider == "podman") return std::nullopt;
  return EngineLack{
      fmt::format("{}={}: kind has no switch for the network of its clusters "
                  "there, so a lab could not have one of its own, and not be "
                  "removed with it",
                  kProvider, provider),
      fmt::format("unset {0}   (Docker), or {0}=podman", kProvider)};
}

}  // namespace lab
