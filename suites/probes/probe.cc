// SPDX-License-Identifier: Apache-2.0
// Tries each act named on its command line, in order, and prints one JSON line
// for each: {"act":"create:/tmp/x","errno":13,"name":"EACCES"}. It exits 0
// whenever it got to the end, so that its exit status is left to say whether
// the probe itself survived.
//
//   label          the labels of this very process and of the container's
//                  first: {"act":"label","self":"...","first":"..."}
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
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
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
  waitpid(child, nullptr, 0);
  return error;
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
