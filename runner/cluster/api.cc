// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/api.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/cluster/connection.h"

namespace lab {
namespace {

using cluster::Connection;
using nlohmann::json;
namespace http = cluster::http;

http::request<http::string_body> MakeRequest(const Api::Call& call) {
  http::request<http::string_body> request(http::string_to_verb(call.method),
                                           call.path, 11);
  request.set(http::field::host, "localhost");
  request.set(http::field::accept, "application/json");
  if (!call.body.empty()) {
    request.set(http::field::content_type, call.content_type);
    request.body() = call.body;
  }
  request.prepare_payload();
  return request;
}

Status Send(Connection& connection, const Api::Call& call) {
  LAB_CHECK_OK(connection.Open());
  const auto request = MakeRequest(call);
  const auto code = connection.Await([&](auto&& handler) {
    http::async_write(connection.stream(), request, handler);
  });
  if (code) return connection.Failed(call.method + " " + call.path, code);
  return {};
}

// The message of a metav1.Status, or what there is.
std::string ServerMessage(const std::string& body) {
  const auto object = json::parse(body, nullptr, false);
  if (object.is_object() && object.contains("message") &&
      object["message"].is_string()) {
    return object["message"];
  }
  return body.substr(0, 300);
}

Error HttpError(const Api::Call& call, unsigned status,
                const std::string& body) {
  return Error{fmt::format("{} {}: HTTP {}: {}", call.method, call.path, status,
                           ServerMessage(body))};
}

// `299 - "text"`, where text has its quotes and backslashes escaped.
std::string WarningText(std::string_view header) {
  const auto open = header.find('"');
  const auto close = header.rfind('"');
  if (open == close) return std::string(header);
  std::string text;
  for (auto at = open + 1; at < close; ++at) {
    if (header[at] == '\\' && at + 1 < close) ++at;
    text += header[at];
  }
  return text;
}

}  // namespace

std::string UrlEncode(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                       c == '.' || c == '~';
    out += plain ? std::string(1, c)
                 : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

Result<ApiResponse> Api::Request(const Call& call) const {
  Connection connection(socket_, call.timeout);
  Call sent = call;
  sent.body = names_.OnNodes(call.body);
  LAB_CHECK_OK(Send(connection, sent));
  http::response_parser<http::string_body> parser;
  parser.body_limit(std::uint64_t{256} << 20);
  const auto code = connection.Await([&](auto&& handler) {
    http::async_read(connection.stream(), connection.buffer(), parser, handler);
  });
  if (code) return connection.Failed(call.method + " " + call.path, code);
  auto& message = parser.get();
  ApiResponse response{
      message.result_int(), names_.InDocuments(message.body()), {}};
  const auto [first, last] = message.equal_range(http::field::warning);
  for (auto it = first; it != last; ++it) {
    const auto value = it->value();
    response.warnings.push_back(
        names_.InDocuments(WarningText({value.data(), value.size()})));
  }
  return response;
}

Result<json> Api::Json(const Call& call) const {
  LAB_TRY(auto response, Request(call));
  if (response.status >= 400) {
    return HttpError(call, response.status, response.body);
  }
  auto object = json::parse(response.body, nullptr, false);
  if (object.is_discarded()) {
    return Error{fmt::format("{} {}: the answer is no JSON: {}", call.method,
                             call.path, response.body.substr(0, 200))};
  }
  return object;
}

Result<json> Api::Get(const std::string& path) const {
  return Json({.path = path});
}

Result<json> Api::Post(const std::string& path, const json& object) const {
  return Json({.method = "POST", .path = path, .body = object.dump()});
}

Result<json> Api::Patch(const std::string& path, const json& patch) const {
  return Json({.method = "PATCH",
               .path = path,
               .body = patch.dump(),
               .content_type = "application/merge-patch+json"});
}

Status Api::Delete(const std::string& path) const {
  const Call call{.method = "DELETE",
                  .path = path,
                  .body = R"({"kind":"DeleteOptions","apiVersion":"v1",)"
                          R"("gracePeriodSeconds":0,)"
                          R"("propagationPolicy":"Background"})"};
  LAB_TRY(const auto response, Request(call));
  if (response.status >= 400 && response.status != 404) {
    return HttpError(call, response.status, response.body);
  }
  return {};
}

Result<json> Api::Watch(const WatchFor& watch) const {
  const Call call{.path = watch.path, .timeout = watch.timeout};
  Connection connection(socket_, watch.timeout);
  LAB_CHECK_OK(Send(connection, call));
  http::response_parser<http::string_body> parser;
  // Not "none", which refuses every answer with a Content-Length (Beast 1.74).
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());
  std::string last = "nothing";
  while (true) {
    const auto code = connection.Await([&](auto&& handler) {
      http::async_read_some(connection.stream(), connection.buffer(), parser,
                            handler);
    });
    if (code) {
      return connection.Failed(
          fmt::format("wait for {} (last seen: {})", watch.what, last), code);
    }
    if (!parser.is_header_done()) continue;
    std::string& body = parser.get().body();
    if (parser.get().result_int() >= 400) {
      if (!parser.is_done()) continue;
      return HttpError(call, parser.get().result_int(), body);
    }
    for (auto end = body.find('\n'); end != std::string::npos;
         end = body.find('\n')) {
      const auto event = json::parse(
          names_.InDocuments({body.data(), end}), nullptr, false);
      body.erase(0, end + 1);
      if (!event.is_object() || !event.contains("object")) continue;
      const json& object = event["object"];
      const std::string type = event.value("type", "");
      if (type == "ERROR") {
        return Error{fmt::format("wait for {}: {}", watch.what,
                                 ServerMessage(object.dump()))};
      }
      if (watch.done(type, object)) return object;
      last = watch.describe ? watch.describe(object) : type;
    }
    if (parser.is_done()) {
      return Error{
          fmt::format("wait for {}: the server ended the watch (last "
                      "seen: {})",
                      watch.what, last)};
    }
  }
}

}  // namespace lab
