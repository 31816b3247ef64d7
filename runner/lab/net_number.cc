// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/net_number.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace lab {
namespace {

constexpr int kLast = 250;
constexpr int kFirstApiPort = 16443;

// A name in the abstract namespace: nothing in the file system.
UniqueFd Hold(int number) {
  const std::string name = fmt::format("confinement-lab-net-{}", number);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size) !=
      0) {
    return UniqueFd();
  }
  return fd;
}

bool PortIsFree(int port) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                sizeof address) == 0;
}

}  // namespace

Result<NetNumber> NetNumber::Take(const std::set<int>& avoid) {
  std::vector<int> numbers;
  for (int number = 1; number <= kLast; ++number) numbers.push_back(number);
  std::stable_partition(numbers.begin(), numbers.end(),
                        [&](int number) { return !avoid.contains(number); });
  for (const int number : numbers) {
    UniqueFd holder = Hold(number);
    if (holder.valid() && PortIsFree(kFirstApiPort + number)) {
      return NetNumber(number, std::move(holder));
    }
  }
  return ProvisionError(fmt::format(
      "no free lab number: {} labs or other programs hold ports {} to {} of "
      "127.0.0.1; `runner lab ls` shows yours",
      kLast, kFirstApiPort + 1, kFirstApiPort + kLast));
}

Result<NetNumber> NetNumber::TakeThat(int number) {
  UniqueFd holder = Hold(number);
  if (holder.valid() && PortIsFree(kFirstApiPort + number)) {
    return NetNumber(number, std::move(holder));
  }
  return ProvisionError(fmt::format(
      "lab number {} is taken: {} (127.77.{}.x, port {} of 127.0.0.1)", number,
      holder.valid() ? "another program listens on its port"
                     : "another lab has it",
      number, kFirstApiPort + number));
}

std::string NetNumber::Address(int host) const {
  return fmt::format("127.77.{}.{}", value_, host);
}

int NetNumber::ApiPort() const { return kFirstApiPort + value_; }

}  // namespace lab
