// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/seccomp_command_line.h"

#include <CLI/CLI.hpp>

#include "runner/cli/commands.h"

namespace lab {
namespace {

constexpr const char* kSubjects =
    "A process of this machine is given as its number; a pod as NAME or\n"
    "NAMESPACE/NAME, in a lab that is up. Reading filters stops the process "
    "for some\nmicroseconds, and needs root (CAP_SYS_ADMIN) on its machine.";

constexpr const char* kSides =
    "A and B: a process or a pod as for dump; a file of `dump --format json`; "
    "an OCI\nseccomp profile (JSON), as a container runtime would make a "
    "filter of it; or the\ndefault profile of a runtime's version, such as "
    "containerd-2.4.2, for the\ncapabilities and kernel of the other side.\n"
    "Exit status: 0 they do the same, 1 they do not.\n"
    "Try: runner seccomp diff web containerd-2.4.2";

void AddWhere(CLI::App& command, SeccompOptions& options) {
  command.add_option("--lab", options.lab,
                     "Lab of the pod (default: the only one)");
  command.add_option("-c,--container", options.container,
                     "Container of the pod (default: the first)");
}

}  // namespace

void AddSeccompCommands(CLI::App& app, SeccompOptions& options,
                        const std::function<void(ChosenAction)>& choose) {
  CLI::App* seccomp = app.add_subcommand(
      "seccomp", "What seccomp filters do, read from the kernel");
  seccomp->require_subcommand(1);

  CLI::App* dump = seccomp->add_subcommand(
      "dump", "The filters of a process, and the fate of every system call");
  dump->footer(kSubjects);
  dump->add_option("POD|PID", options.subjects, "Whose filters")
      ->required()
      ->expected(1);
  AddWhere(*dump, options);
  dump->add_option("--format", options.format,
                   "table (what is not allowed), json (everything) or bpf "
                   "(the instructions)")
      ->check(CLI::IsMember({"table", "json", "bpf"}));
  dump->callback([&options, choose] {
    choose([&options](const Context& c) { return SeccompDump(c, options); });
  });

  CLI::App* diff = seccomp->add_subcommand(
      "diff", "Two processes or profiles: the calls they treat differently");
  diff->footer(kSides);
  diff->add_option("A B", options.subjects, "What to compare")
      ->required()
      ->expected(2);
  AddWhere(*diff, options);
  diff->add_option("--format", options.format, "table or json")
      ->check(CLI::IsMember({"table", "json"}));
  diff->add_option("--oci-runtime", options.oci_runtime,
                   "Who makes filters of profiles: crun or runc (default: the "
                   "pod's node's, else crun)")
      ->check(CLI::IsMember({"crun", "runc"}));
  diff->add_option("--libseccomp", options.libseccomp,
                   "Version that it is linked with (default: the pod's "
                   "node's, else 2.6.0)");
  diff->callback([&options, choose] {
    choose([&options](const Context& c) { return SeccompDiff(c, options); });
  });
}

}  // namespace lab
