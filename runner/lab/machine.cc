// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/machine.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runner/base/text.h"

namespace lab {
namespace {

using nlohmann::json;

std::vector<std::string> Base(const Machine& machine, Accel accel,
                              const Path& kernel, const Path& initramfs,
                              const Path& console) {
  return {"qemu-system-x86_64",
          "-nodefaults",
          "-no-user-config",
          "-display",
          "none",
          "-no-reboot",
          "-M",
          machine.machine,
          "-accel",
          machine.accel.at(accel),
          "-cpu",
          machine.cpu.at(accel),
          "-kernel",
          kernel.string(),
          "-initrd",
          initramfs.string(),
          "-serial",
          "file:" + console.string()};
}

}  // namespace

const char* ToString(Accel accel) {
  return accel == Accel::kKvm ? "kvm" : "tcg";
}

Result<Machine> LoadMachine(const Path& home) {
  const Path path = home / "fixtures" / "node" / "machine.json";
  LAB_TRY(const auto text, ReadFile(path));
  try {
    const auto j = json::parse(text);
    Machine machine;
    machine.machine = j.at("machine");
    machine.cpu = {{Accel::kTcg, j.at("cpu")}, {Accel::kKvm, j.at("kvm_cpu")}};
    machine.accel = {{Accel::kTcg, j.at("accel").at("tcg")},
                     {Accel::kKvm, j.at("accel").at("kvm")}};
    machine.smp = j.at("smp");
    machine.memory_mib = j.at("memory_mib");
    machine.cmdline = j.at("cmdline");
    machine.apparmor_on = j.at("apparmor").at("on");
    machine.apparmor_off = j.at("apparmor").at("off");
    return machine;
  } catch (const json::exception& e) {
    return Error{path.string() + ": " + e.what()};
  }
}

std::vector<std::string> QemuCommand(const Machine& machine, const Boot& boot) {
  auto argv =
      Base(machine, boot.accel, boot.kernel, boot.initramfs, boot.console);
  const auto forward = [&](int host, int guest) {
    return fmt::format("hostfwd=tcp:{}:{}-:{}", boot.address, host, guest);
  };
  const auto& apparmor =
      boot.apparmor ? machine.apparmor_on : machine.apparmor_off;
  argv.insert(
      argv.end(),
      {"-smp", std::to_string(machine.smp), "-m",
       std::to_string(machine.memory_mib), "-append",
       fmt::format("{} {} lab.node={}", Join(machine.cmdline, " "),
                   Join(apparmor, " "), boot.node),
       // A snapshot: what the node writes goes to an unnamed temporary file.
       "-drive",
       fmt::format(
           "file={},format=raw,if=none,id=disk,cache=unsafe,snapshot=on",
           boot.disk.string()),
       "-device", "virtio-blk-pci,drive=disk", "-device", "virtio-rng-pci",
       "-netdev",
       fmt::format("user,id=net,{},{}", forward(10250, 10250),
                   forward(2222, 22)),
       "-device", "virtio-net-pci,netdev=net,romfile="});
  return argv;
}

std::vector<std::string> QemuProbeCommand(const Machine& machine,
                                          const Path& kernel,
                                          const Path& initramfs,
                                          const Path& console, Accel accel) {
  auto argv = Base(machine, accel, kernel, initramfs, console);
  argv.insert(argv.end(), {"-smp", "1", "-m", "256", "-append",
                           Join(machine.cmdline, " ") + " lab.probe"});
  return argv;
}

}  // namespace lab
