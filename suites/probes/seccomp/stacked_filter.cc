// SPDX-License-Identifier: Apache-2.0
#include "suites/probes/seccomp/stacked_filter.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "suites/probes/seccomp/child.h"
#include "suites/probes/seccomp/raw_call.h"
#include "suites/probes/seccomp/syscalls.h"

namespace probe {
namespace {

constexpr int kPatienceMs = 2000;
// What our answer makes the call return: no errno, and no real result.
constexpr long kPassedMark = 0x5eccab1e;

// Shared with the child.
struct Round {
  const std::vector<int>* numbers;
  std::vector<Answer>* answers;
  std::size_t at;          ///< the one being asked
  volatile long listener;  ///< descriptor, or -errno
  int ready;               ///< a pipe to say that `listener` is set
};
Round round_;

long AddFilter() {
  const auto behind = reinterpret_cast<std::uintptr_t>(lab_raw_call_behind);
  constexpr auto kPointer = offsetof(seccomp_data, instruction_pointer);
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kPointer),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
               static_cast<std::uint32_t>(behind & 0xffffffff), 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kPointer + 4),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
               static_cast<std::uint32_t>(behind >> 32), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog program{std::size(code), code};
  // Without CAP_SYS_ADMIN a filter needs no_new_privs. Of this child only.
  const long set[] = {PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0};
  lab_raw_call(SYS_prctl, set, 0);
  return PlainCall(
      SYS_seccomp, SECCOMP_SET_MODE_FILTER,
      SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW,
      reinterpret_cast<long>(&program));
}

// The calls of uprobe trampolines: since Linux 6.14 and 6.18 no filter is asked
// about them, and elsewhere than in a trampoline they end in SIGILL and ENXIO.
constexpr int kUretprobe = 335;
constexpr int kUprobe = 336;

Answer VerdictOf(int number, long result) {
  if (number == kUprobe && result == -ENXIO) return {Answer::Kind::kPassed, 0};
  if (trapped) return {Answer::Kind::kTrapped, 0};
  if (result == kPassedMark) return {Answer::Kind::kPassed, 0};
  if (result <= 0 && result >= -4095) {
    return {Answer::Kind::kErrno, static_cast<int>(-result)};
  }
  return {};
}

void AskAll() {
  round_.listener = AddFilter();
  PlainCall(SYS_write, round_.ready, reinterpret_cast<long>(""), 1);
  if (round_.listener >= 0) {
    for (; round_.at < round_.numbers->size(); ++round_.at) {
      const int number = (*round_.numbers)[round_.at];
      const Arguments arguments = HarmlessArguments(number);
      trapped = false;
      const long result = lab_raw_call(number, arguments.data(), 0);
      (*round_.answers)[round_.at] = VerdictOf(number, result);
    }
  }
}

// Waits until `fd` can be read (1), the child ends (0), or for too long (-1).
int Await(int fd, int child_fd) {
  pollfd two[] = {{fd, POLLIN, 0}, {child_fd, POLLIN, 0}};
  const int n = poll(two, std::size(two), kPatienceMs);
  if (n == 0) errno = ETIMEDOUT;
  if (n <= 0) return -1;
  return (two[0].revents & POLLIN) != 0 ? 1 : 0;
}

// Answers one notification. Larger than the structures of any kernel yet.
bool AnswerOne(int listener) {
  union {
    seccomp_notif one;
    char room[512];
  } request{};
  union {
    seccomp_notif_resp one;
    char room[512];
  } response{};
  std::memset(&request, 0, sizeof request);
  std::memset(&response, 0, sizeof response);
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) != 0) {
    return errno == ENOENT || errno == EINTR;  // its caller was killed
  }
  response.one.id = request.one.id;
  response.one.val = kPassedMark;
  return ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0 ||
         errno == ENOENT;
}

struct Supervised {
  bool ended = false;
  int status = 0;
  std::string trouble;
};

// Serves the child until it ends.
Supervised Supervise(pid_t child, int child_fd, int ready) {
  Supervised seen;
  bool listening = false;
  while (true) {
    const int what =
        Await(listening ? static_cast<int>(round_.listener) : ready, child_fd);
    if (what > 0 && listening) {
      if (AnswerOne(static_cast<int>(round_.listener))) continue;
      seen.trouble = "a notification: " + std::string(std::strerror(errno));
    } else if (what > 0) {
      listening = round_.listener >= 0;
      if (listening) continue;
      seen.trouble =
          "a filter with a listener: " +
          std::string(std::strerror(static_cast<int>(-round_.listener)));
    } else if (what < 0) {
      seen.trouble =
          "waiting for a notification: " + std::string(std::strerror(errno));
    } else if (waitpid(child, &seen.status, WNOHANG) == child) {
      return seen;
    } else {
      continue;
    }
    // Without a listener its calls fail with ENOSYS: it gets to its end, even
    // if it cannot be killed.
    if (round_.listener >= 0) close(static_cast<int>(round_.listener));
    round_.listener = -1;
    seen.status = AwaitChild(child, kPatienceMs).status;
    return seen;
  }
}

// The child died of what it asked for. Says so if that is no verdict.
std::string RecordDeath(int status) {
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  Answer& answer = (*round_.answers)[round_.at];
  if (round_.listener >= 0 && trapped) {
    answer = {Answer::Kind::kTrapped, 0};  // and killed on its way back
  } else if (round_.listener >= 0 && signal == SIGSYS) {
    answer = {Answer::Kind::kSignal, SIGSYS};
  } else if (round_.listener >= 0 && signal == SIGILL &&
             (*round_.numbers)[round_.at] == kUretprobe) {
    answer = {Answer::Kind::kPassed, 0};
  } else {
    return "a filter with a listener: the child died of signal " +
           std::to_string(signal);
  }
  ++round_.at;
  return "";
}

// One child: until all is asked, or a filter has killed it. Says what went
// wrong, if anything.
std::string RunRound() {
  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) return std::strerror(errno);
  round_.ready = ready[1];
  round_.listener = -1;
  int child_fd = -1;
  const pid_t child = StartChild(AskAll, CLONE_FILES | CLONE_PIDFD, &child_fd);
  std::string trouble;
  if (child < 0) {
    trouble = "cannot make a child: " + std::string(std::strerror(-child));
  } else {
    const Supervised seen = Supervise(child, child_fd, ready[0]);
    trouble = seen.trouble;
    if (trouble.empty() && round_.at < round_.numbers->size()) {
      trouble = RecordDeath(seen.status);
    }
  }
  if (round_.listener >= 0) close(static_cast<int>(round_.listener));
  if (child_fd >= 0) close(child_fd);
  close(ready[0]);
  close(ready[1]);
  return trouble;
}

}  // namespace

Verdicts AskFilters(const std::vector<int>& numbers) {
  Verdicts verdicts;
  verdicts.answers.resize(numbers.size());
  round_ = {&numbers, &verdicts.answers, 0, -1, -1};
  while (round_.at < numbers.size()) {
    verdicts.trouble = RunRound();
    if (!verdicts.trouble.empty()) {
      verdicts.answers.clear();
      break;
    }
  }
  return verdicts;
}

}  // namespace probe
