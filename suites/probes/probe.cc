// SPDX-License-Identifier: Apache-2.0
// Tries each act named on its command line, in order, and prints one JSON line
// for each: {"act":"create:/tmp/x","errno":13,"name":"EACCES"}. It exits 0
// whenever it got to the end, so that its exit status is left to say whether
// the probe itself survived.
//
//   label          AppArmor's label and the seccomp state of this very process
//                  and of the container's first, the latter as mode/filters:
//                  {"act":"label","self":"...","first":"...",
//                   "self_seccomp":"2/1","first_seccomp":"2/1"}
//   read:PATH      open(2) for reading, and one read(2)
//   write:PATH     open(2) an existing file for writing
//   create:PATH    open(2) with O_CREAT | O_EXCL; removed again
//   mkdir:PATH     mkdir(2); removed again
//   list:PATH      open(2) a directory
//   exec:PATH      execve(2) in a child; errno is execve's own
//   capability:NAME      no act: EPERM if CapEff of /proc/self/status lacks it
//                        (chown, sys_admin)
//   chown:PATH           chown(2) of a file that is made there, and removed
//   socket:FAMILY/TYPE   socket(2): inet, inet6, unix; stream, dgram
//   mount:PATH           mount(2) of a tmpfs there; unmounted again
//   userns               unshare(2) of the user namespace, in a child
//   hostname             sethostname(2) to the name that it has
//   chmod:PATH           chmod(2) of a file that is made there, and removed;
//   fchmod:PATH          the same by the other calls that do it
//   fchmodat:PATH
//   fchmodat2:PATH
//   stacked:NAME         as syscall:NAME, by a child that has put a filter of
//                        its own above those it has, which refuses that call
//                        with EUSERS, an errno that no other filter uses
//   syscall:NAME         the call with all arguments zero, in a child: what
//                        comes before a look at the arguments (a filter) can
//                        be told from what comes after; SIGNAL + 1000 if it
//                        did not survive the call
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string>

#include "suites/probes/json_line.h"

namespace {

int CloseAfter(int fd) {
  if (fd < 0) return errno;
  close(fd);
  return 0;
}

int Read(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  char byte = 0;
  const int error = read(fd, &byte, 1) < 0 ? errno : 0;
  close(fd);
  return error;
}

int Create(const char* path) {
  const int error = CloseAfter(open(path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  if (error == 0) unlink(path);
  return error;
}

int Mkdir(const char* path) {
  if (mkdir(path, 0700) != 0) return errno;
  rmdir(path);
  return 0;
}

int Write(const char* path) {
  return CloseAfter(open(path, O_WRONLY | O_CLOEXEC));
}

int ListDirectory(const char* path) {
  return CloseAfter(open(path, O_RDONLY | O_DIRECTORY));
}

// What `act` comes to in a child. The pipe closes when it ends or becomes
// another program; otherwise it carries the errno.
constexpr int kKilledBy = 1000;  // plus the signal

template <typename Act>
int InChild(Act act) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return errno;
  const pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    const int error = act();
    if (error != 0) (void)!write(fds[1], &error, sizeof error);
    _exit(127);
  }
  close(fds[1]);
  int error = 0;
  if (read(fds[0], &error, sizeof error) <= 0) error = 0;
  close(fds[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? kKilledBy + WTERMSIG(status) : error;
}

int Exec(const char* path) {
  return InChild([path] {
    const int null = open("/dev/null", O_RDWR);
    if (null >= 0) {
      dup2(null, 0);
      dup2(null, 1);
      dup2(null, 2);
    }
    char* const argv[] = {const_cast<char*>(path), nullptr};
    char* const environment[] = {nullptr};
    execve(path, argv, environment);
    return errno;
  });
}

struct Word {
  const char* word;
  int number;
};

// The number of a word; -1 if the table does not have it.
template <std::size_t N>
int Number(const Word (&words)[N], const std::string& word) {
  for (const auto& one : words) {
    if (word == one.word) return one.number;
  }
  return -1;
}

int Capability(const char* name) {
  constexpr Word kCapabilities[] = {{"chown", CAP_CHOWN},
                                    {"sys_admin", CAP_SYS_ADMIN}};
  const int number = Number(kCapabilities, name);
  if (number < 0) return EINVAL;
  // Not capget(2): AppArmor leaves out what the profile does not allow.
  std::FILE* status = std::fopen("/proc/self/status", "re");
  if (status == nullptr) return errno;
  unsigned long long effective = 0;
  bool found = false;
  char line[256];
  while (!found && std::fgets(line, sizeof line, status) != nullptr) {
    found = std::sscanf(line, "CapEff: %llx", &effective) == 1;
  }
  std::fclose(status);
  if (!found) return EIO;
  return (effective >> number & 1) != 0 ? 0 : EPERM;
}

int Chown(const char* path) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  close(fd);
  const int error = chown(path, 1, 1) == 0 ? 0 : errno;
  unlink(path);
  return error;
}

int Socket(const char* family_and_type) {
  constexpr Word kFamilies[] = {
      {"inet", AF_INET}, {"inet6", AF_INET6}, {"unix", AF_UNIX}};
  constexpr Word kTypes[] = {{"stream", SOCK_STREAM}, {"dgram", SOCK_DGRAM}};
  const std::string both = family_and_type;
  const auto slash = both.find('/');
  if (slash == std::string::npos) return EINVAL;
  const int family = Number(kFamilies, both.substr(0, slash));
  const int type = Number(kTypes, both.substr(slash + 1));
  if (family < 0 || type < 0) return EINVAL;
  return CloseAfter(socket(family, type | SOCK_CLOEXEC, 0));
}

int Mount(const char* path) {
  if (mount("lab", path, "tmpfs", 0, nullptr) != 0) return errno;
  umount(path);
  return 0;
}

int UserNamespace(const char*) {
  return InChild([] { return unshare(CLONE_NEWUSER) == 0 ? 0 : errno; });
}

int Hostname(const char*) {
  char name[65];
  if (gethostname(name, sizeof name) != 0) return errno;
  return sethostname(name, std::strlen(name)) == 0 ? 0 : errno;
}

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

// Raw calls: the C library takes whichever it likes for each of its functions.
template <typename Call>
int ChangeMode(const char* path, Call call) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  const int error = call(fd) == 0 ? 0 : errno;
  close(fd);
  unlink(path);
  return error;
}

int Chmod(const char* path) {
  return ChangeMode(path, [&](int) { return syscall(SYS_chmod, path, 0640); });
}

int Fchmod(const char* path) {
  return ChangeMode(path, [](int fd) { return syscall(SYS_fchmod, fd, 0640); });
}

int Fchmodat(const char* path) {
  return ChangeMode(
      path, [&](int) { return syscall(SYS_fchmodat, AT_FDCWD, path, 0640); });
}

int Fchmodat2(const char* path) {
  return ChangeMode(path, [&](int) {
    return syscall(SYS_fchmodat2, AT_FDCWD, path, 0640, 0);
  });
}

// Calls that do nothing with all arguments zero.
constexpr Word kCalls[] = {{"add_key", SYS_add_key},
                           {"bpf", SYS_bpf},
                           {"chmod", SYS_chmod},
                           {"clone3", SYS_clone3},
                           {"getpid", SYS_getpid},
                           {"io_uring_setup", SYS_io_uring_setup},
                           {"keyctl", SYS_keyctl},
                           {"perf_event_open", SYS_perf_event_open},
                           {"request_key", SYS_request_key},
                           {"settimeofday", SYS_settimeofday},
                           {"syslog", SYS_syslog},
                           {"userfaultfd", SYS_userfaultfd}};

int Syscall(const char* name) {
  const int number = Number(kCalls, name);
  if (number < 0) return EINVAL;
  return InChild(
      [number] { return syscall(number, 0, 0, 0, 0, 0, 0) < 0 ? errno : 0; });
}

int Stacked(const char* name) {
  const int number = Number(kCalls, name);
  if (number < 0) return EINVAL;
  return InChild([number] {
    sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(number), 0,
                 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EUSERS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    sock_fprog filter{sizeof program / sizeof *program, program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) return errno;
    return syscall(number, 0, 0, 0, 0, 0, 0) < 0 ? errno : 0;
  });
}

// "2/1": SECCOMP_MODE_FILTER by one filter (proc(5)); an errno's name if the
// file cannot be read.
std::string ReadSeccomp(const char* path) {
  std::FILE* status = std::fopen(path, "re");
  if (status == nullptr) return strerrorname_np(errno);
  int mode = -1;
  int filters = -1;
  char line[256];
  while (std::fgets(line, sizeof line, status) != nullptr) {
    (void)std::sscanf(line, "Seccomp: %d", &mode);
    (void)std::sscanf(line, "Seccomp_filters: %d", &filters);
  }
  std::fclose(status);
  return std::to_string(mode) + "/" + std::to_string(filters);
}

// The text of an attr file, or the errno's name in its place.
std::string ReadLabel(const char* path) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  char text[4096];
  const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
  if (n < 0) return strerrorname_np(errno);
  close(fd);
  std::string label(text, static_cast<std::size_t>(n));
  while (!label.empty() && (label.back() == '\n' || label.back() == '\0')) {
    label.pop_back();
  }
  return label;
}

