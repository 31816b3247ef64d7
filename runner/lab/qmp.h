// SPDX-License-Identifier: Apache-2.0
// QEMU's machine protocol (docs/interop/qmp-spec of QEMU): JSON lines over the
// unix socket of one machine. One command at a time; events are passed over.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "runner/base/clock.h"
#include "runner/base/files.h"
#include "runner/base/result.h"
#include "runner/base/unique_fd.h"

namespace lab {

class Qmp {
 public:
  /// Connects and shakes hands; waits for the socket to appear and answer.
  static Result<Qmp> Connect(const Path& socket, Duration timeout);

  /// Runs `command` and returns what it returned. The machine's refusal is an
  /// Error with its words.
  Result<nlohmann::json> Execute(const std::string& command,
                                 const nlohmann::json& arguments);
  Result<nlohmann::json> Execute(const std::string& command);

  /// RAM that is a shared file is left out of migration streams.
  Status IgnoreSharedMemory();
  /// Waits for the end of a migration, in or out; an Error says why it failed.
  Status AwaitMigration(Duration timeout);

 private:
  Qmp(Path socket, UniqueFd fd)
      : socket_(std::move(socket)), fd_(std::move(fd)) {}
  Result<nlohmann::json> NextMessage(Deadline deadline);

  Path socket_;
  UniqueFd fd_;
  std::string read_;  // behind the last message
};

}  // namespace lab
