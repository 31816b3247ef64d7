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
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
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

// The pipe closes with a successful execve; otherwise it carries the errno.
int Exec(const char* path) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return errno;
  const pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    const int null = open("/dev/null", O_RDWR);
    if (null >= 0) {
      dup2(null, 0);
      dup2(null, 1);
      dup2(null, 2);
    }
    char* const argv[] = {const_cast<char*>(path), nullptr};
    char* const environment[] = {nullptr};
    execve(path, argv, environment);
    const int error = errno;
    (void)!write(fds[1], &error, sizeof error);
    _exit(127);
  }
  close(fds[1]);
  int error = 0;
  if (read(fds[0], &error, sizeof error) <= 0) error = 0;
  close(fds[0]);
  waitpid(child, nullptr, 0);
  return error;
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

int Try(const std::string& act) {
  if (act == "label") return PrintLabel();
  const auto colon = act.find(':');
  const std::string what = act.substr(0, colon);
  const std::string path =
      colon == std::string::npos ? "" : act.substr(colon + 1);
  int error = 0;
  if (what == "read") {
    error = Read(path.c_str());
  } else if (what == "write") {
    error = CloseAfter(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  } else if (what == "create") {
    error = Create(path.c_str());
  } else if (what == "mkdir") {
    error = Mkdir(path.c_str());
  } else if (what == "list") {
    error = CloseAfter(open(path.c_str(), O_RDONLY | O_DIRECTORY));
  } else if (what == "exec") {
    error = Exec(path.c_str());
  } else {
    std::fprintf(stderr, "probe: unknown act %s\n", act.c_str());
    return 64;
  }
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
