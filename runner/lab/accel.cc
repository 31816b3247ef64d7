// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/accel.h"

#include <fmt/format.h>
#include <unistd.h>

#include "runner/base/text.h"
#include "runner/process/process.h"

namespace lab {
namespace {

constexpr const char* kOk = "works";

// Boots; returns kOk, or what was seen instead.
std::string ProbeKvm(const AccelRequest& request) {
  const auto dir = TempDir::In(request.cache / "tmp", "kvm-probe-");
  if (!dir) return dir.error().what;
  const Path console = dir->path() / "console";
  const auto ended = RunToEnd(
      {.argv = QemuProbeCommand(request.machine, request.kernel,
                                request.initramfs, console, Accel::kKvm),
       .timeout = 3s});
  if (!ended) return ended.error().what;
  const auto said = ReadFile(console).value_or("");
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
  if (MakeDirectories(file.parent_path())) {
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
