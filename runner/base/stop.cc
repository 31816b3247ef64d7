// SPDX-License-Identifier: Apache-2.0
#include "runner/base/stop.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <thread>

namespace lab::stop {
namespace {

std::atomic<int> g_signal{0};
std::atomic<int> g_unheard{0};
int g_fd = -1;

}  // namespace

void Install() {
  g_fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, signal);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  std::thread([set] {
    while (true) {
      int signal = 0;
      if (::sigwait(&set, &signal) != 0) continue;
      // The second wish is meant: the children die with us (PR_SET_PDEATHSIG)
      // and `runner lab gc` removes the rest.
      if (Signal() != 0) ::_exit(128 + signal);
      Request(signal);
    }
  }).detach();
}

int Signal() { return g_signal.load(); }

bool Requested() { return Signal() != 0 && g_unheard.load() == 0; }

int Fd() { return g_unheard.load() == 0 ? g_fd : -1; }

Unheard::Unheard() { ++g_unheard; }

Unheard::~Unheard() { --g_unheard; }

void Request(int signal) {
  int none = 0;
  g_signal.compare_exchange_strong(none, signal);
  const std::uint64_t one = 1;
  if (g_fd >= 0) (void)!::write(g_fd, &one, sizeof one);
}

}  // namespace lab::stop
