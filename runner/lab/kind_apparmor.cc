// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/kind_apparmor.h"

#include <fmt/format.h>

#include <future>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/cluster/node.h"

namespace lab {
namespace {

using nlohmann::json;

constexpr const char* kParser = "/sbin/apparmor_parser";
constexpr const char* kParserConf = "/etc/apparmor/parser.conf";
// containerd's name for it; any container has it that is not privileged, such
// as those of the control plane.
constexpr const char* kDefaultProfile = "cri-containerd.apparmor.d";
// Of what containerd's own profile is made (contrib/apparmor/template.go).
constexpr const char* kSmallProfile =
    "profile lab-preflight flags=(attach_disconnected,mediate_deleted) {\n"
    "  network, capability, file, umount,\n"
    "  signal (receive) peer=unconfined,\n"
    "  deny /proc/sysrq-trigger rwklx,\n"
    "}\n";

// The value of a variable, as environ(7) is laid out; empty if there is none.
std::string VariableOf(const std::string& environment,
                       const std::string& name) {
  for (const auto& one : Split(environment, '\0')) {
    if (one.starts_with(name + "=")) return one.substr(name.size() + 1);
  }
  return "";
}

bool Lists(const std::string& profiles, const std::string& name) {
  for (const auto& line : Lines(profiles)) {
    if (line.starts_with(name + " (")) return true;
  }
  return false;
}

Result<AppArmorAnswers> Ask(const LabFile& lab, const std::string& node) {
  const NodeShell shell(lab, node);
  AppArmorAnswers answers;
  LAB_TRY(const auto said, shell.AskOk({"lab-node", "facts"}));
  const auto facts = json::parse(said, nullptr, false);
  if (!facts.is_object()) return Error{"no facts: " + said};
  answers.enabled = facts.value("apparmor-enabled", "");
  answers.features = facts.value("apparmor-features", "");
  if (answers.enabled != "Y") return answers;
  LAB_TRY(const auto containerd, shell.AskOk({"pidof", "-s", "containerd"}));
  LAB_TRY(
      answers.environment,
      shell.AskOk({"cat", fmt::format("/proc/{}/environ", Trim(containerd))}));
  // Compiled only: no cache, and not into the kernel.
  LAB_TRY(const auto compiled, shell.Ask({kParser, "-QTK"}, kSmallProfile));
  answers.parser = Trim(compiled.err);
  if (answers.parser.empty() && !compiled.ended.ok()) {
    answers.parser = compiled.ended.ToString();
  }
  LAB_TRY(const auto conf, shell.Ask({"cat", kParserConf}));
  answers.pinned_file = PinnedFeatures(conf.out);
  if (!answers.pinned_file.empty()) {
    LAB_TRY(const auto pinned, shell.Ask({"cat", answers.pinned_file}));
    answers.pinned = pinned.out;
  }
  if (!answers.features.empty()) {
    LAB_TRY(answers.profiles, shell.ProfilesText());
  }
  return answers;
}

}  // namespace

std::string PinnedFeatures(const std::string& parser_conf) {
  std::string file;
  for (const auto& line : Lines(parser_conf)) {
    const std::string text(Trim(line));
    for (const std::string option : {"policy-features", "features-file"}) {
      if (!text.starts_with(option)) continue;
      const std::string rest(Trim(text.substr(option.size())));
      if (rest.starts_with('=')) file = Trim(rest.substr(1));
    }
  }
  return file;
}

std::vector<std::string> AppArmorFaults(const AppArmorAnswers& node) {
  std::vector<std::string> faults;
  if (node.enabled != "Y") return faults;
  if (node.features.empty()) {
    faults.push_back(
        "securityfs is not mounted: no /sys/kernel/security/apparmor/features");
  }
  const std::string container = VariableOf(node.environment, "container");
  if (!container.empty()) {
    faults.push_back(fmt::format(
        "containerd has container={} in its environment, by which it takes the "
        "host for one without AppArmor",
        container));
  }
  if (!node.parser.empty()) {
    faults.push_back(
        fmt::format("{} cannot compile a profile: {}", kParser, node.parser));
  }
  if (!node.pinned_file.empty() && node.pinned.empty()) {
    faults.push_back(fmt::format("{} names {}, which cannot be read",
                                 kParserConf, node.pinned_file));
  } else if (!node.pinned_file.empty() &&
             node.features.find("network/af_unix=") != std::string::npos &&
             node.pinned.find("af_unix") == std::string::npos) {
    faults.push_back(
        fmt::format("{} makes the parser compile for {}, which has no af_unix; "
                    "this kernel would refuse socketpair(2) to every container",
                    kParserConf, node.pinned_file));
  }
  if (!node.features.empty() && !Lists(node.profiles, kDefaultProfile)) {
    faults.push_back(fmt::format(
        "containerd has not loaded {}: pods run unconfined", kDefaultProfile));
  }
  return faults;
}

Status CheckAppArmor(const LabFile& lab) {
  std::vector<std::future<Result<AppArmorAnswers>>> asked;
  for (const auto& node : lab.nodes) {
    asked.push_back(std::async(std::launch::async, [&lab, name = node.name] {
      return Ask(lab, name);
    }));
  }
  std::vector<std::string> faults;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const auto answers = asked[i].get();
    const std::string& node = lab.nodes[i].name;
    if (!answers) return answers.error().Within("AppArmor on node " + node);
    for (const auto& fault : AppArmorFaults(*answers)) {
      faults.push_back(node + ": " + fault);
    }
  }
  if (faults.empty()) return {};
  return Error{
      fmt::format("the host has AppArmor, and the nodes cannot use it:\n  {}",
                  Join(faults, "\n  "))};
}

}  // namespace lab
