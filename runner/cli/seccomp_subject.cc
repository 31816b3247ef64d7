// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/seccomp_subject.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/cluster/api.h"
#include "runner/cluster/node.h"
#include "runner/components/parts.h"
#include "runner/lab/store.h"
#include "runner/process/process.h"

namespace lab {
namespace {

using nlohmann::json;

constexpr const char* kLibseccomp = "2.6.0";

bool IsNumber(const std::string& text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

Result<seccomp::Dump> Parsed(const Finished& finished,
                             const std::string& subject) {
  if (!finished.ended.ok()) {
    if (finished.ended.how != Ended::How::kExited) {
      return Error{subject + ": lab-node: " + finished.ended.ToString()};
    }
    return seccomp::FiltersError(finished.ended.value, finished.err);
  }
  return seccomp::ParseFilters(finished.out, subject);
}

// A program of its own, as on a node: the kernel releases the process when that
// program ends, and it ends when this one does.
Result<seccomp::Dump> DumpHere(const std::string& pid) {
  LAB_TRY(const Path probes, ProbesDirectory());
  LAB_TRY(const auto read,
          RunToEnd({.argv = {(probes / "node").string(), "filters", pid},
                    .timeout = 30s}));
  return Parsed(read, "process " + pid);
}

struct PodName {
  std::string name_space = "default";
  std::string name;

  std::string ToString() const { return name_space + "/" + name; }
};

Result<PodName> ParsePodName(const std::string& text) {
  const auto parts = Split(text, '/');
  const bool good =
      parts.size() <= 2 &&
      std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
        return !part.empty() &&
               std::all_of(part.begin(), part.end(), [](unsigned char c) {
                 return std::isalnum(c) != 0 || c == '-' || c == '.';
               });
      });
  if (!good) {
    return UsageError(
        fmt::format("\"{}\" is neither a process number, nor a pod (NAME or "
                    "NAMESPACE/NAME), nor a file that exists",
                    text));
  }
  if (parts.size() == 1) return PodName{"default", parts[0]};
  return PodName{parts[0], parts[1]};
}

// Why a container has no process, in the API's words.
std::string NotRunning(const json& status) {
  const json state = status.value("state", json::object());
  for (const char* kind : {"waiting", "terminated"}) {
    if (!state.contains(kind)) continue;
    const std::string reason = state[kind].value("reason", "");
    return reason.empty() ? kind : fmt::format("{}: {}", kind, reason);
  }
  return "not started";
}

// The runtime's id of a running container.
Result<std::string> ContainerId(const json& pod, const PodName& name,
                                const std::string& wanted) {
  const std::string container =
      wanted.empty()
          ? pod.at("spec").at("containers").at(0).at("name").get<std::string>()
          : wanted;
  std::vector<std::string> names;
  for (const char* kind : {"containerStatuses", "initContainerStatuses",
                           "ephemeralContainerStatuses"}) {
    for (const auto& status :
         pod.value("status", json::object()).value(kind, json::array())) {
      names.push_back(status.at("name"));
      if (names.back() != container) continue;
      if (!status.value("state", json::object()).contains("running")) {
        return UsageError(
            fmt::format("container {} of pod {} does not run ({})", container,
                        name.ToString(), NotRunning(status)));
      }
      const std::string id = status.at("containerID");
      return id.substr(id.rfind('/') + 1);
    }
  }
  return UsageError(fmt::format(
      "pod {} has no container \"{}\" that was started{}", name.ToString(),
      container, names.empty() ? "" : "; it has: " + Join(names, ", ")));
}

std::map<std::string, std::string> FactsOf(const LabFile& lab,
                                           const std::string& node) {
  std::map<std::string, std::string> facts;
  for (const auto& [name, value] : lab.facts) {
    if (name.starts_with(node + "."))
      facts[name.substr(node.size() + 1)] = value;
  }
  return facts;
}

Result<SeccompSubject> DumpOfPod(const Context& context,
                                 const SeccompOptions& options,
                                 const std::string& text) {
  LAB_TRY(const PodName name, ParsePodName(text));
  const LabStore store(context.cache);
  LAB_TRY(const LabFile named, store.Choose(options.lab));
  LAB_TRY(const LabFile lab, store.FindAlive(named.name));
  const Api api(lab.api_socket);
  LAB_TRY(const auto answer,
          api.Request({.path = fmt::format("/api/v1/namespaces/{}/pods/{}",
                                           name.name_space, name.name)}));
  if (answer.status == 404) {
    return UsageError(
        fmt::format("no pod {} in lab {}", name.ToString(), lab.name));
  }
  const json pod = json::parse(answer.body, nullptr, false);
  if (answer.status != 200 || !pod.is_object()) {
    return Error{fmt::format("pod {}: the API server answers {}",
                             name.ToString(), answer.status)};
  }
  LAB_TRY(const auto id, ContainerId(pod, name, options.container));
  const std::string node = pod.at("spec").value("nodeName", "");
  const NodeShell shell(lab, node);
  LAB_TRY(const auto process, shell.AskOk({"lab-node", "process", id}));
  const std::string pid = json::parse(process).at("pid").dump();
  LAB_TRY(const auto read, shell.Ask({"lab-node", "filters", pid}));
  SeccompSubject subject;
  subject.name = "pod " + name.ToString();
  LAB_TRY(subject.dump, Parsed(read, subject.name));
  subject.node_facts = FactsOf(lab, node);
  // The lab's runtime classes are called as their runtimes.
  const std::string chosen = pod.at("spec").value("runtimeClassName", "");
  if (!chosen.empty()) subject.node_facts["default-runtime"] = chosen;
  return subject;
}

Result<SeccompSubject> FromFile(const std::string& file) {
  LAB_TRY(const auto text, ReadFile(file));
  SeccompSubject subject;
  subject.name = file;
  if (seccomp::LooksLikeDump(text)) {
    const auto dump = seccomp::DumpFromJson(text, file);
    if (!dump) return UsageError(dump.error().what);
    subject.dump = *dump;
    return subject;
  }
  const auto profile = seccomp::ParseProfile(text, file);
  if (!profile) return UsageError(profile.error().what);
  subject.profile = *profile;
  return subject;
}

// "containerd-2.4.2"; nullopt if it does not look like a runtime's version.
std::optional<Result<SeccompSubject>> DefaultProfile(const Context& context,
                                                     const std::string& text) {
  for (const std::string runtime : {"containerd", "cri-o"}) {
    if (!text.starts_with(runtime + "-")) continue;
    const auto version = Version::In(text.substr(runtime.size()));
    if (!version) continue;
    auto profile = seccomp::LoadDefaultProfile(context.home, runtime, *version);
    if (!profile) return Result<SeccompSubject>(profile.error());
    SeccompSubject subject;
    subject.name = profile->name;
    subject.profile = std::move(*profile);
    return Result<SeccompSubject>(std::move(subject));
  }
  return std::nullopt;
}

}  // namespace

