// SPDX-License-Identifier: Apache-2.0
// QEMU command lines of machines that can be saved, and of machines that are
// restored. The saved state has three files: RAM as it lies in memory, the
// devices' state (a migration stream without RAM), and what the node wrote to
// its disk (qcow2).
#pragma once

#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/result.h"
#include "runner/base/unique_fd.h"

namespace lab {

/// Guest RAM in a file without a name: who holds the descriptor can read the
/// RAM of a stopped machine, and nothing of it is ever written to a disk.
Result<UniqueFd> MakeGuestMemory();

/// The monitor's socket of a node of the lab in `directory`.
Path MonitorOf(const Path& directory, const std::string& node);

/// `argv` with its RAM in the file `memory` and a monitor (QMP) at `monitor`.
std::vector<std::string> SavableMachine(std::vector<std::string> argv,
                                        const Path& memory,
                                        const Path& monitor);

/// Files of one saved node.
struct MachineState {
  Path memory;
  Path devices;
  Path overlay;
};
MachineState StateIn(const Path& saved, const std::string& node);

struct RestoredMachine {
  MachineState state;
  Path disk;       ///< below the overlay
  Path initramfs;  ///< the node's own
  Path console;
  Path monitor;
};

/// The command line that continues the machine of `savable` (made by
/// SavableMachine). Nothing of the state is written to: RAM is mapped privately
/// and read page by page as the guest touches it, the overlay is the base of a
/// snapshot. The machine waits for `migrate-incoming` of its devices' state.
Result<std::vector<std::string>> RestoreCommand(
    std::vector<std::string> savable, const RestoredMachine& machine);

}  // namespace lab
