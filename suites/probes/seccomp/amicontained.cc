// SPDX-License-Identifier: Apache-2.0
#include "suites/probes/seccomp/amicontained.h"

#include <linux/capability.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <iterator>

#include "suites/probes/seccomp/attempt.h"
#include "suites/probes/seccomp/syscalls.h"

namespace probe {
namespace {

constexpr int kLast = SYS_rseq;                  // 334
constexpr int kLastCapability = CAP_AUDIT_READ;  // its library's last

// Without arguments these end accounting, empty the host's name, forget a
// loaded kexec kernel: capabilities are checked first, so that what the survey
// saw with other arguments tells EPERM as well.
constexpr int kHarmful[] = {SYS_acct, SYS_sethostname, SYS_setdomainname,
                            SYS_kexec_load};
// These concern the IPC objects with id 0, or make one: a pod has none yet,
// and those of a host are somebody else's.
constexpr int kIpc[] = {SYS_msgget, SYS_msgsnd, SYS_msgctl,
                        SYS_semctl, SYS_shmat,  SYS_shmctl};

template <std::size_t N>
bool IsOneOf(const int (&numbers)[N], int number) {
  return std::find(numbers, std::end(numbers), number) != std::end(numbers);
}

bool IsDenial(const Answer& answer) {
  return answer.IsErrno(EPERM) || answer.IsErrno(EACCES);
}

class Imitation {
 public:
  Imitation(const Facts& facts, const Survey& survey)
      : effective_(Capabilities(facts, "effective").bits),
        leader_(facts.session_leader),
        survey_(survey) {}

  bool Lists(int number) const {
    switch (number) {
      // The process is a session's leader when a runtime starts it, not when a
      // shell does.
      case SYS_setpgid:
        return FilterDenies(number) || leader_;
      // It has become leader of a group by setpgid(0, 0).
      case SYS_setsid:
        return FilterDenies(number) || leader_ || !FilterDenies(SYS_setpgid);
      // msgget(0, 0) has made queue 0, with no permissions. Whoever owns it
      // all the same would wait there for ever, and is taken for allowed.
      case SYS_msgrcv:
        return FilterDenies(number) ||
               (!FilterDenies(SYS_msgget) && !Has(CAP_IPC_OWNER));
      case SYS_vhangup:
        return FilterDenies(number) || !Has(CAP_SYS_TTY_CONFIG);
      case SYS_sync:
        return FilterDenies(number);
      default:
        break;
    }
    if (IsOneOf(kIpc, number)) return FilterDenies(number);
    if (IsOneOf(kHarmful, number)) {
      return IsDenial(FindCall(survey_, number).seen.call);
    }
    // It has closed descriptor 0 by then, with close(0).
    return IsDenial(Attempt(number, {}, true));
  }

 private:
  bool Has(int capability) const { return (effective_ >> capability & 1) != 0; }
  bool FilterDenies(int number) const {
    const Evidence& seen = FindCall(survey_, number).seen;
    return IsDenial(seen.verdict.kind != Answer::Kind::kNone ? seen.verdict
                                                             : seen.call);
  }

  std::uint64_t effective_;
  bool leader_;
  const Survey& survey_;
};

std::string UpperCase(std::string text) {
  for (char& c : text) {
    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return text;
}

std::string Join(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) {
    if (!text.empty()) text += ' ';
    text += word;
  }
  return text;
}

std::string PidNamespace(const Facts& facts) {
  const auto device = facts.first_pid_namespace_device;
  if (device < 0) {
    std::string error = std::strerror(static_cast<int>(-device));
    error[0] = static_cast<char>(
        std::tolower(static_cast<unsigned char>(error[0])));  // as Go says it
    return "error -> lstat /proc/1/ns/pid: " + error;
  }
  // The first /proc of a machine is mounted with device 4, or earlier.
  return device > 4 ? "true" : "false";
}

std::string CapabilityLine(const char* name, std::uint64_t bits) {
  const auto names = CapabilityNames(bits, kLastCapability);
  return names.empty() ? ""
                       : "\t" + std::string(name) + " -> " + Join(names) + "\n";
}

}  // namespace

const std::vector<std::string> kAmicontainedSkips = {
    "rt_sigreturn", "select", "pause", "pselect6", "ppoll",  "exit",
    "exit_group",   "clone",  "fork",  "vfork",    "seccomp"};

std::vector<std::string> AmicontainedBlocked(const Facts& facts,
                                             const Survey& survey) {
  const Imitation imitation(facts, survey);
  std::vector<std::string> blocked;
  for (int number = 0; number <= kLast; ++number) {
    const std::string name = SyscallName(number);
    const auto& skips = kAmicontainedSkips;
    if (std::find(skips.begin(), skips.end(), name) != skips.end()) continue;
    if (imitation.Lists(number)) blocked.push_back(UpperCase(name));
  }
  return blocked;
}

std::string AmicontainedText(const Facts& facts,
                             const std::vector<std::string>& blocked) {
  std::string text = "Container Runtime: " + facts.runtime + "\n";
  text += "Has Namespaces:\n\tpid: " + PidNamespace(facts) + "\n";
  const bool own = HasOwnIds(facts);
  text += std::string("\tuser: ") + (own ? "true" : "false") + "\n";
  if (own && !facts.uid_map.empty()) {
    text += "User Namespace Mappings:\n";
    for (const auto& [inside, outside, count] : facts.uid_map) {
      text += "\tContainer -> " + std::to_string(inside) + "\tHost -> " +
              std::to_string(outside) + "\tRange -> " + std::to_string(count) +
              "\n";
    }
  }
  text += "AppArmor Profile: " +
          (facts.apparmor.empty() ? "unconfined" : facts.apparmor) + "\n";
  const auto set = [&](const char* name) {
    return Capabilities(facts, name).bits;
  };
  text += "Capabilities:\n";
  text +=
      CapabilityLine("EFFECTIVE | PERMITTED | INHERITABLE",
                     set("effective") & set("permitted") & set("inheritable"));
  text += CapabilityLine("BOUNDING", set("bounding"));
  text += CapabilityLine("AMBIENT", set("ambient"));
  text += "Seccomp: " + facts.seccomp + "\n";
  if (!blocked.empty()) {
    text += "Blocked Syscalls (" + std::to_string(blocked.size()) + "):\n\t" +
            Join(blocked) + "\n";
  }
  return text;
}

}  // namespace probe
