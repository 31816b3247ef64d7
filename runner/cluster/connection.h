// SPDX-License-Identifier: Apache-2.0
// One connection to the proxy's socket: asynchronous operations run one at a
// time to their end, to a deadline, or to an interruption.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <string>

#include "runner/base/clock.h"
#include "runner/base/files.h"
#include "runner/base/result.h"

namespace lab::cluster {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

class Connection {
 public:
  using Stream = beast::basic_stream<net::local::stream_protocol>;

  Connection(const Path& socket, Duration timeout);

  /// Connects; call first.
  Status Open();
  /// Runs one asynchronous operation: `start` gets a handler to pass on.
  template <typename Start>
  boost::system::error_code Await(Start&& start) {
    bool done = false;
    boost::system::error_code result;
    context_.restart();  // stopped if the operation before was its last work
    start([&](boost::system::error_code code, auto&&...) {
      result = code;
      done = true;
    });
    while (!done && context_.run_one() > 0) {
    }
    return result;
  }
  /// The Error for a code from Await: timeout, interruption or failure.
  Error Failed(const std::string& what, boost::system::error_code code) const;

  Stream& stream() { return stream_; }
  /// Gives the stream away (to a WebSocket); Await goes on working.
  Stream TakeStream() { return std::move(stream_); }
  beast::flat_buffer& buffer() { return buffer_; }
  Deadline deadline() const { return deadline_; }
  /// What an interruption closes; set again after TakeStream().
  void OnStop(std::function<void()> cancel) { cancel_ = std::move(cancel); }

 private:
  void WatchStop();

  Path socket_;
  Deadline deadline_;
  net::io_context context_{1};
  Stream stream_;
  beast::flat_buffer buffer_;
  net::posix::stream_descriptor stop_;
  std::function<void()> cancel_;
};

}  // namespace lab::cluster
