// SPDX-License-Identifier: Apache-2.0
// Each lab has a number N of its own on this machine, and with it addresses
// and ports that no other lab uses: 127.77.N.x for its nodes and its control
// plane, and one port on 127.0.0.1 for the API server (QEMU's user network
// shows guests the host's 127.0.0.1, and only that, as 10.0.2.2).
#pragma once

#include <set>
#include <string>

#include "runner/base/result.h"
#include "runner/base/unique_fd.h"

namespace lab {

class NetNumber {
 public:
  /// The lowest free number. Held by an abstract unix socket, which the kernel
  /// frees when the holder ends, however it ends, and which is one for all
  /// users of the machine.
  /// Those in `avoid` (of saved labs) are taken only when no other is free.
  static Result<NetNumber> Take(const std::set<int>& avoid = {});

  /// That very number, for a lab whose nodes know their addresses already; a
  /// provision error if it, or its port, is taken.
  static Result<NetNumber> TakeThat(int number);

  int value() const { return value_; }
  std::string Address(int host) const;
  int ApiPort() const;

 private:
  NetNumber(int value, UniqueFd fd) : value_(value), holder_(std::move(fd)) {}
  int value_;
  UniqueFd holder_;
};

}  // namespace lab
