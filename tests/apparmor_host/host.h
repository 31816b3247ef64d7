// SPDX-License-Identifier: Apache-2.0
// A virtual machine that is an ordinary host with AppArmor: Debian's kernel,
// Docker, and this project with its parts. It ends with the object, or with
// this process. Its directory lies among those of the labs, so that `runner lab
// ls` shows it, `lab shell` leads into it, and `lab gc` removes what a kill -9
// leaves.
#pragma once

#include <string>
#include <vector>

#include "runner/base/progress.h"
#include "runner/cluster/lab_file.h"
#include "runner/lab/net_number.h"
#include "runner/process/process.h"

namespace lab {

struct HostRequest {
  Path home;   ///< the project's root; in the machine at the same place
  Path cache;  ///< its parts/ are the machine's too
  Path disks;  ///< the part of host_disk.h
  Path log;    ///< directory for console.log and qemu.log
};

class AppArmorHost {
 public:
  /// Returns when its Docker answers. A provision error says what the console
  /// said last.
  static Result<AppArmorHost> Boot(const HostRequest& request,
                                   Progress& progress);
  AppArmorHost(AppArmorHost&&) noexcept = default;
  ~AppArmorHost();

  /// Runs a command in the project's root there, as root; what it says is said
  /// on our stderr. How it ended; an Error if the machine ended first, or the
  /// command took longer than `patience`, or the person interrupted.
  Result<Ended> Run(const std::vector<std::string>& argv, Duration patience);

 private:
  explicit AppArmorHost(NetNumber net) : net_(std::move(net)) {}
  Status Start(const HostRequest& request, Progress& progress);
  Status StartMachine(const HostRequest& request, Progress& progress);
  Status AwaitReady();
  Error Died();

  NetNumber net_;
  LabFile file_;
  Path home_;
  Process qemu_;
  Process ssh_;
};

}  // namespace lab
