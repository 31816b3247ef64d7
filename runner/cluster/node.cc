// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/node.h"

#include <fmt/format.h>

#include "runner/base/text.h"

namespace lab {
namespace {

// The far shell's last word, on stderr: the status is the command's own, and
// not one of the programs in between, each of which has its own for trouble
// (ssh 255; docker 1, 125, 126, 127).
constexpr std::string_view kEnd = "\x04lab-end";
// An emulated node compiles about ten profiles a second, a busy one fewer.
constexpr Duration kLoading = 120s;

std::string Foreign(const std::string& profile, const std::string& node) {
  return fmt::format(
      "node {0}: profile {1} is loaded already, and not by this lab; it is "
      "left alone. Remove it (runner lab shell {0} -- lab-node "
      "remove-profiles {1}) or use another lab",
      node, ShellQuote(profile));
}

std::string Each(const std::vector<std::vector<std::string>>& commands) {
  std::vector<std::string> quoted;
  for (const auto& argv : commands) quoted.push_back(ShellQuote(argv));
  return Join(quoted, "; ");
}

}  // namespace

Result<Finished> NodeShell::Send(const std::string& command,
                                 const std::string& input,
                                 Duration timeout) const {
  if (login_.empty()) return Error{"node " + node_ + ": no way to log in"};
  auto argv = login_;
  argv.push_back(
      fmt::format("{}; lab_status=$?; printf '\\004{}' >&2; "
                  "exit $lab_status",
                  names_.OnNodes(command), kEnd.substr(1)));
  LAB_TRY(auto finished,
          RunToEnd({.argv = argv, .input = input, .timeout = timeout}));
  // Something that the command left behind may speak after it.
  const auto end = finished.err.rfind(kEnd);
  const bool lost =
      finished.ended.how != Ended::How::kExited || end == std::string::npos;
  if (lost) {
    return Error{fmt::format("node {}: {}: {}: {}", node_, command,
                             finished.ended.ToString(), Trim(finished.err))};
  }
  finished.err.erase(end, kEnd.size());
  return finished;
}

Finished NodeShell::InDocuments(Finished said) const {
  said.out = names_.InDocuments(said.out);
  said.err = names_.InDocuments(said.err);
  return said;
}

Result<Finished> NodeShell::Ask(const std::vector<std::string>& argv,
                                const std::string& input,
                                Duration timeout) const {
  LAB_TRY(auto said, Send(ShellQuote(argv), input, timeout));
  return InDocuments(std::move(said));
}

Result<Finished> NodeShell::AskEach(
    const std::vector<std::vector<std::string>>& commands,
    const std::string& input, Duration timeout) const {
  LAB_TRY(auto said, Send(Each(commands), input, timeout));
  return InDocuments(std::move(said));
}

Result<std::string> NodeShell::AskOk(const std::vector<std::string>& argv,
                                     const std::string& input,
                                     Duration timeout) const {
  LAB_TRY(auto finished, Ask(argv, input, timeout));
  if (finished.ended.ok()) return std::move(finished.out);
  return Error{fmt::format("node {}: {}: {}: {}", node_, ShellQuote(argv),
                           finished.ended.ToString(),
                           LastLines(Trim(finished.err), 3))};
}

Status NodeShell::LoadProfile(const std::string& name,
                              const std::string& text) const {
  LAB_TRY(const auto faults, LoadProfiles({{name, text}}));
  if (faults.empty()) return {};
  return Error{faults.begin()->second};
}

Result<ProfileFaults> NodeShell::LoadProfiles(
    const std::map<std::string, std::string>& profiles) const {
  if (profiles.empty()) return ProfileFaults();
  LAB_TRY(const auto before, Profiles());
  ProfileFaults faults;
  auto wanted = profiles;
  for (const auto& [name, text] : profiles) {
    if (!before.Foreign(name)) continue;
    faults[name] = Foreign(name, node_);
    wanted.erase(name);
  }
  if (wanted.empty()) return faults;
  std::set<std::string> names;
  std::vector<std::string> parser = {"apparmor_parser", "--replace",
                                     "--skip-cache", "--"};
  for (const auto& [name, text] : wanted) {
    names.insert(name);
    parser.push_back(OwnProfileFile(name));
  }
  LAB_TRY(const auto tar, PackProfiles(wanted, names_));
  LAB_TRY(const auto loaded, Send(Each({{"tar", "-x", "-C", "/run", "-f", "-"},
                                        parser,
                                        {"cat", kKernelProfiles}}),
                                  tar, kLoading));
  auto found = FindFaults(names, names_.InDocuments(loaded.err),
                          names_.ListInDocuments(loaded.out));
  if (!found) return found.error().Within("node " + node_);
  for (const auto& [name, why] : *found) {
    faults[name] = fmt::format("node {}: {}", node_, why);
    LAB_CHECK_OK(RemoveProfile(name));
  }
  return faults;
}

Status NodeShell::RemoveProfile(const std::string& name) const {
  return Remove({name}, {name});
}

Status NodeShell::RemoveOwnProfiles(
    const std::vector<std::string>& names) const {
  LAB_TRY(const auto state, Profiles());
  std::vector<std::string> loaded, own;
  for (const auto& name : names) {
    const auto declared = state.own.find(name);
    if (declared == state.own.end()) continue;
    own.push_back(name);
    for (const auto& profile : declared->second) {
      if (state.loaded.contains(profile)) loaded.push_back(profile);
    }
  }
  return Remove(loaded, own);
}

Result<std::vector<std::string>> NodeShell::RemoveAllOwnProfiles() const {
  LAB_TRY(const auto state, Profiles());
  std::vector<std::string> all;
  for (const auto& [name, declared] : state.own) all.push_back(name);
  LAB_CHECK_OK(RemoveOwnProfiles(all));
  return all;
}

Status NodeShell::Remove(const std::vector<std::string>& loaded,
                         const std::vector<std::string>& own) const {
  if (own.empty()) return {};
  std::vector<std::vector<std::string>> commands;
  if (!loaded.empty()) {
    commands.push_back({"lab-node", "remove-profiles"});
    commands.back().insert(commands.back().end(), loaded.begin(), loaded.end());
  }
  commands.push_back({"rm", "-f", "--"});
  for (const auto& name : own) commands.back().push_back(OwnProfileFile(name));
  LAB_TRY(const auto removed, AskEach(commands, "", kLoading));
  const std::string said(Trim(removed.err));
  if (said.empty()) return {};
  return Error{fmt::format("remove profiles on node {}: {}", node_, said)};
}

Result<ProfileState> NodeShell::Profiles() const {
  // One program for both; -s: there may be no profile of ours yet.
  LAB_TRY(const auto said, Send(ShellQuote(std::vector<std::string>{
                                    "grep", "-sr", "", kKernelProfiles,
                                    kOwnProfiles}),
                                "", 30s));
  return ParseProfileState(said.out, names_);
}

Result<std::string> NodeShell::ProfilesText() const {
  LAB_TRY(const auto said,
          Send(ShellQuote(std::vector<std::string>{"cat", kKernelProfiles}), "",
               30s));
  if (said.ended.ok()) return names_.ListInDocuments(said.out);
  return Error{fmt::format("node {}: cat {}: {}: {}", node_, kKernelProfiles,
                           said.ended.ToString(), Trim(said.err))};
}

}  // namespace lab
