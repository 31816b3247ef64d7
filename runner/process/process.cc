// SPDX-License-Identifier: Apache-2.0
#include "runner/process/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <sstream>

#include "runner/base/stop.h"
#include "runner/base/text.h"
#include "runner/process/spawn.h"

namespace lab {
namespace {

int PidfdOpen(pid_t pid) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

Ended FromStatus(int status) {
  if (WIFSIGNALED(status)) {
    return {Ended::How::kSignaled, WTERMSIG(status)};
  }
  return {Ended::How::kExited, WEXITSTATUS(status)};
}

int PollTimeout(Duration left) {
  return static_cast<int>(std::min<Duration::rep>(left.count() + 1, 1 << 30));
}

struct Pipe {
  UniqueFd read;
  UniqueFd write;
  static Result<Pipe> Make() {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC) != 0) {
      return Error{fmt::format("pipe: {}", std::strerror(errno))};
    }
    return Pipe{UniqueFd(fds[0]), UniqueFd(fds[1])};
  }
};

// Standard input from memory: a sealed file never blocks the writer.
Result<UniqueFd> InputFd(const std::string& input) {
  UniqueFd fd(static_cast<int>(::syscall(SYS_memfd_create, "stdin", 1u)));
  if (!fd.valid() ||
      ::write(fd.get(), input.data(), input.size()) !=
          static_cast<ssize_t>(input.size()) ||
      ::lseek(fd.get(), 0, SEEK_SET) != 0) {
    return Error{fmt::format("standard input: {}", std::strerror(errno))};
  }
  return fd;
}

Result<UniqueFd> LogFd(const Path& log) {
  UniqueFd fd(
      ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!fd.valid()) {
    return Error{
        fmt::format("open log {}: {}", log.string(), std::strerror(errno))};
  }
  return fd;
}

// Appends what is there; false at end of file.
bool Drain(int fd, std::string& into) {
  char buffer[1 << 16];
  const ssize_t n = ::read(fd, buffer, sizeof buffer);
  if (n > 0) into.append(buffer, static_cast<std::size_t>(n));
  return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

void KillGroup(pid_t pid, int signal) {
  if (::kill(-pid, signal) != 0) ::kill(pid, signal);
}

Ended ReapNow(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return FromStatus(status);
}

// What RunToEnd() waits on: the child's two pipes, its end, the person's wish.
struct Watch {
  pid_t pid;
  Deadline deadline;
  bool stoppable;
};

enum class Outcome { kEnded, kTimedOut, kInterrupted };

Outcome Collect(const Watch& watch, UniqueFd& out, UniqueFd& err,
                Finished& finished) {
  const UniqueFd pidfd(PidfdOpen(watch.pid));
  bool ended = false;
  while (true) {
    pollfd fds[] = {{out.get(), POLLIN, 0},
                    {err.get(), POLLIN, 0},
                    {ended ? -1 : pidfd.get(), POLLIN, 0},
                    {watch.stoppable ? stop::Fd() : -1, POLLIN, 0}};
    // A grandchild may hold the pipes open; half a second after the child's
    // own end nobody waits for it any longer.
    const int timeout = ended ? 500 : PollTimeout(watch.deadline.Left());
    const int n = ::poll(fds, 4, timeout);
    if (n < 0 && errno == EINTR) continue;
    if (fds[3].revents != 0 && !ended) return Outcome::kInterrupted;
    if (n == 0) return ended ? Outcome::kEnded : Outcome::kTimedOut;
    if (fds[0].revents != 0 && !Drain(out.get(), finished.out)) out.Reset();
    if (fds[1].revents != 0 && !Drain(err.get(), finished.err)) err.Reset();
    if (fds[2].revents != 0) ended = true;
    if (ended && !out.valid() && !err.valid()) return Outcome::kEnded;
    if (watch.deadline.Passed() && !ended) return Outcome::kTimedOut;
  }
}

}  // namespace

std::string Ended::ToString() const {
  switch (how) {
    case How::kExited:
      return fmt::format("exit status {}", value);
    case How::kSignaled:
      return fmt::format("signal {} ({})", value, ::strsignal(value));
    case How::kTimedOut:
      return "no end in time";
  }
  return "";
}

Result<Finished> RunToEnd(const Command& command) {
  LAB_TRY(auto out, Pipe::Make());
  LAB_TRY(auto err, Pipe::Make());
  UniqueFd in;
  if (!command.input.empty()) {
    LAB_TRY(in, InputFd(command.input));
  }
  UniqueFd log;
  if (!command.log.empty()) {
    LAB_TRY(log, LogFd(command.log));
  }
  const process::Stdio stdio{in.get(),
                             log.valid() ? log.get() : out.write.get(),
                             log.valid() ? log.get() : err.write.get()};
  LAB_TRY(const pid_t pid, process::Spawn(command, stdio));
  out.write.Reset();
  err.write.Reset();
  Finished finished;
  const Watch watch{pid, Deadline::In(command.timeout), command.stoppable};
  const Outcome outcome = Collect(watch, out.read, err.read, finished);
  if (outcome != Outcome::kEnded) {
    // A guard needs a moment to end what it guards.
    KillGroup(pid, command.guard ? SIGTERM : SIGKILL);
  }
  finished.ended = ReapNow(pid);
  KillGroup(pid, SIGKILL);  // what the child left behind in its group
  if (outcome == Outcome::kInterrupted) {
    return Error{command.argv[0] + ": interrupted", ErrorKind::kInterrupted};
  }
  if (outcome == Outcome::kTimedOut) {
    finished.ended = {Ended::How::kTimedOut, 0};
  }
  return finished;
}

