// SPDX-License-Identifier: Apache-2.0
// lab-node: what a suite asks a node, from the node's side, as root. JSON
// lines.
//
//   facts              kernel, LSMs, AppArmor's state and features
//   process ID         the first process of container ID, its label and its
//                      seccomp state, as the kernel shows them outside
//   pod UID            the processes in the cgroups of a pod
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
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
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

// All processes below a cgroup.
void PrintProcesses(const std::string& cgroup) {
  const std::string pids = probe::ReadTrimmed(cgroup + "/cgroup.procs");
  for (std::size_t at = 0; at < pids.size();) {
    const auto end = pids.find('\n', at);
    const std::string pid = pids.substr(at, end - at);
    const std::string status = probe::ReadTrimmed("/proc/" + pid + "/status");
    probe::JsonLine()
        .Add("pid", std::strtoll(pid.c_str(), nullptr, 10))
        .Add("comm", probe::ReadTrimmed("/proc/" + pid + "/comm"))
        .Add("seccomp", probe::StatusField(status, "Seccomp"))
        .Add("seccomp_filters", probe::StatusField(status, "Seccomp_filters"))
        .Print();
    if (end == std::string::npos) break;
    at = end + 1;
  }
  for (const auto& [name, directory] : List(cgroup)) {
    if (directory) PrintProcesses(cgroup + "/" + name);
  }
}

// The cgroupfs driver names a pod's directory "podUID"; that of systemd, to
// which "-" means a level, writes "_" for it.
int PodProcesses(std::string uid) {
  std::string cgroup = FindCgroup("/sys/fs/cgroup", "pod" + uid);
  std::replace(uid.begin(), uid.end(), '-', '_');
  if (cgroup.empty()) cgroup = FindCgroup("/sys/fs/cgroup", "pod" + uid);
  if (!cgroup.empty()) PrintProcesses(cgroup);
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
               "usage: lab-node facts | process ID | pod UID | kmsg-end | "
               "kmsg SEQUENCE | remove-profiles NAME... | filters PID | "
               "wake CLOCK SEED\n");
  return 64;
}
