// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/keeper_requests.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "runner/cli/news.h"

namespace lab {
namespace {

using nlohmann::json;

struct Endpoint {
  UniqueFd fd;
  sockaddr_un address{};
  const sockaddr* generic() const {
    return reinterpret_cast<const sockaddr*>(&address);
  }
};

Path SocketOf(const Path& lab_directory) {
  return lab_directory / "keeper.sock";
}

Result<Endpoint> EndpointAt(const Path& path) {
  Endpoint endpoint;
  endpoint.address.sun_family = AF_UNIX;
  const std::string text = path.string();
  if (text.size() >= sizeof endpoint.address.sun_path) {
    return Error{text + ": too long for a unix socket"};
  }
  std::memcpy(endpoint.address.sun_path, text.data(), text.size());
  endpoint.fd.Reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (endpoint.fd.valid()) return endpoint;
  return Error{fmt::format("socket: {}", std::strerror(errno))};
}

// One line, within a second: who connects asks at once.
json ReadRequest(int fd) {
  std::string text;
  const auto deadline = Deadline::In(1s);
  while (text.find('\n') == std::string::npos) {
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(deadline.Left().count())) <= 0) {
      return {};
    }
    char buffer[512];
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n <= 0) return {};
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return json::parse(text, nullptr, false);
}

}  // namespace

Result<KeeperRequests> KeeperRequests::Listen(const Path& lab_directory) {
  LAB_TRY(auto endpoint, EndpointAt(SocketOf(lab_directory)));
  if (::bind(endpoint.fd.get(), endpoint.generic(), sizeof endpoint.address) !=
          0 ||
      ::listen(endpoint.fd.get(), 4) != 0) {
    return Error{fmt::format("{}: {}", SocketOf(lab_directory).string(),
                             std::strerror(errno))};
  }
  return KeeperRequests(std::move(endpoint.fd));
}

void KeeperRequests::Serve(const Context& context, Lab& lab) const {
  const UniqueFd client(
      ::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!client.valid()) return;
  const json request = ReadRequest(client.get());
  NewsWriter news(client.get());
  if (!request.is_object() || !request.contains("save")) {
    news.Failed(Error{"the keeper does not know this request"});
    return;
  }
  const auto saved =
      lab.Save(context.cache, context.home, request.value("save", ""), news);
  if (saved) {
    news.Done();
  } else {
    news.Failed(saved.error());
  }
}

Status AskToSave(const LabFile& lab, const std::string& name,
                 Progress& progress) {
  LAB_TRY(auto endpoint, EndpointAt(SocketOf(lab.directory)));
  if (::connect(endpoint.fd.get(), endpoint.generic(),
                sizeof endpoint.address) != 0) {
    return UsageError(fmt::format(
        "lab {} has no keeper to ask: it belongs to a run that goes on, or is "
        "not up yet; what can be saved is a lab that `runner lab up` made",
        lab.name));
  }
  const std::string request = json{{"save", name}}.dump() + "\n";
  if (::send(endpoint.fd.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return Error{fmt::format("ask the keeper of lab {}: {}", lab.name,
                             std::strerror(errno))};
  }
  return FollowNews(endpoint.fd.get(), progress);
}

}  // namespace lab
