// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cerrno>
#include <exception>
#include <string>
#include <system_error>
#include <vector>

#include "runner/base/stop.h"
#include "runner/cli/command_line.h"
#include "runner/lab/oci_wrapper.h"
#include "runner/lab/private_docker.h"
#include "runner/process/process.h"

namespace lab {
namespace {

ExitCode Main(std::vector<std::string> arguments) {
  if (arguments.size() > 2 && arguments[0] == "__guard") {
    return static_cast<ExitCode>(
        GuardMain({arguments.begin() + 2, arguments.end()}));
  }
  if (arguments.size() > 2 && arguments[0] == "__runc") {
    return static_cast<ExitCode>(
        OciWrapperMain({arguments.begin() + 2, arguments.end()}));
  }
  if (arguments.size() > 2 && arguments[0] == "__docker-init") {
    return static_cast<ExitCode>(
        DockerInitMain({arguments.begin() + 2, arguments.end()}));
  }
  stop::Install();
  if (arguments.size() == 2 && arguments[0] == "__dockerd") {
    return static_cast<ExitCode>(PrivateDockerMain(arguments[1]));
  }
  return RunCommandLine(std::move(arguments));
}

int Bug(const std::exception& e) {
  fmt::print(stderr,
             "runner: a bug in the runner: {}\nPlease report it with the "
             "command line.\n",
             e.what());
  return static_cast<int>(ExitCode::kBug);
}

}  // namespace
}  // namespace lab

int main(int argc, char** argv) {
  try {
    return static_cast<int>(lab::Main({argv + 1, argv + argc}));
  } catch (const std::system_error& e) {
    // Whoever read our output has seen enough: `runner ... | head`.
    if (e.code().value() == EPIPE) return 0;
    return lab::Bug(e);
  } catch (const std::exception& e) {
    return lab::Bug(e);
  }
}
