// SPDX-License-Identifier: Apache-2.0
// apparmor-host COMMAND...: runs a command in a virtual machine that is an
// ordinary host with AppArmor, in the project's root, which is at the same
// place there. `make kind-apparmor` runs the runner so. Exit status: the
// command's; 5 if there is no machine to run it in.
#include <fmt/format.h>

#include <string>
#include <vector>

#include "runner/base/stop.h"
#include "runner/cli/catalog.h"
#include "runner/cli/exit_code.h"
#include "runner/report/terminal.h"
#include "tests/apparmor_host/host.h"
#include "tests/apparmor_host/host_disk.h"

namespace lab {
namespace {

constexpr Duration kPatience = 60min;

// The machine, with lines about its boot.
Result<AppArmorHost> Boot() {
  Terminal terminal({});
  LAB_TRY(const auto home, FindHome());
  LAB_TRY(const auto root, DefaultCacheRoot());
  LAB_TRY(const auto table, LoadComponentTable(home));
  Cache cache(root, terminal, /*offline=*/false);
  LAB_TRY(const auto recipe, HostDiskRecipe(table, home, cache));
  LAB_TRY(const auto disks, cache.Provide(recipe));
  return AppArmorHost::Boot({.home = home,
                             .cache = root,
                             .disks = disks,
                             .log = Path(LAB_BINARY_DIR) / "apparmor-host"},
                            terminal);
}

Result<Ended> Run(const std::vector<std::string>& argv) {
  LAB_TRY(auto host, Boot());
  return host.Run(argv, kPatience);
}

ExitCode Main(const std::vector<std::string>& argv) {
  if (argv.empty()) {
    fmt::print(stderr, "usage: apparmor-host COMMAND...\n");
    return ExitCode::kUsage;
  }
  const auto ended = Run(argv);
  if (!ended) {
    fmt::print(stderr, "apparmor-host: {}\n", ended.error().what);
    return ExitCodeFor(ended.error());
  }
  return ended->how == Ended::How::kExited ? static_cast<ExitCode>(ended->value)
                                           : ExitCode::kError;
}

}  // namespace
}  // namespace lab

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  // The guard of what builds parts is this very program again.
  if (arguments.size() > 2 && arguments[0] == "__guard") {
    return lab::GuardMain({arguments.begin() + 2, arguments.end()});
  }
  lab::stop::Install();
  return static_cast<int>(lab::Main(arguments));
}