Result<SeccompSubject> FindDump(const Context& context,
                                const SeccompOptions& options,
                                const std::string& subject) {
  if (!IsNumber(subject)) return DumpOfPod(context, options, subject);
  SeccompSubject found;
  found.name = "process " + subject;
  LAB_TRY(found.dump, DumpHere(subject));
  return found;
}

Result<SeccompSubject> FindSide(const Context& context,
                                const SeccompOptions& options,
                                const std::string& subject) {
  std::error_code code;
  if (IsNumber(subject)) return FindDump(context, options, subject);
  if (std::filesystem::is_regular_file(subject, code)) return FromFile(subject);
  if (const auto known = DefaultProfile(context, subject)) return *known;
  return FindDump(context, options, subject);
}

Result<seccomp::View> ViewOfSide(const SeccompSubject& side,
                                 const SeccompSubject& other,
                                 const SeccompOptions& options) {
  if (side.dump) return seccomp::ViewOf(side.dump->programs());
  const auto fact = [&](const char* name, const std::string& chosen,
                        const char* otherwise) {
    if (!chosen.empty()) return chosen;
    const auto at = other.node_facts.find(name);
    return at == other.node_facts.end() || at->second.empty()
               ? std::string(otherwise)
               : at->second;
  };
  seccomp::Environment environment;
  environment.capabilities =
      other.dump ? other.dump->capabilities : seccomp::DefaultCapabilities();
  if (other.dump) {
    LAB_TRY(environment.kernel, Version::In(other.dump->kernel));
  }
  environment.oci_runtime =
      fact("default-runtime", options.oci_runtime, "crun");
  LAB_TRY(environment.libseccomp,
          Version::In(fact("libseccomp", options.libseccomp, kLibseccomp)));
  if (const auto version =
          Version::In(fact(environment.oci_runtime.c_str(), "", ""))) {
    environment.oci_version = *version;
  }
  return seccomp::ViewOf(seccomp::Expectation(*side.profile, environment));
}

}  // namespace lab
