// SPDX-License-Identifier: Apache-2.0
#include "runner/seccomp/outcome.h"

#include <fmt/format.h>
#include <linux/seccomp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace lab::seccomp {
namespace {

constexpr std::uint32_t kMaxErrno = 4095;

std::int32_t Rank(std::uint32_t returned) {
  return static_cast<std::int32_t>(returned & SECCOMP_RET_ACTION_FULL);
}

}  // namespace

Outcome Outcome::Of(std::uint32_t returned) {
  const std::uint32_t action = returned & SECCOMP_RET_ACTION_FULL;
  const std::uint32_t data = returned & SECCOMP_RET_DATA;
  switch (action) {
    case SECCOMP_RET_ERRNO:
      return Outcome(action | std::min(data, kMaxErrno));
    case SECCOMP_RET_TRAP:
    case SECCOMP_RET_TRACE:
      return Outcome(returned);
    case SECCOMP_RET_KILL_THREAD:
    case SECCOMP_RET_USER_NOTIF:
    case SECCOMP_RET_LOG:
    case SECCOMP_RET_ALLOW:
      return Outcome(action);
    default:
      return Outcome(SECCOMP_RET_KILL_PROCESS);
  }
}

Outcome Outcome::Allow() { return Outcome(SECCOMP_RET_ALLOW); }

Outcome Outcome::Errno(int number) {
  return Of(SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(number));
}

Outcome Outcome::KillThread() { return Outcome(SECCOMP_RET_KILL_THREAD); }

Result<Outcome> Outcome::FromOci(std::string_view action, std::uint16_t data) {
  if (action == "SCMP_ACT_ALLOW") return Allow();
  if (action == "SCMP_ACT_ERRNO") return Of(SECCOMP_RET_ERRNO | data);
  if (action == "SCMP_ACT_TRACE") return Of(SECCOMP_RET_TRACE | data);
  if (action == "SCMP_ACT_TRAP") return Of(SECCOMP_RET_TRAP);
  if (action == "SCMP_ACT_LOG") return Of(SECCOMP_RET_LOG);
  if (action == "SCMP_ACT_NOTIFY") return Of(SECCOMP_RET_USER_NOTIF);
  if (action == "SCMP_ACT_KILL_PROCESS") return Of(SECCOMP_RET_KILL_PROCESS);
  if (action == "SCMP_ACT_KILL" || action == "SCMP_ACT_KILL_THREAD") {
    return KillThread();
  }
  return Error{
      fmt::format("\"{}\" is no action of the OCI runtime "
                  "specification",
                  action)};
}

int Outcome::errno_number() const {
  if ((value_ & SECCOMP_RET_ACTION_FULL) != SECCOMP_RET_ERRNO) return -1;
  return static_cast<int>(value_ & SECCOMP_RET_DATA);
}

std::string Outcome::ToString() const {
  const std::uint32_t data = value_ & SECCOMP_RET_DATA;
  switch (value_ & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_KILL_PROCESS:
      return "kill-process";
    case SECCOMP_RET_KILL_THREAD:
      return "kill-thread";
    case SECCOMP_RET_TRAP:
      return data == 0 ? "trap" : fmt::format("trap {}", data);
    case SECCOMP_RET_ERRNO: {
      const char* name = strerrorname_np(static_cast<int>(data));
      return name == nullptr || data == 0
                 ? fmt::format("errno {}", data)
                 : fmt::format("errno {} ({})", data, name);
    }
    case SECCOMP_RET_USER_NOTIF:
      return "notify";
    case SECCOMP_RET_TRACE:
      return data == 0 ? "trace" : fmt::format("trace {}", data);
    case SECCOMP_RET_LOG:
      return "log";
    default:
      return "allow";
  }
}

std::uint32_t Combine(std::uint32_t older, std::uint32_t newer) {
  return Rank(newer) <= Rank(older) ? newer : older;
}

}  // namespace lab::seccomp
