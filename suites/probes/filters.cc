// SPDX-License-Identifier: Apache-2.0
#include "suites/probes/filters.h"

#include <elf.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/ptrace.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "suites/probes/json_line.h"
#include "suites/probes/proc_file.h"

namespace probe {
namespace {

enum Status { kDone = 0, kNothingThere = 2, kCannotTell = 3, kNotShown = 4 };

[[gnu::format(printf, 2, 3)]] Status Fail(Status status, const char* format,
                                          ...) {
  std::fputs("lab-node: ", stderr);
  va_list arguments;
  va_start(arguments, format);
  std::vfprintf(stderr, format, arguments);
  va_end(arguments);
  std::fputc('\n', stderr);
  return status;
}

// The program's ELF class; a kernel thread has no program, and one that may
// not be looked at is found out about by ptrace.
bool Is32Bit(const std::string& proc) {
  unsigned char ident[EI_NIDENT] = {};
  const int fd = open((proc + "/exe").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool whole = read(fd, ident, sizeof ident) == sizeof ident;
  close(fd);
  return whole && std::memcmp(ident, ELFMAG, SELFMAG) == 0 &&
         ident[EI_CLASS] == ELFCLASS32;
}

// A process that is traced, and stopped when Stop() says so; released at the
// end.
class Tracee {
 public:
  explicit Tracee(pid_t pid) : pid_(pid) {}
  ~Tracee() {
    // A process that did not stop cannot be detached; it is released when this
    // program ends, which is at once.
    if (stopped_) ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
  }

  // SEIZE and INTERRUPT leave no trace of the stop, as ATTACH's SIGSTOP would
  // (ptrace(2)).
  Status Stop() {
    if (ptrace(PTRACE_SEIZE, pid_, nullptr, nullptr) != 0) {
      if (errno == ESRCH) {
        return Fail(kNothingThere, "process %d has ended", pid_);
      }
      return Fail(kCannotTell, "may not trace process %d: %s", pid_,
                  std::strerror(errno));
    }
    if (ptrace(PTRACE_INTERRUPT, pid_, nullptr, nullptr) != 0) {
      return Fail(kNothingThere, "process %d has ended", pid_);
    }
    return Await();
  }

 private:
  // A process in an uninterruptible sleep may take its time.
  Status Await() {
    constexpr int kTries = 20000;  // at 100 us: 2 s, and more on a busy machine
    for (int i = 0; i < kTries; ++i) {
      int status = 0;
      const pid_t seen = waitpid(pid_, &status, WNOHANG | __WALL);
      if (seen == pid_ && WIFSTOPPED(status)) {
        stopped_ = true;
        return kDone;
      }
      if (seen == pid_ || (seen < 0 && errno != EINTR)) {
        return Fail(kNothingThere, "process %d has ended", pid_);
      }
      const timespec nap = {0, 100000};
      nanosleep(&nap, nullptr);
    }
    return Fail(kCannotTell, "process %d does not stop; it was left alone",
                pid_);
  }

  pid_t pid_;
  bool stopped_ = false;
};

void* Index(unsigned long index) { return reinterpret_cast<void*>(index); }

long Instructions(pid_t pid, unsigned long index, sock_filter* into) {
  return ptrace(static_cast<__ptrace_request>(PTRACE_SECCOMP_GET_FILTER), pid,
                Index(index), into);
}

// The flags of a filter: SECCOMP_FILTER_FLAG_LOG is the only one that stays.
// Kernels before 4.16 do not tell.
bool Logs(pid_t pid, unsigned long index) {
  __ptrace_seccomp_metadata data{};
  data.filter_off = index;
  const long read =
      ptrace(static_cast<__ptrace_request>(PTRACE_SECCOMP_GET_METADATA), pid,
             Index(sizeof data), &data);
  return read == sizeof data && (data.flags & SECCOMP_FILTER_FLAG_LOG) != 0;
}

void Print(unsigned long index, bool log,
           const std::vector<sock_filter>& program) {
  std::string digits;
  digits.reserve(program.size() * 16);
  for (const sock_filter& one : program) {
    char buffer[17];
    std::snprintf(buffer, sizeof buffer, "%04x%02x%02x%08x", one.code, one.jt,
                  one.jf, one.k);
    digits += buffer;
  }
  JsonLine()
      .Add("filter", static_cast<long long>(index))
      .Add("log", log ? 1LL : 0LL)
      .Add("program", digits)
      .Print();
}

// Why the kernel does not show a filter (kernel/seccomp.c,
// seccomp_get_filter(); without CONFIG_CHECKPOINT_RESTORE it is a stub).
Status WhyNot(int error, pid_t pid) {
  const std::string self = ReadFile("/proc/self/status");
  switch (error) {
    case ESRCH:
      return Fail(kNothingThere, "process %d has ended", pid);
    case EACCES:
      if (StatusField(self, "Seccomp") != "0") {
        return Fail(kCannotTell,
                    "this program runs under a seccomp filter itself; the "
                    "kernel shows filters only to processes without");
      }
      return Fail(kCannotTell,
                  "may not read filters: CAP_SYS_ADMIN of the initial user "
                  "namespace is needed");
    case EMEDIUMTYPE:
      return Fail(kNotShown, "a filter of process %d cannot be shown", pid);
    case EINVAL:
    case EIO:
      return Fail(kNotShown,
                  "this kernel does not show filters (it is built without "
                  "CONFIG_CHECKPOINT_RESTORE)");
    default:
      return Fail(kCannotTell, "cannot read a filter of process %d: %s", pid,
                  std::strerror(error));
  }
}

struct Filter {
  bool log;
  std::vector<sock_filter> program;
};

// The process stops only for this: printing comes afterwards.
Status Read(pid_t pid, std::vector<Filter>& filters) {
  Tracee tracee(pid);
  if (const Status stopped = tracee.Stop(); stopped != kDone) return stopped;
  for (unsigned long index = 0;; ++index) {
    const long length = Instructions(pid, index, nullptr);
    if (length < 0 && errno == ENOENT) return kDone;
    if (length < 0) return WhyNot(errno, pid);
    std::vector<sock_filter> program(static_cast<std::size_t>(length));
    if (Instructions(pid, index, program.data()) != length) {
      return WhyNot(errno, pid);
    }
    filters.push_back({Logs(pid, index), std::move(program)});
  }
}

}  // namespace

int Filters(const char* text) {
  char* end = nullptr;
  errno = 0;
  const long number = std::strtol(text, &end, 10);
  const auto pid = static_cast<pid_t>(number);
  if (errno != 0 || *text == '\0' || *end != '\0' || number <= 0 ||
      pid != number) {
    return Fail(kNothingThere, "\"%s\" is no process number", text);
  }
  const std::string proc = "/proc/" + std::to_string(pid);
  const std::string status = ReadFile(proc + "/status");
  const std::string state = StatusField(status, "State");
  if (state.empty()) return Fail(kNothingThere, "no process %d", pid);
  if (state[0] == 'Z' || state[0] == 'X') {
    return Fail(kNothingThere, "process %d has ended (it is a zombie)", pid);
  }
  if (Is32Bit(proc)) {
    return Fail(kNothingThere,
                "process %d is a 32-bit program; only those of this "
                "machine's own architecture are supported",
                pid);
  }
  const std::string mode = StatusField(status, "Seccomp");
  std::vector<Filter> filters;
  if (mode == "2") {
    const Status read = Read(pid, filters);
    if (read != kDone) return read;
  }
  utsname system{};
  uname(&system);
  JsonLine()
      .Add("pid", static_cast<long long>(pid))
      .Add("comm", StatusField(status, "Name"))
      .Add("kernel", system.release)
      .Add("seccomp", mode)
      .Add("no-new-privs", StatusField(status, "NoNewPrivs"))
      .Add("capabilities", StatusField(status, "CapBnd"))
      .Print();
  for (std::size_t i = 0; i < filters.size(); ++i) {
    Print(i, filters[i].log, filters[i].program);
  }
  return kDone;
}

}  // namespace probe
