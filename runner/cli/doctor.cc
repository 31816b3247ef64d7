// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/doctor.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <regex>

#include "runner/base/text.h"
#include "runner/cli/provision.h"
#include "runner/components/debian_root.h"
#include "runner/lab/podman.h"
#include "runner/lab/private_docker.h"

namespace lab {
namespace {

using Level = Finding::Level;

constexpr const char* kSetup = "make setup";
constexpr double kGiB = 1024.0 * 1024 * 1024;
// Two nodes and a control plane; measured: `make bench`.
constexpr double kMemoryNeeded = 3.0 * kGiB;
constexpr double kDiskNeededWarm = 2.0 * kGiB;
// Sources, build caches, the parts themselves.
constexpr double kDiskNeededCold = 12.0 * kGiB;

// The first "N.M" in what `argv` prints; {0, 0} if it does not run.
std::pair<int, int> VersionOf(const std::vector<std::string>& argv) {
  const auto said = RunToEnd({.argv = argv, .timeout = 10s});
  if (!said) return {0, 0};
  std::smatch match;
  static const std::regex kVersion(R"((\d+)\.(\d+))");
  if (!std::regex_search(said->out, match, kVersion)) return {0, 0};
  return {std::stoi(match[1]), std::stoi(match[2])};
}

Finding Program(const std::string& name, const std::string& program) {
  const Path path = FindProgram(program);
  if (path.empty()) {
    return {name, Level::kMissing, program + " is not installed", kSetup};
  }
  return {name, Level::kGood, path.string(), ""};
}

Finding Versioned(const std::string& name, const std::vector<std::string>& argv,
                  std::pair<int, int> least, const std::string& why) {
  auto finding = Program(name, argv[0]);
  if (finding.level == Level::kMissing) return finding;
  const auto version = VersionOf(argv);
  finding.seen =
      fmt::format("{}.{} ({})", version.first, version.second, finding.seen);
  if (version < least) {
    finding.level = Level::kMissing;
    finding.seen += fmt::format(", at least {}.{} is needed: {}", least.first,
                                least.second, why);
    finding.mend = kSetup;
  }
  return finding;
}

Finding Memory() {
  const auto text = ReadFile("/proc/meminfo").value_or("");
  std::smatch match;
  static const std::regex kAvailable(R"(MemAvailable:\s+(\d+) kB)");
  if (!std::regex_search(text, match, kAvailable)) {
    return {"memory", Level::kNote, "MemAvailable is not known", ""};
  }
  const double bytes = std::stod(match[1]) * 1024;
  if (bytes >= kMemoryNeeded) {
    return {"memory", Level::kGood, HumanBytes(bytes) + " available", ""};
  }
  return {
      "memory", Level::kMissing,
      fmt::format("{} available, a lab needs {}", HumanBytes(bytes),
                  HumanBytes(kMemoryNeeded)),
      "runner lab ls   (and `runner lab down NAME`), or end other programs"};
}

Finding Disk(const Context& context, bool warm) {
  Path at = context.cache;
  while (!std::filesystem::exists(at) && at != at.root_path()) {
    at = at.parent_path();
  }
  const double bytes = FreeBytes(at).value_or(0);
  const double needed = warm ? kDiskNeededWarm : kDiskNeededCold;
  if (bytes >= needed) {
    return {"disk", Level::kGood,
            fmt::format("{} free for {}", HumanBytes(bytes),
                        context.cache.string()),
            ""};
  }
  return {"disk", Level::kMissing,
          fmt::format("{} free for {}, {} are needed", HumanBytes(bytes),
                      context.cache.string(), HumanBytes(needed)),
          "export CONFINEMENT_LAB_CACHE=DIRECTORY   (on a larger disk)"};
}

Finding Kvm() {
  if (::access("/dev/kvm", F_OK) != 0) {
    return {"KVM", Level::kNote, "no /dev/kvm: nodes are emulated", ""};
  }
  if (::access("/dev/kvm", R_OK | W_OK) != 0) {
    return {"KVM", Level::kNote,
            "no permission on /dev/kvm: nodes are emulated", ""};
  }
  return {"KVM", Level::kNote,
          "/dev/kvm opens; a run boots a kernel with it before it believes it",
          ""};
}

Finding UserNamespaces() {
  if (::geteuid() == 0) return {"user", Level::kGood, "root", ""};
  const auto tried =
      RunToEnd({.argv = {"unshare", "--map-root-user", "--mount", "true"}});
  if (tried && tried->ended.ok()) {
    return {"user", Level::kGood, "ordinary, with user namespaces", ""};
  }
  return {"user", Level::kMissing,
          "ordinary, and may not make user namespaces, which building a "
          "node's disk needs",
          "sudo sysctl kernel.unprivileged_userns_clone=1"};
}

std::vector<Finding> PartFindings(const Context& context, const LabPlan& plan,
                                  bool* warm) {
  SilentProgress silent;
  Cache cache(context.cache, silent, true);
  const auto recipes = PlannedRecipes(context, {}, plan, cache);
  if (!recipes) {
    return {{"parts", Level::kMissing, recipes.error().what, "make build"}};
  }
  std::vector<Finding> findings;
  *warm = true;
  for (const auto& recipe : *recipes) {
    const bool there = cache.Has(recipe);
    *warm = *warm && there;
    findings.push_back(
        {"part " + recipe.name, there ? Level::kGood : Level::kNote,
         there ? "in the cache"
               : fmt::format("not in the cache; a run builds it (about {}), "
                             "`runner fetch` does so ahead of time",
                             HumanSeconds(recipe.cold_seconds)),
         ""});
  }
  return findings;
}

// What building needs, and a warm cache does without.
std::vector<Finding> BuildFindings() {
  std::vector<Finding> findings;
  findings.push_back(
      Versioned("Go", {"go", "version"}, {1, 21},
                "older ones cannot fetch the release a module names"));
  findings.push_back(Program("mmdebstrap", "mmdebstrap"));
  const auto mirror = HostDebianMirror();
  findings.push_back(mirror
                         ? Finding{"Debian archive", Level::kGood,
                                   "known to the host's apt", ""}
                         : Finding{"Debian archive", Level::kMissing,
                                   mirror.error().what, "sudo apt-get update"});
  findings.push_back(UserNamespaces());
  if (::geteuid() != 0) {
    // mmdebstrap needs more than one user id in its namespace.
    findings.push_back(Program("newuidmap", "newuidmap"));
  }
  return findings;
}

Finding DockerFinding() {
  const auto found = FindRunningDocker();
  if (found.engine) {
    return {"Docker", Level::kGood,
            fmt::format("{} at {}", found.version, found.engine->at().at), ""};
  }
  const auto lack = WhyNoPrivateDocker();
  if (lack) {
    return {"Docker", Level::kMissing, found.lack.why + ", and " + lack->why,
            lack->mend};
  }
  return {"Docker", Level::kGood,
          found.lack.why + "; a lab starts a private one, and ends it", ""};
}

Finding PodmanFinding() {
  const auto found = FindPodman();
  if (found.engine) return {"Podman", Level::kGood, found.version, ""};
  return {"Podman", Level::kMissing, found.lack.why, found.lack.mend};
}

// What kind's own variable asks for, and nothing else.
Finding EngineFinding() {
  const auto provider = WantedProvider();
  if (const auto lack = WhyNoProvider(provider)) {
    return {"provider", Level::kMissing, lack->why, lack->mend};
  }
  return provider == "podman" ? PodmanFinding() : DockerFinding();
}

std::vector<Finding> HostFindings(const LabPlan& plan) {
  if (plan.lab == "kind") return {EngineFinding()};
  if (plan.lab == "kubeconfig") return {};
  return {Versioned("QEMU", {"qemu-system-x86_64", "--version"}, {8, 2},
                    "7.2's emulation panics a 6.12 guest"),
          Program("ssh", "ssh"), Program("ssh-keygen", "ssh-keygen"),
          Program("openssl", "openssl")};
}

}  // namespace

std::vector<Finding> Diagnose(const Context& context, const LabPlan& plan) {
  bool warm = false;
  auto parts = PartFindings(context, plan, &warm);
  auto findings = HostFindings(plan);
  if (!warm) {
    const auto build = BuildFindings();
    findings.insert(findings.end(), build.begin(), build.end());
    if (plan.lab == "vm") findings.push_back(Program("mke2fs", "mke2fs"));
  }
  findings.push_back(Memory());
  findings.push_back(Disk(context, warm));
  if (plan.lab == "vm") findings.push_back(Kvm());
  findings.insert(findings.end(), parts.begin(), parts.end());
  return findings;
}

}  // namespace lab
