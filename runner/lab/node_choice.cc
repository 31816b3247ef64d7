// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/node_choice.h"

#include <fmt/format.h>

#include <algorithm>

#include "runner/base/text.h"

namespace lab {
namespace {

const std::vector<std::string> kRuntimes = {"crun", "runc"};
const std::vector<std::string> kSwitch = {"on", "off"};

Status CheckValue(const KindConfig& config, const KindNode& node,
                  const std::string& label, const std::string& value,
                  const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return {};
  return AtLabel(config, node, label,
                 fmt::format("label {}: unknown value \"{}\"; known: {}", label,
                             Printable(value), Join(known, ", ")));
}

}  // namespace

Error AtLabel(const KindConfig& config, const KindNode& node,
              const std::string& label, const std::string& message) {
  const auto line = node.label_lines.find(label);
  return UsageError(fmt::format(
      "{}:{}: {}", config.file,
      line == node.label_lines.end() ? node.line : line->second, message));
}

Result<NodeChoice> ReadNodeChoice(const KindConfig& config,
                                  const KindNode& node) {
  NodeChoice choice;
  for (const auto& [label, value] : node.labels) {
    if (!label.starts_with(kChoicePrefix)) continue;
    if (label == kNodeOsLabel) {
      choice.node_os = value;
    } else if (label == kRuntimeLabel) {
      LAB_CHECK_OK(CheckValue(config, node, label, value, kRuntimes));
      choice.runtime = value;
    } else if (label == kAppArmorLabel) {
      LAB_CHECK_OK(CheckValue(config, node, label, value, kSwitch));
      choice.apparmor = value == "on";
    } else {
      return AtLabel(
          config, node, label,
          fmt::format("label \"{}\" chooses nothing; known: {}, {}, {}",
                      Printable(label), kNodeOsLabel, kRuntimeLabel,
                      kAppArmorLabel));
    }
  }
  return choice;
}

}  // namespace lab
