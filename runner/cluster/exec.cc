// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/websocket.hpp>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/cluster/api.h"
#include "runner/cluster/connection.h"

namespace lab {
namespace {

using cluster::Connection;
using nlohmann::json;
namespace beast = cluster::beast;
namespace http = cluster::http;
namespace websocket = beast::websocket;

// What is offered, best first: the server takes one of them. v5 differs from v4
// in how a client ends its input, of which there is none here; API servers that
// hand the connection on to the kubelet, as all below 1.30 do, know only v4.
constexpr std::string_view kV5 = "v5.channel.k8s.io", kV4 = "v4.channel.k8s.io";

using Socket = websocket::stream<Connection::Stream>;

// Channels of the remotecommand protocol; each frame begins with one.
constexpr char kStdout = 1, kStderr = 2, kStatus = 3;

std::string ExecPath(const Api::ExecCall& call) {
  std::string path =
      fmt::format("/api/v1/namespaces/{}/pods/{}/exec?stdout=true&stderr=true",
                  call.name_space, call.pod);
  if (!call.container.empty()) path += "&container=" + call.container;
  for (const auto& argument : call.argv) {
    path += "&command=" + UrlEncode(argument);
  }
  return path;
}

// The last frame is a metav1.Status: Success, or a failure whose cause of
// reason ExitCode holds the exit status. Anything else is the failure itself.
void ReadStatus(const std::string& text, ExecResult& result) try {
  const auto status = json::parse(text);
  if (status.value("status", "") == "Success") {
    result.status = 0;
    return;
  }
  result.failure = status.value("message", text);
  const json none = json::array();
  const json details = status.value("details", json::object());
  for (const auto& cause : details.value("causes", none)) {
    if (cause.value("reason", "") == "ExitCode") {
      result.status = std::stoi(cause.value("message", "-1"));
    }
  }
} catch (const std::exception&) {
  result.failure = text;
}

// Without one, frames would have another meaning.
Status CheckProtocol(const websocket::response_type& response,
                     const std::string& what) {
  const std::string chosen(response[http::field::sec_websocket_protocol]);
  if (chosen == kV5 || chosen == kV4) return {};
  return Error{
      fmt::format("{}: the server chose protocol \"{}\", known: {}, {}", what,
                  chosen, kV5, kV4)};
}

Result<ExecResult> ReadFrames(Connection& connection, Socket& socket,
                              const std::string& what) {
  ExecResult result;
  while (true) {
    beast::flat_buffer frame;
    const auto code = connection.Await(
        [&](auto&& handler) { socket.async_read(frame, handler); });
    if (code == websocket::error::closed || code == beast::net::error::eof) {
      result.failure = "the connection ended without a status";
      return result;
    }
    if (code) return connection.Failed(what, code);
    const std::string bytes = boost::beast::buffers_to_string(frame.data());
    if (bytes.empty()) continue;
    const std::string content = bytes.substr(1);
    if (bytes[0] == kStdout) result.out += content;
    if (bytes[0] == kStderr) result.err += content;
    if (bytes[0] == kStatus) {
      ReadStatus(content, result);
      return result;
    }
  }
}

}  // namespace

Result<ExecResult> Api::Exec(const ExecCall& call) const {
  const std::string what =
      fmt::format("exec in pod {}: {}", call.pod, ShellQuote(call.argv));
  Connection connection(socket_, call.timeout);
  LAB_CHECK_OK(connection.Open());
  Socket socket(connection.TakeStream());
  connection.OnStop([&] { socket.next_layer().cancel(); });
  socket.next_layer().expires_after(call.timeout);
  socket.set_option(
      websocket::stream_base::decorator([](websocket::request_type& request) {
        request.set(http::field::sec_websocket_protocol,
                    fmt::format("{}, {}", kV5, kV4));
      }));
  ExecCall sent = call;
  for (auto& word : sent.argv) word = names_.OnNodes(word);
  websocket::response_type response;
  const auto code = connection.Await([&](auto&& handler) {
    socket.async_handshake(response, "localhost", ExecPath(sent), handler);
  });
  if (code == websocket::error::upgrade_declined) {
    ExecResult refused;
    refused.failure =
        fmt::format("HTTP {}: {}", response.result_int(),
                    std::string_view(response.body()).substr(0, 300));
    return refused;
  }
  if (code) return connection.Failed(what, code);
  LAB_CHECK_OK(CheckProtocol(response, what));
  auto result = ReadFrames(connection, socket, what);
  connection.OnStop({});
  if (!result) return result;
  for (auto* text : {&result->out, &result->err, &result->failure}) {
    *text = names_.InDocuments(*text);
  }
  return result;
}

}  // namespace lab
