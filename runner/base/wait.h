// SPDX-License-Identifier: Apache-2.0
// Waiting for a condition that nothing announces (a socket file, a lock of
// another process). Where there is something to watch, watch that instead.
#pragma once

#include <functional>
#include <string>

#include "runner/base/clock.h"
#include "runner/base/result.h"

namespace lab {

/// Looks at `condition` every `interval` until it is true. A timeout error says
/// `what` was waited for; SIGINT and SIGTERM end the wait.
Status WaitUntil(const std::string& what, Deadline deadline, Duration interval,
                 const std::function<bool()>& condition);

}  // namespace lab
