// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/ssh_access.h"

#include <fmt/format.h>

#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "runner/lab/pki.h"

namespace lab {
namespace {

std::string SshConfig(const LabFile& lab) {
  std::string config = fmt::format(
      "Host *\n  User root\n  Port 2222\n  IdentityFile {0}/ssh_key\n"
      "  IdentitiesOnly yes\n  UserKnownHostsFile {0}/known_hosts\n"
      "  StrictHostKeyChecking yes\n  BatchMode yes\n  LogLevel ERROR\n"
      "  ConnectTimeout 15\n  ControlMaster no\n  ControlPath {0}/%n.ssh\n",
      lab.directory.string());
  for (const auto& node : lab.Workers()) {
    config += fmt::format("Host {}\n  HostName {}\n", node.name, node.address);
  }
  return config;
}

}  // namespace

Path SshConfigIn(const Path& directory) { return directory / "ssh_config"; }

NodeLogin SshLogin(const Path& directory, const std::string& node) {
  const std::string config = SshConfigIn(directory).string();
  return {.command = {"ssh", "-F", config, node, "--"},
          .terminal = {"ssh", "-F", config, "-t", node, "--"}};
}

Status WriteSshFiles(const LabFile& lab) {
  LAB_CHECK_OK(MakeSshKeys(lab.directory));
  LAB_TRY(const auto host_key, ReadFile(lab.directory / "host_key.pub"));
  std::string known;
  for (const auto& node : lab.Workers()) {
    known += fmt::format("[{}]:2222 {}\n", node.address, Trim(host_key));
  }
  LAB_CHECK_OK(WriteFile(lab.directory / "known_hosts", known));
  return WriteFile(SshConfigIn(lab.directory), SshConfig(lab));
}

Result<Process> ConnectSsh(const LabFile& lab, const std::string& node) {
  return Process::Start(
      {.argv = {"ssh", "-F", SshConfigIn(lab.directory).string(), "-o",
                "ControlMaster=yes", "-N", node},
       .log = lab.directory / "logs" / "ssh.log"});
}

Status AwaitSsh(const LabFile& lab, Duration time) {
  return WaitUntil(
      "ssh connection to every node", Deadline::In(time), 20ms, [&] {
        for (const auto& node : lab.Workers()) {
          if (!std::filesystem::exists(lab.directory / (node.name + ".ssh"))) {
            return false;
          }
        }
        return true;
      });
}

}  // namespace lab