Result<std::string> RunOk(const Command& command) {
  LAB_TRY(auto finished, RunToEnd(command));
  if (finished.ended.ok()) return std::move(finished.out);
  std::string said(Trim(finished.err));
  if (said.empty()) said = Trim(finished.out);
  if (said.empty() && !command.log.empty()) {
    said = "its log is " + command.log.string();
  }
  const auto what = fmt::format("{}: {}{}{}", ShellQuote(command.argv),
                                finished.ended.ToString(),
                                said.empty() ? "" : ": ", LastLines(said, 5));
  return finished.ended.how == Ended::How::kTimedOut ? TimeoutError(what)
                                                     : Error{what};
}

bool ProcessId::Alive() const {
  if (pid <= 0) return false;
  const auto now = Of(pid);
  return now.start_time != 0 && now.start_time == start_time;
}

UniqueFd ProcessId::Open() const {
  UniqueFd fd(PidfdOpen(pid));
  return Alive() ? std::move(fd) : UniqueFd();
}

ProcessId ProcessId::Of(pid_t pid) {
  const auto stat = ReadFile(fmt::format("/proc/{}/stat", pid));
  if (!stat) return {pid, 0};
  // The name in parentheses may hold anything; fields start behind the last.
  const auto end = stat->rfind(')');
  if (end == std::string::npos) return {pid, 0};
  const auto fields = Split(Trim(std::string_view(*stat).substr(end + 1)), ' ');
  constexpr std::size_t kState = 0, kStartTime = 19;
  if (fields.size() <= kStartTime || fields[kState] == "Z") return {pid, 0};
  return {pid, std::stoull(fields[kStartTime])};
}

Result<Process> Process::Start(const Command& command) {
  UniqueFd log;
  if (!command.log.empty()) {
    LAB_TRY(log, LogFd(command.log));
  }
  const int output = log.valid() ? log.get() : command.output;
  LAB_TRY(const pid_t pid, process::Spawn(command, {-1, output, output}));
  Process process;
  process.id_ = ProcessId::Of(pid);
  process.name_ = Path(command.argv[0]).filename().string();
  process.pidfd_ = UniqueFd(PidfdOpen(pid));
  process.reaped_ = false;
  return process;
}

Process::Process(Process&& other) noexcept { *this = std::move(other); }

Process& Process::operator=(Process&& other) noexcept {
  if (this == &other) return *this;
  Kill();
  id_ = other.id_;
  name_ = std::move(other.name_);
  pidfd_ = std::move(other.pidfd_);
  reaped_ = std::exchange(other.reaped_, true);
  ended_ = other.ended_;
  return *this;
}

Process::~Process() { Kill(); }

bool Process::Running() {
  if (reaped_) return false;
  int status = 0;
  if (::waitpid(id_.pid, &status, WNOHANG) == id_.pid) Reap(status);
  return !reaped_;
}

void Process::Reap(int status) {
  reaped_ = true;
  ended_ = FromStatus(status);
}

Ended Process::Wait(Deadline deadline) {
  while (Running()) {
    pollfd fd{pidfd_.get(), POLLIN, 0};
    const int n = ::poll(&fd, 1, PollTimeout(deadline.Left()));
    if (n == 0 && deadline.Passed()) return {Ended::How::kTimedOut, 0};
  }
  return ended_;
}

void Process::Stop(Duration grace) {
  if (!Running()) return;
  KillGroup(id_.pid, SIGTERM);
  if (Wait(Deadline::In(grace)).how == Ended::How::kTimedOut) Kill();
}

void Process::Kill() {
  if (reaped_) return;
  KillGroup(id_.pid, SIGKILL);
  ended_ = ReapNow(id_.pid);
  reaped_ = true;
}

void EndForeign(const ProcessId& id, Duration grace) {
  // Only while the descriptor holds the process can the check not race.
  const UniqueFd pidfd = id.Open();
  if (!pidfd.valid()) return;
  const auto send = [&](int signal) {
    ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0);
  };
  const auto wait = [&](Duration time) {
    pollfd fd{pidfd.get(), POLLIN, 0};
    return ::poll(&fd, 1, PollTimeout(time)) == 1;
  };
  if (grace > 0ms) {
    send(SIGTERM);
    if (wait(grace)) return;
  }
  send(SIGKILL);
  wait(5s);
}

Path FindProgram(const std::string& name) {
  const char* path = ::getenv("PATH");
  std::string search = path != nullptr ? path : "";
  search += ":/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";
  for (const auto& directory : Split(search, ':')) {
    if (directory.empty()) continue;
    const Path candidate = Path(directory) / name;
    if (::access(candidate.c_str(), X_OK) == 0 &&
        !std::filesystem::is_directory(candidate)) {
      return candidate;
    }
  }
  return {};
}

}  // namespace lab
