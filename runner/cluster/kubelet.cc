// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/kubelet.h"

#include <algorithm>

#include "runner/base/text.h"

namespace lab {

Result<std::vector<std::string>> KubeletArguments(const NodeShell& node) {
  const std::string passing = std::string("--config=") + kNoKubeletConfig;
  LAB_TRY(const auto pids, node.AskOk({"pidof", "kubelet"}));
  for (const auto& pid : Split(Trim(pids), ' ')) {
    // One that a case has started may have ended.
    LAB_TRY(const auto read, node.Ask({"cat", "/proc/" + pid + "/cmdline"}));
    auto argv = Split(read.out, '\0');
    if (!argv.empty() && argv.back().empty()) argv.pop_back();
    if (argv.empty()) continue;
    if (std::find(argv.begin(), argv.end(), passing) == argv.end()) return argv;
  }
  return Error{"node " + node.node() + ": no kubelet runs"};
}

std::optional<std::string> FlagOf(const std::vector<std::string>& argv,
                                  const std::string& name) {
  std::optional<std::string> value;
  const std::string flag = "--" + name;
  for (std::size_t i = 0; i < argv.size(); ++i) {
    if (argv[i].starts_with(flag + "=")) {
      value = argv[i].substr(flag.size() + 1);
    } else if (argv[i] == flag) {
      const bool has_value =
          i + 1 < argv.size() && !argv[i + 1].starts_with("-");
      value = has_value ? argv[i + 1] : "true";
    }
  }
  return value;
}

}  // namespace lab
