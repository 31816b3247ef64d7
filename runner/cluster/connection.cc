// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/connection.h"

#include <fcntl.h>

#include "runner/base/stop.h"

namespace lab::cluster {

Connection::Connection(const Path& socket, Duration timeout)
    : socket_(socket),
      deadline_(Deadline::In(timeout)),
      stream_(context_),
      stop_(context_) {
  stream_.expires_after(timeout);
  cancel_ = [this] { stream_.cancel(); };
  WatchStop();
}

void Connection::WatchStop() {
  if (stop::Fd() < 0) return;
  const int copy = ::fcntl(stop::Fd(), F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return;
  stop_.assign(copy);
  stop_.async_wait(net::posix::stream_descriptor::wait_read,
                   [this](boost::system::error_code code) {
                     if (!code && cancel_) cancel_();
                   });
}

Status Connection::Open() {
  const net::local::stream_protocol::endpoint endpoint(socket_.string());
  const auto code =
      Await([&](auto&& handler) { stream_.async_connect(endpoint, handler); });
  if (code) return Failed("connect to " + socket_.string(), code);
  return {};
}

Error Connection::Failed(const std::string& what,
                         boost::system::error_code code) const {
  if (stop::Requested()) {
    return Error{what + ": interrupted", ErrorKind::kInterrupted};
  }
  if (code == beast::error::timeout) {
    return TimeoutError(what + ": no answer in time");
  }
  return Error{what + ": " + code.message()};
}

}  // namespace lab::cluster
