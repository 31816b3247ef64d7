// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/saved_machine.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace lab {
namespace {

std::string MemoryBackend(const std::string& mib, const Path& file) {
  return fmt::format("memory-backend-file,id=ram,size={}M,mem-path={}", mib,
                     file.string());
}

std::string Monitor(const Path& socket) {
  return fmt::format("unix:{},server=on,wait=off", socket.string());
}

// The argument behind `option`; nullptr if there is none.
std::string* ValueOf(std::vector<std::string>& argv,
                     const std::string& option) {
  const auto at = std::find(argv.begin(), argv.end(), option);
  if (at == argv.end() || at + 1 == argv.end()) return nullptr;
  return &*(at + 1);
}

}  // namespace

Result<UniqueFd> MakeGuestMemory() {
  UniqueFd fd(::memfd_create("guest-ram", MFD_CLOEXEC));
  if (fd.valid()) return fd;
  return Error{
      fmt::format("memfd for a guest's RAM: {}", std::strerror(errno))};
}

Path MonitorOf(const Path& directory, const std::string& node) {
  return directory / (node + ".qmp");
}

std::vector<std::string> SavableMachine(std::vector<std::string> argv,
                                        const Path& memory,
                                        const Path& monitor) {
  const std::string* mib = ValueOf(argv, "-m");
  const std::string size = mib != nullptr ? *mib : "128";  // QEMU's default
  argv.insert(argv.end(),
              {"-object", MemoryBackend(size, memory) + ",share=on", "-machine",
               "memory-backend=ram", "-qmp", Monitor(monitor)});
  return argv;
}

MachineState StateIn(const Path& saved, const std::string& node) {
  return {saved / (node + ".ram"), saved / (node + ".devices"),
          saved / (node + ".qcow2")};
}

Result<std::vector<std::string>> RestoreCommand(
    std::vector<std::string> savable, const RestoredMachine& machine) {
  const std::string* mib = ValueOf(savable, "-m");
  const std::string size = mib != nullptr ? *mib : "128";
  const struct {
    const char* option;
    std::string value;
  } changes[] = {
      {"-initrd", machine.initramfs.string()},
      {"-serial", "file:" + machine.console.string()},
      {"-object", MemoryBackend(size, machine.state.memory) +
                      ",share=off,readonly=on,rom=off"},
      {"-qmp", Monitor(machine.monitor)},
      {"-drive",
       fmt::format("driver=qcow2,file.driver=file,file.filename={},"
                   "backing.driver=raw,backing.file.driver=file,"
                   "backing.file.filename={},if=none,id=disk,cache=unsafe,"
                   "snapshot=on",
                   machine.state.overlay.string(), machine.disk.string())}};
  for (const auto& [option, value] : changes) {
    std::string* known = ValueOf(savable, option);
    if (known == nullptr) {
      return Error{fmt::format("saved machine without {}", option)};
    }
    *known = value;
  }
  // The stream holds no RAM, and that must be said before it is read: the
  // capability has no command-line option.
  savable.insert(savable.end(), {"-incoming", "defer"});
  return savable;
}

}  // namespace lab
