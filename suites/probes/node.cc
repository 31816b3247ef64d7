// SPDX-License-Identifier: Apache-2.0
// lab-node: what a suite asks a node, from the node's side, as root. JSON
// lines.
//
//   facts              kernel, LSMs, AppArmor's state and features
//   process ID         the first process of container ID, its label and its
//                      seccomp state, as the kernel shows them outside
//   pod UID            the processes in the cgroups of a pod
//   end-pods UID...    kills the processes in the cgroups of these pods
//   others MILLISECONDS UID...
//                      waits, at most that long, until there are no processes
//                      in the cgroups of pods but these; tells those there are
//   kmsg-end           {"next":N}: the cursor behind the newest record
//   kmsg SEQUENCE      the records of AppArmor and seccomp in the kernel log
//                      from there on
//   remove-profiles NAME...
//                      takes these AppArmor profiles out of the kernel;
//                      those that are not there are none to take
//   filters PID        the seccomp filters of a process: see filters.h
//   wake CLOCK SEED    for a node restored from a saved state: see wake.h
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "suites/probes/filters.h"
#include "suites/probes/json_line.h"
#include "suites/probes/proc_file.h"
#include "suites/probes/wake.h"

namespace {

struct Entry {
  std::string name;
  bool directory;
};

std::vector<Entry> List(const std::string& path) {
  std::vector<Entry> entries;
  DIR* directory = opendir(path.c_str());
  if (directory == nullptr) return entries;
  while (const dirent* entry = readdir(directory)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") {
      entries.push_back({name, entry->d_type == DT_DIR});
    }
  }
  closedir(directory);
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

void Features(const std::string& root, const std::string& below,
              std::string& out) {
  for (const auto& [name, directory] : List(root + below)) {
    const std::string path = below + "/" + name;
    if (directory) {
      Features(root, path, out);
    } else {
      out += path.substr(1) + "=" + probe::ReadTrimmed(root + path) + "\n";
    }
  }
}

bool HasProcesses(const std::string& cgroup) {
  if (!probe::ReadTrimmed(cgroup + "/cgroup.procs").empty()) return true;
  for (const auto& [name, directory] : List(cgroup)) {
    if (directory && HasProcesses(cgroup + "/" + name)) return true;
  }
  return false;
}

// A container's or pod's cgroup is the directory that carries its id. With
// cgroup v1 there is one in every hierarchy, and not all of them are used.
std::string FindCgroup(const std::string& at, const std::string& id) {
  for (const auto& [name, directory] : List(at)) {
    if (!directory) continue;
    const std::string path = at + "/" + name;
    const bool its = name.find(id) != std::string::npos;
    if (its && HasProcesses(path)) return path;
    const std::string found = its ? "" : FindCgroup(path, id);
    if (!found.empty()) return found;
  }
  return "";
}

int Facts() {
  utsname name{};
  uname(&name);
  std::string features;
  Features("/sys/kernel/security/apparmor/features", "", features);
  probe::JsonLine()
      .Add("kernel", name.release)
      .Add("machine", name.machine)
      .Add("lsm", probe::ReadTrimmed("/sys/kernel/security/lsm"))
      .Add("apparmor-enabled",
           probe::ReadTrimmed("/sys/module/apparmor/parameters/enabled"))
      .Add("apparmor-features", features)
      .Print();
  return 0;
}

int Process(const std::string& id) {
  const std::string cgroup = FindCgroup("/sys/fs/cgroup", id);
  if (cgroup.empty()) {
    std::fprintf(stderr, "lab-node: no cgroup with processes of container %s\n",
                 id.c_str());
    return 3;
  }
  const long pid = std::strtol(
      probe::ReadTrimmed(cgroup + "/cgroup.procs").c_str(), nullptr, 10);
  const std::string proc = "/proc/" + std::to_string(pid);
  const std::string status = probe::ReadTrimmed(proc + "/status");
  if (pid <= 0 || status.empty()) {
    std::fprintf(stderr, "lab-node: no process in %s\n", cgroup.c_str());
    return 3;
  }
  // Unreadable where no security module gives labels.
  const std::string label = probe::ReadTrimmed(proc + "/attr/current");
  probe::JsonLine()
      .Add("pid", pid)
      .Add("label", label)
      .Add("seccomp", probe::StatusField(status, "Seccomp"))
      .Add("seccomp_filters", probe::StatusField(status, "Seccomp_filters"))
      .Add("no_new_privs", probe::StatusField(status, "NoNewPrivs"))
      .Add("cgroup", cgroup)
      .Print();
  return 0;
}

// The UID in the name of a pod's cgroup: "podUID", or with systemd's driver
// "kubepods-besteffort-podUID.slice" and "_" for "-". Empty if it is none.
std::string PodUid(const std::string& cgroup) {
  const bool slice = cgroup.rfind("kubepods", 0) == 0 ||
                     cgroup.rfind("kubelet-kubepods", 0) == 0;
  const auto at = slice ? cgroup.rfind("-pod") : cgroup.rfind("pod", 0);
  if (at == std::string::npos) return "";
  std::string uid = cgroup.substr(at + (slice ? 4 : 3));
  uid.resize(std::min(uid.size(), uid.find('.')));
  std::replace(uid.begin(), uid.end(), '_', '-');
  constexpr std::size_t kUuid = 36, kStaticPod = 32;
  return uid.size() == kUuid || uid.size() == kStaticPod ? uid : "";
}

// The pods' cgroups that have processes; with cgroup v1 one of each pod's.
std::map<std::string, std::string> PodCgroups() {
  std::map<std::string, std::string> found;
  const std::function<void(const std::string&)> look =
      [&](const std::string& at) {
        for (const auto& [name, directory] : List(at)) {
          if (!directory) continue;
          const std::string path = at + "/" + name;
          const std::string uid = PodUid(name);
          if (uid.empty()) {
            look(path);
          } else if (HasProcesses(path)) {
            found.emplace(uid, path);
          }
        }
      };
  look("/sys/fs/cgroup");
  return found;
}

// All processes below a cgroup, as this one's PID namespace names them.
std::vector<pid_t> ProcessesIn(const std::string& cgroup) {
  std::vector<pid_t> found;
  std::istringstream pids(probe::ReadTrimmed(cgroup + "/cgroup.procs"));
  for (pid_t pid = 0; pids >> pid;) found.push_back(pid);
  for (const auto& [name, directory] : List(cgroup)) {
    if (!directory) continue;
    for (const pid_t pid : ProcessesIn(cgroup + "/" + name)) {
      found.push_back(pid);
    }
  }
  return found;
}

// Again until there are none: one that is killed may just have forked.
int EndPods(const std::set<std::string>& uids) {
  constexpr int kTimes = 200;
  for (int i = 0; i < kTimes; ++i) {
    bool some = false;
    for (const auto& [uid, cgroup] : PodCgroups()) {
      if (uids.count(uid) == 0) continue;
      some = true;
      for (const pid_t pid : ProcessesIn(cgroup)) kill(pid, SIGKILL);
    }
    if (!some) return 0;
    usleep(10'000);
  }
  std::fprintf(stderr, "lab-node: processes of pods outlive SIGKILL\n");
  return 3;
}

int Others(const char* milliseconds, const std::set<std::string>& known) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::milliseconds(
                                      std::strtol(milliseconds, nullptr, 10));
  std::map<std::string, std::string> found;
  while (true) {
    found = PodCgroups();
    for (const auto& uid : known) found.erase(uid);
    if (found.empty() || Clock::now() >= end) break;
    usleep(10'000);
  }
  for (const auto& [uid, cgroup] : found) {
    probe::JsonLine().Add("uid", uid).Add("cgroup", cgroup).Print();
  }
  return 0;
}

int PodProcesses(const std::string& uid) {
  const auto cgroups = PodCgroups();
  const auto its = cgroups.find(uid);
  if (its == cgroups.end()) return 0;
  for (const pid_t pid : ProcessesIn(its->second)) {
    const std::string proc = "/proc/" + std::to_string(pid);
    const std::string status = probe::ReadTrimmed(proc + "/status");
    probe::JsonLine()
        .Add("pid", pid)
        .Add("comm", probe::ReadTrimmed(proc + "/comm"))
        .Add("seccomp", probe::StatusField(status, "Seccomp"))
        .Add("seccomp_filters", probe::StatusField(status, "Seccomp_filters"))
        .Print();
  }
  return 0;
}

// Of AppArmor, or of seccomp (AUDIT_SECCOMP in linux/audit.h).
bool IsPolicyRecord(const char* text) {
  return std::strstr(text, "apparmor=") != nullptr ||
         std::strstr(text, "type=1326 ") != nullptr;
}

// /dev/kmsg: "priority,sequence,time,flags;text", one record a read(2).
int Kmsg(unsigned long long since, bool print) {
  const int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    std::perror("lab-node: /dev/kmsg");
    return 3;
  }
  unsigned long long next = since;
  char record[8192];
  while (true) {
    const ssize_t n = read(fd, record, sizeof record - 1);
    if (n < 0 && errno == EPIPE) continue;  // overwritten; the next is readable
    if (n <= 0) break;
    record[n] = '\0';
    unsigned long long sequence = 0;
    const char* text = std::strchr(record, ';');
    if (std::sscanf(record, "%*u,%llu", &sequence) != 1 || text == nullptr) {
      continue;
    }
    if (sequence < since) continue;
    next = sequence + 1;
    if (!print || !IsPolicyRecord(text)) continue;
    std::string line = text + 1;
    line.resize(line.find('\n') == std::string::npos ? line.size()
                                                     : line.find('\n'));
    probe::JsonLine()
        .Add("sequence", static_cast<long long>(sequence))
        .Add("line", line)
        .Print();
  }
  close(fd);
  probe::JsonLine().Add("next", static_cast<long long>(next)).Print();
  return 0;
}

// A profile takes its children with it, so those may be gone already.
int RemoveProfiles(const std::vector<std::string>& names) {
  constexpr const char* kRemove = "/sys/kernel/security/apparmor/.remove";
  const int fd = open(kRemove, O_WRONLY | O_CLOEXEC);
  if (fd < 0) {
    std::fprintf(stderr, "lab-node: %s: %s\n", kRemove, std::strerror(errno));
    return 3;
  }
  int status = 0;
  for (const auto& name : names) {
    // The kernel takes the bare name; a newline would be part of it.
    if (write(fd, name.data(), name.size()) >= 0 || errno == ENOENT) continue;
    std::fprintf(stderr, "lab-node: remove profile %s: %s\n", name.c_str(),
                 std::strerror(errno));
    status = 3;
  }
  close(fd);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "facts" && argc == 2) return Facts();
  if (command == "process" && argc == 3) return Process(argv[2]);
  if (command == "pod" && argc == 3) return PodProcesses(argv[2]);
  if (command == "end-pods" && argc > 2) {
    return EndPods({argv + 2, argv + argc});
  }
  if (command == "others" && argc > 2) {
    return Others(argv[2], {argv + 3, argv + argc});
  }
  if (command == "kmsg-end" && argc == 2) return Kmsg(0, false);
  if (command == "kmsg" && argc == 3) {
    return Kmsg(std::strtoull(argv[2], nullptr, 10), true);
  }
  if (command == "remove-profiles" && argc > 2) {
    return RemoveProfiles({argv + 2, argv + argc});
  }
  if (command == "filters" && argc == 3) return probe::Filters(argv[2]);
  if (command == "wake" && argc == 4) return probe::Wake(argv[2], argv[3]);
  std::fprintf(stderr,
               "usage: lab-node facts | process ID | pod UID | "
               "end-pods UID... | others MILLISECONDS UID... | kmsg-end | "
               "kmsg SEQUENCE | remove-profiles NAME... | filters PID | "
               "wake CLOCK SEED\n");
  return 64;
}
