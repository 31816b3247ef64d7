// SPDX-License-Identifier: Apache-2.0
#include "suites/probes/wake.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/random.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>

#include "suites/probes/json_line.h"

namespace probe {
namespace {

constexpr const char* kHost = "10.0.2.2";  // QEMU's user network

int Fail(const char* what) {
  std::fprintf(stderr, "lab-node: wake: %s: %s\n", what, std::strerror(errno));
  return 3;
}

bool SetClock(const std::string& clock) {
  double whole = 0;
  const double fraction =
      std::modf(std::strtod(clock.c_str(), nullptr), &whole);
  const timespec time{static_cast<time_t>(whole),
                      static_cast<long>(fraction * 1e9)};
  return whole > 0 && clock_settime(CLOCK_REALTIME, &time) == 0;
}

bool MixIn(const std::string& seed) {
  // rand_pool_info ends in a flexible array.
  constexpr std::size_t kMost = 256;
  alignas(rand_pool_info) char buffer[sizeof(rand_pool_info) + kMost] = {};
  auto* info = reinterpret_cast<rand_pool_info*>(buffer);
  const std::size_t size = seed.size() < kMost ? seed.size() : kMost;
  info->entropy_count = static_cast<int>(size * 4);  // hexadecimal digits
  info->buf_size = static_cast<int>(size);
  std::memcpy(buffer + sizeof(rand_pool_info), seed.data(), size);
  const int fd = open("/dev/random", O_RDWR | O_CLOEXEC);
  const bool mixed = fd >= 0 && ioctl(fd, RNDADDENTROPY, info) == 0 &&
                     ioctl(fd, RNDRESEEDCRNG) == 0;
  if (fd >= 0) close(fd);
  return mixed;
}

void ForEachEntry(const std::string& path,
                  const std::function<void(const char*)>& see) {
  DIR* directory = opendir(path.c_str());
  if (directory == nullptr) return;
  while (const dirent* entry = readdir(directory)) {
    if (entry->d_name[0] != '.') see(entry->d_name);
  }
  closedir(directory);
}

bool IsKubelet(const std::string& proc) {
  char comm[32] = {};
  const int fd = open((proc + "/comm").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const ssize_t n = read(fd, comm, sizeof comm - 1);
  close(fd);
  return n > 0 && std::strcmp(comm, "kubelet\n") == 0;
}

bool IsWithHost(int socket) {
  sockaddr_in6 peer{};
  socklen_t size = sizeof peer;
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) != 0) {
    return false;
  }
  char text[INET6_ADDRSTRLEN] = {};
  if (peer.sin6_family == AF_INET6) {
    inet_ntop(AF_INET6, &peer.sin6_addr, text, sizeof text);
    return std::strcmp(text, (std::string("::ffff:") + kHost).c_str()) == 0;
  }
  if (peer.sin6_family != AF_INET) return false;
  const auto* four = reinterpret_cast<const sockaddr_in*>(&peer);
  inet_ntop(AF_INET, &four->sin_addr, text, sizeof text);
  return std::strcmp(text, kHost) == 0;
}

int ShutDownOf(const std::string& pid) {
  const int process = static_cast<int>(
      syscall(SYS_pidfd_open, std::strtol(pid.c_str(), nullptr, 10), 0));
  if (process < 0) return 0;
  int closed = 0;
  ForEachEntry("/proc/" + pid + "/fd", [&](const char* name) {
    const int fd = static_cast<int>(
        syscall(SYS_pidfd_getfd, process, std::strtol(name, nullptr, 10), 0));
    if (fd < 0) return;
    if (IsWithHost(fd) && shutdown(fd, SHUT_RDWR) == 0) ++closed;
    close(fd);
  });
  close(process);
  return closed;
}

}  // namespace

int Wake(const std::string& clock, const std::string& seed) {
  if (!SetClock(clock)) return Fail("set the clock");
  if (!MixIn(seed)) return Fail("mix into /dev/random");
  int closed = 0;
  ForEachEntry("/proc", [&](const char* pid) {
    if (IsKubelet(std::string("/proc/") + pid)) closed += ShutDownOf(pid);
  });
  JsonLine().Add("closed", static_cast<long long>(closed)).Print();
  return 0;
}

}  // namespace probe
