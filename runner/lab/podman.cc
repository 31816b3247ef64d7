// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/podman.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/lab/oci_wrapper.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

constexpr const char* kInstall =
    "apt-get install --no-install-recommends podman netavark aardvark-dns crun";

// Where Podman looks for its helpers (containers.conf(5), helper_binaries_dir).
constexpr const char* kHelperPlaces[] = {
    "/usr/local/libexec/podman", "/usr/local/lib/podman", "/usr/libexec/podman",
    "/usr/lib/podman"};

bool HasHelper(const std::string& name) {
  return !FindProgram(name).empty() ||
         std::any_of(
             std::begin(kHelperPlaces), std::end(kHelperPlaces),
             [&](const char* place) { return fs::exists(Path(place) / name); });
}

FoundEngine Lack(std::string why, std::string mend = kInstall) {
  return {.lack = {std::move(why), std::move(mend)}};
}

}  // namespace

FoundEngine FindPodman() {
  if (::geteuid() != 0) {
    return Lack("kind labs on Podman are root's only", "sudo, or a root shell");
  }
  if (FindProgram("podman").empty()) return Lack("no podman command");
  // kind's nodes and this project's files have to be on one machine.
  for (const char* name : {"CONTAINER_HOST", "CONTAINER_CONNECTION"}) {
    if (std::getenv(name) == nullptr) continue;
    return Lack(fmt::format("{} leads Podman elsewhere", name),
                fmt::format("unset {}", name));
  }
  const auto said =
      RunOk({.argv = {"podman", "info", "--format",
                      "{{.Version.Version}} {{.Host.NetworkBackend}}"},
             .timeout = 30s});
  if (!said) return Lack(said.error().what);
  const auto words = Split(Trim(*said), ' ');
  if (words.size() != 2) return Lack("podman info says: " + *said);
  // Nodes find each other by name, which is its other half's.
  if (words[1] != "netavark") {
    return Lack("Podman's networks are not netavark's but " + words[1] + "'s",
                std::string(kInstall) +
                    "   (and network_backend=\"netavark\" in "
                    "/etc/containers/containers.conf)");
  }
  for (const char* helper : {"netavark", "aardvark-dns"}) {
    if (!HasHelper(helper)) return Lack(fmt::format("there is no {}", helper));
  }
  const auto lacks = LacksCapabilities();
  if (!lacks) return Lack(lacks.error().what);
  if (*lacks && WrappedRuntime().empty()) return Lack("no runc and no crun");
  return {.engine = ContainerEngine({"podman", ""}), .version = words[0]};
}

Result<Path> WritePodmanConfig(const Path& directory,
                               const std::vector<std::string>& wrapper) {
  const Path root = directory / "podman";
  const Path runtime = root / "runtime";
  const Path config = root / "containers.conf";
  LAB_CHECK_OK(MakeDirectories(root));
  // An OCI runtime has no arguments there.
  LAB_CHECK_OK(WriteFile(runtime, fmt::format("#!/bin/sh\nexec {} \"$@\"\n",
                                              ShellQuote(wrapper))));
  std::error_code code;
  fs::permissions(runtime, fs::perms::owner_all, code);
  if (code) return Error{runtime.string() + ": " + code.message()};
  // A string of TOML is written like one of JSON.
  LAB_CHECK_OK(
      WriteFile(config, fmt::format("[engine]\nruntime = \"lab\"\n\n"
                                    "[engine.runtimes]\nlab = [{}]\n",
                                    nlohmann::json(runtime.string()).dump())));
  return config;
}

Result<ContainerEngine> PodmanFor(const Path& directory) {
  LAB_TRY(const auto lacks, LacksCapabilities());
  if (!lacks) return ContainerEngine({"podman", ""});
  LAB_TRY(const auto config, WritePodmanConfig(directory, OciWrapper()));
  return ContainerEngine({"podman", config.string()});
}

}  // namespace lab
