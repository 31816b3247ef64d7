// SPDX-License-Identifier: Apache-2.0
// The person's wish to stop (SIGINT, SIGTERM), as something every wait in the
// program can wait on.
#pragma once

namespace lab::stop {

/// Blocks SIGINT, SIGTERM and SIGHUP in this thread and those it starts, and
/// starts the one thread that receives them. Call once, first thing in main.
/// A second signal of the kind ends the process at once.
void Install();

/// The signal that was received, 0 if none.
int Signal();
/// Whether waits are to end: not while somebody cleans up.
bool Requested();

/// A descriptor that becomes readable, and stays so, once Requested(). Valid
/// for the life of the process; -1 before Install(), and while Unheard.
int Fd();

/// While one exists, waits go on in spite of the wish: for cleaning up what
/// would not end with this process. A second signal ends it all the same.
class Unheard {
 public:
  Unheard();
  ~Unheard();
  Unheard(const Unheard&) = delete;
  Unheard& operator=(const Unheard&) = delete;
};

/// As if `signal` had been received; for tests and for our own deadlines.
void Request(int signal);

}  // namespace lab::stop
