// SPDX-License-Identifier: Apache-2.0
// `runner __guard -- argv...`: runs argv, and ends every descendant of it when
// argv ends, when it is told to (SIGTERM), or when the runner dies. A killed
// `go build` or `mmdebstrap` would otherwise leave its own children behind.
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "runner/base/text.h"
#include "runner/process/process.h"

namespace lab {
namespace {

// Children of this process, orphans of its descendants included: the guard is
// a subreaper (prctl(2)), so they become its own.
std::vector<pid_t> Children() {
  std::vector<pid_t> children;
  const auto text =
      ReadFile(fmt::format("/proc/self/task/{}/children", ::getpid()));
  if (!text) return children;
  for (const auto& pid : Split(Trim(*text), ' ')) {
    if (!pid.empty()) children.push_back(std::stoi(pid));
  }
  return children;
}

void EndDescendants(int signal, Duration patience) {
  const auto deadline = Deadline::In(patience);
  auto children = Children();
  for (const pid_t child : children) ::kill(child, signal);
  sigset_t chld;
  sigemptyset(&chld);
  sigaddset(&chld, SIGCHLD);
  while (!(children = Children()).empty() && !deadline.Passed()) {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    const timespec slice{0, 50'000'000};
    ::sigtimedwait(&chld, nullptr, &slice);
    // What was a grandchild a moment ago is a child now.
    for (const pid_t child : Children()) ::kill(child, signal);
  }
}

}  // namespace

int GuardMain(const std::vector<std::string>& argv) {
  const pid_t parent = ::getppid();
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) {
    sigaddset(&set, signal);
  }
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) return 127;

  const pid_t child = ::fork();
  if (child == 0) {
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::vector<char*> raw;
    for (const auto& argument : argv) {
      raw.push_back(const_cast<char*>(argument.c_str()));
    }
    raw.push_back(nullptr);
    ::execvp(raw[0], raw.data());
    ::dprintf(2, "%s: %s\n", raw[0], std::strerror(errno));
    ::_exit(127);
  }
  if (child < 0) return 127;
  int status = 0;
  while (true) {
    int signal = 0;
    ::sigwait(&set, &signal);
    if (signal != SIGCHLD) {
      EndDescendants(SIGTERM, 1s);
      EndDescendants(SIGKILL, 5s);
      return 128 + signal;
    }
    pid_t reaped = 0;
    while ((reaped = ::waitpid(-1, &status, WNOHANG)) > 0) {
      if (reaped != child) continue;
      EndDescendants(SIGKILL, 2s);
      return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
  }
}

}  // namespace lab