int PrintLabel() {
  probe::JsonLine()
      .Add("act", "label")
      .Add("self", ReadLabel("/proc/self/attr/current"))
      .Add("first", ReadLabel("/proc/1/attr/current"))
      .Add("self_seccomp", ReadSeccomp("/proc/self/status"))
      .Add("first_seccomp", ReadSeccomp("/proc/1/status"))
      .Print();
  return 0;
}

struct Verb {
  const char* name;
  int (*act)(const char* argument);  // 0 or an errno
};

constexpr Verb kVerbs[] = {
    {"read", Read},
    {"write", Write},
    {"create", Create},
    {"mkdir", Mkdir},
    {"list", ListDirectory},
    {"exec", Exec},
    {"capability", Capability},
    {"chown", Chown},
    {"socket", Socket},
    {"mount", Mount},
    {"userns", UserNamespace},
    {"hostname", Hostname},
    {"chmod", Chmod},
    {"fchmod", Fchmod},
    {"fchmodat", Fchmodat},
    {"fchmodat2", Fchmodat2},
    {"stacked", Stacked},
    {"syscall", Syscall},
};

const Verb* FindVerb(const std::string& name) {
  for (const auto& verb : kVerbs) {
    if (name == verb.name) return &verb;
  }
  return nullptr;
}

int Try(const std::string& act) {
  if (act == "label") return PrintLabel();
  const auto colon = act.find(':');
  const Verb* verb = FindVerb(act.substr(0, colon));
  if (verb == nullptr) {
    std::fprintf(stderr, "probe: unknown act %s\n", act.c_str());
    return 64;
  }
  const int error =
      verb->act(colon == std::string::npos ? "" : act.c_str() + colon + 1);
  const char* name = error == 0 ? "OK" : strerrorname_np(error);
  probe::JsonLine()
      .Add("act", act)
      .Add("errno", error)
      .Add("name", name != nullptr ? name : "unknown")
      .Print();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (const int status = Try(argv[i]); status != 0) return status;
  }
  return argc > 1 ? 0 : 64;
}
