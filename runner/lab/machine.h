// SPDX-License-Identifier: Apache-2.0
// The virtual machine a node is: fixtures/node/machine.json and the QEMU
// command line made from it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/result.h"

namespace lab {

/// How QEMU executes the guest.
enum class Accel { kTcg, kKvm };
const char* ToString(Accel accel);

/// The choices of machine.json; the file says why.
struct Machine {
  std::string machine;
  std::map<Accel, std::string> cpu;    ///< -cpu
  std::map<Accel, std::string> accel;  ///< -accel
  int smp = 0;
  int memory_mib = 0;
  std::vector<std::string> cmdline;       ///< of every node's kernel
  std::vector<std::string> apparmor_on;   ///< of a node with AppArmor, besides
  std::vector<std::string> apparmor_off;  ///< of one without
};

Result<Machine> LoadMachine(const Path& home);

struct Boot {
  Path kernel;
  Path initramfs;
  Path disk;            ///< read only; the node writes to an overlay
  Path console;         ///< log of the serial console
  std::string node;     ///< name; becomes lab.node=
  std::string address;  ///< loopback address for kubelet (10250), ssh (2222)
  Accel accel = Accel::kTcg;
  bool apparmor = true;  ///< false: the kernel is told to leave it off
};

/// The QEMU command line of a node.
std::vector<std::string> QemuCommand(const Machine& machine, const Boot& boot);

/// The one of a machine that only says that it can run a stock kernel.
std::vector<std::string> QemuProbeCommand(const Machine& machine,
                                          const Path& kernel,
                                          const Path& initramfs,
                                          const Path& console, Accel accel);

}  // namespace lab
