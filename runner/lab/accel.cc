// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/accel.h"

#include <fmt/format.h>
#include <unistd.h>

#include "runner/base/stop.h"
#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "runner/process/process.h"

namespace lab {
namespace {

constexpr const char* kOk = "works";

// Boots; returns kOk, or what was seen instead.
std::string ProbeKvm(const AccelRequest& request) {
  const Path dir = request.cache / "tmp" / "kvm-probe";
  const Path lock_path = request.cache / "locks" / "kvm-probe.lock";
  if (const auto made = MakeDirectories(lock_path.parent_path()); !made) {
    return made.error().what;
  }
  // One probe at a time; the lock also tells `lab gc` that somebody is at work.
  auto lock = FileLock::TryTake(lock_path);
  const auto mine = [&] { return lock && lock->held(); };
  const auto waited =
      WaitUntil("KVM probe of another runner", Deadline::In(10s), 50ms, [&] {
        if (!mine()) lock = FileLock::TryTake(lock_path);
        return mine();
      });
  if (!waited) return waited.error().what;
  if (const auto made = MakeDirectories(dir); !made) return made.error().what;
  const Path console = dir / "console";
  const auto ended = RunToEnd(
      {.argv = QemuProbeCommand(request.machine, request.kernel,
                                request.initramfs, console, Accel::kKvm),
       .timeout = 3s});
  const auto said = ReadFile(console).value_or("");
  (void)RemoveTree(dir).has_value();
  if (!ended) return ended.error().what;
  if (said.find("lab-probe-ok") != std::string::npos) return kOk;
  const auto stderr_lines = Lines(Trim(ended->err));
  return fmt::format(
      "a kernel booted with it says nothing within 3 s{}",
      stderr_lines.empty() ? "" : " (QEMU: " + stderr_lines.front() + ")");
}

// Good until the host boots again.
Path VerdictFile(const AccelRequest& request) {
  const auto boot = ReadFile("/proc/sys/kernel/random/boot_id").value_or("");
  return request.cache / "kvm" / std::string(Trim(boot));
}

std::string KvmVerdict(const AccelRequest& request) {
  if (::access("/dev/kvm", F_OK) != 0) return "there is no /dev/kvm";
  if (::access("/dev/kvm", R_OK | W_OK) != 0) {
    return "no permission on /dev/kvm (is the user in group kvm?)";
  }
  const Path file = VerdictFile(request);
  if (const auto known = ReadFile(file); known && !known->empty()) {
    return *known;
  }
  const std::string verdict = ProbeKvm(request);
  // An interruption says nothing about KVM.
  if (!stop::Requested() && MakeDirectories(file.parent_path())) {
    (void)WriteFileAtomically(file, verdict).has_value();
  }
  return verdict;
}

}  // namespace

Result<AccelChoice> ChooseAccel(const AccelRequest& request) {
  if (request.wanted == "tcg") return AccelChoice{Accel::kTcg, "asked for"};
  const std::string verdict = KvmVerdict(request);
  if (verdict == kOk) {
    return AccelChoice{Accel::kKvm, "a test boot with KVM worked"};
  }
  if (request.wanted == "kvm") {
    return ProvisionError("--accel kvm: KVM is not usable here: " + verdict +
                          "; use --accel auto or tcg");
  }
  return AccelChoice{Accel::kTcg, "KVM is not usable: " + verdict};
}

}  // namespace lab
