// SPDX-License-Identifier: Apache-2.0
// Loads AppArmor profiles on the node that it runs on, as a privileged
// container with the node's process IDs (fixtures/loader/daemonset.yaml).
//
//   loader run       loads the files of /profiles, again whenever they change,
//                    until SIGTERM
//   loader ready     exits 0 once every file is loaded as it is; says what is
//
// The node's own apparmor_parser does the work, in the node's mount namespace:
// it knows this node's kernel and abstractions. What is ours is written down in
// /run/apparmor-loader, which the node loses together with its policy. A
// profile that somebody else has loaded or replaced is never touched, and
// nothing is ever unloaded: that would set running containers free.
// Why it is so: docs/decisions/0010-loader.md.
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "suites/probes/proc_file.h"

namespace {

constexpr const char* kProfiles = "/profiles";
constexpr const char* kRecords = "/run/apparmor-loader";
constexpr const char* kStatus = "/status";
constexpr const char* kPolicy =
    "/proc/1/root/sys/kernel/security/apparmor/policy/profiles";
constexpr const char* kNodeMounts = "/proc/1/ns/mnt";
constexpr int kPollSeconds = 1;
constexpr std::time_t kRetrySeconds = 10;

/// The text of a record whose load has begun and not been seen to end.
constexpr const char* kBegun = "begun";

void Say(const std::string& text) {
  std::printf("loader: %s\n", text.c_str());
  std::fflush(stdout);
}

std::string Line(const std::string& path) {
  const auto text = probe::ReadFile(path);
  return text.substr(0, text.find('\n'));
}

// Replaced in one step, so that a reader never sees half of it.
bool Write(const std::string& path, const std::string& text) {
  const std::string fresh = path + ".new";
  const int fd =
      open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return false;
  const bool whole =
      write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  return close(fd) == 0 && whole && rename(fresh.c_str(), path.c_str()) == 0;
}

std::vector<std::string> List(const std::string& path) {
  std::vector<std::string> names;
  DIR* directory = opendir(path.c_str());
  if (directory == nullptr) return names;
  while (const dirent* entry = readdir(directory)) {
    // A mounted ConfigMap keeps its own affairs in names with a dot.
    if (entry->d_name[0] != '.') names.push_back(entry->d_name);
  }
  closedir(directory);
  return names;
}

struct Ran {
  int status = -1;
  std::string out;
  std::string err;
};

std::string ReadBack(int fd) {
  std::string text;
  char buffer[4096];
  ssize_t n = 0;
  lseek(fd, 0, SEEK_SET);
  while ((n = read(fd, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

[[noreturn]] void BecomeOnNode(const std::vector<std::string>& argv,
                               const int (&files)[3]) {
  for (int i = 0; i < 3; ++i) dup2(files[i], i);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int node = open(kNodeMounts, O_RDONLY | O_CLOEXEC);
  if (node < 0 || setns(node, CLONE_NEWNS) != 0) {
    std::perror(kNodeMounts);
    _exit(126);
  }
  std::vector<char*> raw;
  for (const auto& one : argv) raw.push_back(const_cast<char*>(one.c_str()));
  raw.push_back(nullptr);
  setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
  execvp(raw[0], raw.data());
  std::perror(raw[0]);
  _exit(127);
}

// Runs argv in the node's mount namespace, with `input` as standard input.
// In memory files, not through pipes: whoever reads or writes first, nothing
// can block.
Ran RunOnNode(const std::vector<std::string>& argv, const std::string& input) {
  int files[3];
  for (int& fd : files) fd = memfd_create("loader", MFD_CLOEXEC);
  Ran ran;
  if (write(files[0], input.data(), input.size()) !=
      static_cast<ssize_t>(input.size())) {
    ran.err = std::string("memory file: ") + std::strerror(errno);
    return ran;
  }
  lseek(files[0], 0, SEEK_SET);
  const pid_t child = fork();
  if (child == 0) BecomeOnNode(argv, files);
  int status = 0;
  if (child > 0 && waitpid(child, &status, 0) == child) {
    ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  }
  ran.out = ReadBack(files[1]);
  ran.err = ReadBack(files[2]);
  for (const int fd : files) close(fd);
  return ran;
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    if (end != at) lines.push_back(text.substr(at, end - at));
    if (end == std::string::npos) break;
    at = end + 1;
  }
  return lines;
}

// What the kernel holds: profile -> digest of its compiled rules ("-" where
// the kernel tells none).
std::map<std::string, std::string> Loaded() {
  std::map<std::string, std::string> loaded;
  for (const auto& entry : List(kPolicy)) {
    const std::string at = std::string(kPolicy) + "/" + entry + "/";
    std::string digest = Line(at + "sha256");  // Linux 6.8 and later
    if (digest.empty()) digest = Line(at + "sha1");
    loaded[Line(at + "name")] = digest.empty() ? "-" : digest;
  }
  return loaded;
}

// A profile's name may hold slashes; a file's may not.
std::string RecordOf(const std::string& profile) {
  std::string name;
  for (const char c : profile) {
    name += c == '%' ? "%25" : c == '/' ? "%2F" : std::string(1, c);
  }
  return std::string(kRecords) + "/" + name;
}

// Drops the records of what the kernel has no more: under the same name it
// would be somebody else's next time.
void DropStaleRecords() {
  std::set<std::string> ours;
  for (const auto& [profile, digest] : Loaded()) ours.insert(RecordOf(profile));
  for (const auto& name : List(kRecords)) {
    const std::string path = std::string(kRecords) + "/" + name;
    if (ours.count(path) == 0) unlink(path.c_str());
  }
}

/// One file of /profiles, and how far we are with it.
struct Source {
  std::string text;
  std::vector<std::string> profiles;
  bool loaded = false;
  std::string trouble;    ///< as last said
  std::time_t retry = 0;  ///< not before
};

class Loader {
 public:
  void Round() {
    kernel_ = Loaded();
    std::set<std::string> there;
    for (const auto& name : List(kProfiles)) {
      std::string text;
      // A ConfigMap is swapped as a whole; what just went is read next time.
      if (!probe::ReadFile(std::string(kProfiles) + "/" + name, text)) continue;
      there.insert(name);
      Source& source = sources_[name];
      if (source.text != text) {
        source = Source{};
        source.text = text;
      }
      Tend(name, source);
    }
    Forget(there);
    Report();
  }

 private:
  void Forget(const std::set<std::string>& there) {
    for (auto it = sources_.begin(); it != sources_.end();) {
      if (there.count(it->first) != 0) {
        ++it;
        continue;
      }
      Say(it->first +
          " is gone; what it held stays loaded until the node restarts");
      it = sources_.erase(it);
    }
  }

  void Tend(const std::string& name, Source& source) {
    const std::time_t now = std::time(nullptr);
    if (source.loaded && StillThere(source)) return;
    if (!source.loaded && now < source.retry) return;
    source.retry = now + kRetrySeconds;
    const std::string trouble = Load(name, source);
    if (!trouble.empty() && trouble != source.trouble) {
      Say(name + ": " + trouble);
    }
    source.trouble = trouble;
    source.loaded = trouble.empty();
  }

  std::string DigestOf(const std::string& profile) const {
    const auto it = kernel_.find(profile);
    return it == kernel_.end() ? "" : it->second;
  }

  bool StillThere(const Source& source) const {
    for (const auto& profile : source.profiles) {
      const std::string digest = DigestOf(profile);
      if (digest.empty() || Line(RecordOf(profile)) != digest) return false;
    }
    return true;
  }

  // These return what kept a file from being loaded; empty if nothing did.

  std::string Load(const std::string& name, Source& source) {
    if (source.profiles.empty()) {
      if (auto trouble = FindProfiles(source); !trouble.empty()) return trouble;
    }
    for (const auto& profile : source.profiles) {
      const std::string digest = DigestOf(profile);
      const std::string record = Line(RecordOf(profile));
      if (digest.empty() || record == digest || record == kBegun) continue;
      return record.empty() ? "refused: somebody else has loaded " + profile
                            : "refused: somebody else has replaced " + profile;
    }
    for (const auto& profile : source.profiles) {
      if (!Write(RecordOf(profile), kBegun)) {
        return std::string("cannot write in ") + kRecords + ": " +
               std::strerror(errno);
      }
    }
    const auto before = kernel_;
    const Ran parser = RunOnNode(
        {"apparmor_parser", "--replace", "--skip-cache"}, source.text);
    kernel_ = Loaded();
    std::string trouble;
    for (const auto& profile : source.profiles) {
      const auto was = before.find(profile);
      const std::string digest = DigestOf(profile);
      // The kernel has the last word: the parser has been seen to fail with
      // status 0.
      const bool changed = was == before.end() || was->second != digest;
      if (digest.empty()) {
        unlink(RecordOf(profile).c_str());
      } else {
        Write(RecordOf(profile), digest);
      }
      if (digest.empty() || (!changed && !parser.err.empty()) ||
          parser.status != 0) {
        trouble = "not loaded: " + LastLine(parser.err);
      } else if (changed) {
        Say((was == before.end() ? "loaded " : "replaced ") + profile +
            " (from " + name + ")");
      }
    }
    return trouble;
  }

  static std::string FindProfiles(Source& source) {
    const Ran names = RunOnNode({"apparmor_parser", "--names"}, source.text);
    if (names.status != 0) return "not a profile: " + LastLine(names.err);
    for (const auto& one : Lines(names.out)) {
      // A child goes with its parent.
      if (one.find("//") == std::string::npos) source.profiles.push_back(one);
    }
    return source.profiles.empty() ? "holds no profile" : "";
  }

  static std::string LastLine(const std::string& text) {
    const auto lines = Lines(text);
    return lines.empty() ? "the parser said nothing" : lines.back();
  }

  // For `loader ready`.
  void Report() {
    std::string text;
    bool ready = true;
    for (const auto& [name, source] : sources_) {
      ready = ready && source.loaded;
      for (const auto& profile : source.profiles) {
        text += (source.loaded ? "loaded " : "not loaded ") + profile + "\n";
      }
      if (!source.loaded) text += name + ": " + source.trouble + "\n";
    }
    text = (ready ? "ready\n" : "not ready\n") + text;
    if (text == status_) return;
    if (!Write(kStatus, text)) Say("cannot write " + std::string(kStatus));
    status_ = text;
  }

  std::map<std::string, std::string> kernel_;  ///< what it holds
  std::map<std::string, Source> sources_;      ///< by name of the file
  std::string status_;
};

// Why it cannot work here, or empty. A node without AppArmor, and a container
// that lacks what it needs, would otherwise look like profiles that fail.
std::string Unfit() {
  if (access(kPolicy, R_OK) != 0) {
    return std::string("no AppArmor policy at ") + kPolicy + " (" +
           std::strerror(errno) +
           "): the pod needs hostPID and privileged, the node AppArmor and "
           "securityfs";
  }
  const std::string label = Line("/proc/self/attr/current");
  if (label.compare(0, 10, "unconfined") != 0) {
    return "confined by " + label + ": the container must be unconfined";
  }
  if (mkdir(kRecords, 0755) != 0 && errno != EEXIST) {
    return std::string(kRecords) + ": " + std::strerror(errno);
  }
  return "";
}

int Run() {
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  sigaddset(&end, SIGINT);
  sigprocmask(SIG_BLOCK, &end, nullptr);
  if (const auto why = Unfit(); !why.empty()) {
    Say(why);
    return 1;
  }
  DropStaleRecords();
  Say("watching " + std::string(kProfiles));
  Loader loader;
  while (true) {
    loader.Round();
    const timespec pause{kPollSeconds, 0};
    const int signal = sigtimedwait(&end, nullptr, &pause);
    if (signal > 0) {
      Say(std::string("ending: ") + strsignal(signal));
      return 0;
    }
  }
}

int Ready() {
  std::string text;
  if (!probe::ReadFile(kStatus, text)) text = "not ready: not begun\n";
  std::fputs(text.c_str(), stdout);
  return text.compare(0, 6, "ready\n") == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string command = argc == 2 ? argv[1] : "";
  if (command == "run") return Run();
  if (command == "ready") return Ready();
  std::fprintf(stderr, "usage: loader run | ready\n");
  return 64;
}
