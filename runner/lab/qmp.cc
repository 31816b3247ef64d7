// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/qmp.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "runner/base/stop.h"
#include "runner/base/wait.h"

namespace lab {
namespace {

using nlohmann::json;

constexpr Duration kPatience = 20s;  // for one answer

UniqueFd TryConnect(const Path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = socket.string();
  if (path.size() >= sizeof address.sun_path) return UniqueFd();
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                sizeof address) != 0) {
    return UniqueFd();
  }
  return fd;
}

}  // namespace

Result<Qmp> Qmp::Connect(const Path& socket, Duration timeout) {
  const auto deadline = Deadline::In(timeout);
  UniqueFd fd;
  LAB_CHECK_OK(WaitUntil("QEMU's monitor " + socket.string(), deadline, 10ms,
                         [&] { return (fd = TryConnect(socket)).valid(); }));
  Qmp qmp(socket, std::move(fd));
  LAB_TRY(const auto greeting, qmp.NextMessage(Deadline::In(kPatience)));
  if (!greeting.contains("QMP")) {
    return Error{socket.string() + ": not QEMU's monitor: " + greeting.dump()};
  }
  LAB_TRY(const auto shaken, qmp.Execute("qmp_capabilities"));
  return qmp;
}

Result<json> Qmp::Execute(const std::string& command) {
  return Execute(command, json::object());
}

Result<json> Qmp::Execute(const std::string& command, const json& arguments) {
  json message = {{"execute", command}};
  if (!arguments.empty()) message["arguments"] = arguments;
  const std::string line = message.dump() + "\n";
  if (::send(fd_.get(), line.data(), line.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(line.size())) {
    return Error{fmt::format("{}: send {}: {}", socket_.string(), command,
                             std::strerror(errno))};
  }
  const auto deadline = Deadline::In(kPatience);
  while (true) {
    auto answer = NextMessage(deadline);
    if (!answer) return answer.error().Within(command);
    if (answer->contains("return")) return json(answer->at("return"));
    if (answer->contains("error")) {
      return Error{fmt::format("{}: {}: {}", socket_.string(), command,
                               answer->at("error").value("desc", "refused"))};
    }
  }
}

Status Qmp::IgnoreSharedMemory() {
  const json capability = {{"capability", "x-ignore-shared"}, {"state", true}};
  const json wanted = {{"capabilities", json::array({capability})}};
  LAB_TRY(const auto set, Execute("migrate-set-capabilities", wanted));
  return {};
}

Status Qmp::AwaitMigration(Duration timeout) {
  json state;
  Status asked;
  const auto waited =
      WaitUntil("QEMU's migration", Deadline::In(timeout), 10ms, [&] {
        const auto now = Execute("query-migrate");
        if (!now) {
          asked = now.error();
          return true;
        }
        state = *now;
        const auto status = state.value("status", "");
        return status == "completed" || status == "failed";
      });
  LAB_CHECK_OK(asked);
  if (!waited) return waited.error().Within("last seen " + state.dump());
  if (state.value("status", "") == "completed") return {};
  return Error{fmt::format("{}: QEMU's migration failed: {}", socket_.string(),
                           state.value("error-desc", "no reason given"))};
}

Result<json> Qmp::NextMessage(Deadline deadline) {
  while (true) {
    if (const auto end = read_.find('\n'); end != std::string::npos) {
      auto message = json::parse(read_.substr(0, end), nullptr, false);
      read_.erase(0, end + 1);
      if (message.is_object()) return message;
      return Error{socket_.string() + ": not JSON"};
    }
    pollfd fds[] = {{fd_.get(), POLLIN, 0}, {stop::Fd(), POLLIN, 0}};
    const int ready = ::poll(fds, 2, static_cast<int>(deadline.Left().count()));
    if (fds[1].revents != 0) {
      return Error{"interrupted", ErrorKind::kInterrupted};
    }
    if (ready == 0) return TimeoutError(socket_.string() + ": no answer");
    char buffer[4096];
    const ssize_t n = ::read(fd_.get(), buffer, sizeof buffer);
    if (n <= 0) return Error{socket_.string() + ": QEMU hung up"};
    read_.append(buffer, static_cast<std::size_t>(n));
  }
}

}  // namespace lab
