// SPDX-License-Identifier: Apache-2.0
#include "runner/base/wait.h"

#include <poll.h>

#include "runner/base/stop.h"

namespace lab {

Status WaitUntil(const std::string& what, Deadline deadline, Duration interval,
                 const std::function<bool()>& condition) {
  while (!condition()) {
    if (deadline.Passed()) return TimeoutError("no " + what + " in time");
    pollfd fd{stop::Fd(), POLLIN, 0};
    if (::poll(&fd, 1, static_cast<int>(interval.count())) > 0) {
      return Error{"waiting for " + what + ": interrupted",
                   ErrorKind::kInterrupted};
    }
  }
  return {};
}

}  // namespace lab
