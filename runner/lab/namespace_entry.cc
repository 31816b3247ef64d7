// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/namespace_entry.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "runner/base/text.h"
#include "runner/process/process.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

struct Kind {
  const char* file;  ///< below /proc/PID/ns
  const char* option;
};
constexpr Kind kKinds[] = {{"mnt", "mount"}, {"pid", "pid"},
                           {"net", "net"},   {"ipc", "ipc"},
                           {"uts", "uts"},   {"cgroup", "cgroup"}};

// What a login shell of the node would have; the host's own fits the host.
const std::vector<std::string> kEnvironment = {
    "env", "-i", "HOME=/root",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};

// Their names are inode numbers, the same for everybody: "mnt:[4026531841]".
std::optional<ino_t> NumberIn(const std::string& name) {
  const auto open = name.find('[');
  if (open == std::string::npos) return std::nullopt;
  return std::strtoull(name.c_str() + open + 1, nullptr, 10);
}

// Of the processes of this machine one that is in all of them; and these.
std::map<std::string, UniqueFd> Open(const std::vector<ino_t>& wanted) {
  std::error_code code;
  for (const auto& entry : fs::directory_iterator("/proc", code)) {
    const std::string pid = entry.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos) continue;
    std::map<std::string, UniqueFd> opened;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const Path file = entry.path() / "ns" / kKinds[i].file;
      UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
      struct stat seen {};
      if (fd.get() < 0 || ::fstat(fd.get(), &seen) != 0) break;
      if (seen.st_ino != wanted[i]) break;
      opened.emplace(kKinds[i].option, std::move(fd));
    }
    if (opened.size() == wanted.size()) return opened;
  }
  return {};
}

}  // namespace

std::optional<NamespaceEntry> NamespaceEntry::Into(const NodeLogin& login) {
  // A filter that is on us would be on what runs there.
  const auto status = ReadFile("/proc/self/status").value_or("");
  if (::geteuid() != 0 || status.find("\nSeccomp:\t0\n") == std::string::npos) {
    return std::nullopt;
  }
  std::vector<std::string> ask = {"readlink"};
  for (const auto& kind : kKinds) {
    ask.push_back(std::string("/proc/1/ns/") + kind.file);
  }
  auto argv = login.command;
  argv.push_back(ShellQuote(ask));
  const auto said = RunOk({.argv = argv});
  if (!said) return std::nullopt;
  std::vector<ino_t> wanted;
  for (const auto& line : Lines(*said)) {
    if (const auto number = NumberIn(line)) wanted.push_back(*number);
  }
  if (wanted.size() != std::size(kKinds)) return std::nullopt;
  NamespaceEntry entry;
  entry.namespaces_ = Open(wanted);
  if (entry.namespaces_.empty()) return std::nullopt;
  auto tried = entry.Command();
  tried.push_back("true");
  if (!RunOk({.argv = tried})) return std::nullopt;
  return entry;
}

std::vector<std::string> NamespaceEntry::Command() const {
  std::vector<std::string> argv = {"nsenter"};
  for (const auto& [option, fd] : namespaces_) {
    argv.push_back(
        fmt::format("--{}=/proc/{}/fd/{}", option, ::getpid(), fd.get()));
  }
  argv.insert(argv.end(), kEnvironment.begin(), kEnvironment.end());
  argv.insert(argv.end(), {"sh", "-c"});
  return argv;
}

}  // namespace lab
