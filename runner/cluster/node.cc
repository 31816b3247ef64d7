// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/node.h"

#include <fmt/format.h>

#include <algorithm>

#include "runner/base/text.h"

namespace lab {
namespace {

constexpr const char* kProfiles = "/sys/kernel/security/apparmor/profiles";
constexpr const char* kRemove = "/sys/kernel/security/apparmor/.remove";
constexpr int kSshFailed = 255;

bool Lists(const std::string& profiles, const std::string& name) {
  const auto lines = Lines(profiles);
  return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
    return line.starts_with(name + " (");
  });
}

}  // namespace

Result<Finished> NodeShell::Ask(const std::vector<std::string>& argv,
                                const std::string& input,
                                Duration timeout) const {
  LAB_TRY(auto finished, RunToEnd({.argv = {"ssh", "-F", ssh_config_.string(),
                                            node_, "--", ShellQuote(argv)},
                                   .input = input,
                                   .timeout = timeout}));
  const bool lost = finished.ended.how != Ended::How::kExited ||
                    finished.ended.value == kSshFailed;
  if (lost) {
    return Error{fmt::format("node {}: {}: {}: {}", node_, ShellQuote(argv),
                             finished.ended.ToString(), Trim(finished.err))};
  }
  return finished;
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
  return LoadProfiles({{name, text}});
}

Status NodeShell::LoadProfiles(
    const std::map<std::string, std::string>& profiles) const {
  for (const auto& [name, text] : profiles) {
    LAB_TRY(const auto loaded,
            Ask({"apparmor_parser", "--replace", "--skip-cache"}, text));
    const std::string said(Trim(loaded.err));
    if (!loaded.ended.ok() || !said.empty()) {
      return Error{fmt::format("load profile {} on node {}: {}: {}", name,
                               node_, loaded.ended.ToString(), said)};
    }
  }
  LAB_TRY(const auto listed, ProfilesText());
  for (const auto& [name, text] : profiles) {
    if (Lists(listed, name)) continue;
    return Error{
        fmt::format("load profile {} on node {}: the parser said "
                    "nothing, and the kernel does not list it",
                    name, node_)};
  }
  return {};
}

Status NodeShell::RemoveProfile(const std::string& name) const {
  LAB_TRY(const auto profiles, ProfilesText());
  if (!Lists(profiles, name)) return {};
  // The kernel takes the bare name; a newline would be part of it.
  LAB_TRY(const auto removed,
          AskOk({"dd", std::string("of=") + kRemove, "status=none"}, name));
  return {};
}

Result<std::string> NodeShell::ProfilesText() const {
  return AskOk({"cat", kProfiles});
}

}  // namespace lab
