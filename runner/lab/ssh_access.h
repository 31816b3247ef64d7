// SPDX-License-Identifier: Apache-2.0
// The way onto the nodes of a vm lab: ssh, over one connection per node that
// the lab holds open (about 75 ms a command on an emulated node).
#pragma once

#include <string>

#include "runner/cluster/lab_file.h"

namespace lab {

/// ssh's configuration for a lab, in the lab's directory.
Path SshConfigIn(const Path& directory);

/// Logging in to `node` by it.
NodeLogin SshLogin(const Path& directory, const std::string& node);

/// Makes the keys of a lab, and the configuration that names all its workers.
Status WriteSshFiles(const LabFile& lab);

/// Starts the ssh connection that all commands on `node` share
/// (ControlMaster); the caller owns it.
Result<Process> ConnectSsh(const LabFile& lab, const std::string& node);

/// Waits until the connections of all workers are there.
Status AwaitSsh(const LabFile& lab, Duration time);

}  // namespace lab
