// SPDX-License-Identifier: Apache-2.0
// For tests: a server on a unix socket whose answers the test writes, byte by
// byte if it likes.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "runner/base/files.h"

namespace lab {

class FakeServer {
 public:
  using Protocol = boost::asio::local::stream_protocol;
  using Socket = Protocol::socket;
  using Request = boost::beast::http::request<boost::beast::http::string_body>;
  using Answer = std::function<void(Socket&, const Request&)>;

  /// Serves one connection after the other, a request each, until destroyed;
  /// the connection closes when `answer` returns.
  explicit FakeServer(Answer answer)
      : dir_(TempDir::In("/tmp", "fake-").value()),
        answer_(std::move(answer)),
        acceptor_(context_, Protocol::endpoint(path().string())),
        thread_([this] { Serve(); }) {}
  ~FakeServer() {
    stopping_ = true;
    Socket wake(context_);
    boost::system::error_code ignored;
    wake.connect(Protocol::endpoint(path().string()), ignored);
    thread_.join();
  }

  Path path() const { return dir_.path() / "s"; }

  static void Send(Socket& socket, const std::string& bytes) {
    boost::system::error_code ignored;  // the client may have gone
    boost::asio::write(socket, boost::asio::buffer(bytes), ignored);
  }
  /// Returns when the client has closed the connection.
  static void AwaitClose(Socket& socket) {
    boost::system::error_code code;
    char byte = 0;
    while (!code) socket.read_some(boost::asio::buffer(&byte, 1), code);
  }

 private:
  void Serve() {
    while (true) {
      Socket socket(context_);
      acceptor_.accept(socket);
      if (stopping_) return;
      Request request;
      boost::beast::flat_buffer buffer;
      boost::system::error_code code;
      boost::beast::http::read(socket, buffer, request, code);
      if (!code) answer_(socket, request);
    }
  }

  TempDir dir_;
  Answer answer_;
  std::atomic<bool> stopping_{false};
  boost::asio::io_context context_;
  Protocol::acceptor acceptor_;
  std::thread thread_;
};

/// A whole answer of known length.
inline std::string HttpAnswer(const std::string& status,
                              const std::string& body) {
  return "HTTP/1.1 " + status +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}

}  // namespace lab
