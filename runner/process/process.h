// SPDX-License-Identifier: Apache-2.0
// Programs as children: run one to its end, or own one that goes on. The only
// place that knows Boost.Process.
//
// Every child leads a process group of its own and dies with this process
// (PR_SET_PDEATHSIG); all are started by one thread that lives as long as the
// program, because the kernel ties the death signal to the starting thread.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "runner/base/clock.h"
#include "runner/base/files.h"
#include "runner/base/result.h"

namespace lab {

/// What to run. Arguments are handed over as they are; no shell is involved.
struct Command {
  std::vector<std::string> argv;             ///< argv[0] is looked up on PATH
  std::map<std::string, std::string> env{};  ///< on top of our own environment
  Path directory{};                          ///< empty: ours
  std::string input{};                       ///< becomes its standard input
  /// Where stdout and stderr are appended; empty: captured by RunToEnd(),
  /// discarded by Process.
  Path log{};
  /// Of a Process, instead of `log`: a descriptor of the caller's, such as its
  /// own stderr.
  int output = -1;
  Duration timeout = 60s;
  /// False for cleaning up, which goes on after SIGINT and SIGTERM.
  bool stoppable = true;
  /// True for programs that start programs of their own (builds, suites): they
  /// run under `runner __guard`, which ends all descendants when this process
  /// ends, however it ends.
  bool guard = false;
};

/// How a child ended. Never an int: an exit status of 31 and a death by
/// SIGSYS (31) are different facts.
struct Ended {
  enum class How { kExited, kSignaled, kTimedOut };
  How how = How::kExited;
  int value = 0;  ///< exit status, or signal number

  bool ok() const { return how == How::kExited && value == 0; }
  /// "exit status 3", "signal 9 (Killed)", "no end within 60 s".
  std::string ToString() const;
};

struct Finished {
  Ended ended;
  std::string out;
  std::string err;
};

/// Runs to the end, or to the timeout (then the whole group is killed). An
/// Error only if it could not be started or the person interrupted.
Result<Finished> RunToEnd(const Command& command);

/// Like RunToEnd, but any end other than exit status 0 is an error that names
/// the command, how it ended and the last lines it said. Returns its stdout.
Result<std::string> RunOk(const Command& command);

/// A process number that cannot be mistaken for a later process of the same
/// number: pid plus start time (field 22 of /proc/PID/stat, in clock ticks).
struct ProcessId {
  pid_t pid = 0;
  unsigned long long start_time = 0;

  /// True if that very process still runs (a zombie does not).
  bool Alive() const;
  /// A descriptor that becomes readable when it ends (pidfd_open(2)), for
  /// processes of others too; -1 if it is gone.
  UniqueFd Open() const;
  static ProcessId Of(pid_t pid);
};

/// A child that goes on. Owned: the destructor ends it, and its group.
class Process {
 public:
  /// `command.timeout` and `command.input` are ignored.
  static Result<Process> Start(const Command& command);
  Process() = default;
  Process(Process&& other) noexcept;
  Process& operator=(Process&& other) noexcept;
  ~Process();

  const ProcessId& id() const { return id_; }
  const std::string& name() const { return name_; }
  /// A descriptor that becomes readable when the child ends, for poll(2).
  int fd() const { return pidfd_.get(); }
  bool Running();
  /// Waits for its end; nullopt-like kTimedOut if the deadline passes first.
  Ended Wait(Deadline deadline);
  /// SIGTERM to the group, SIGKILL after `grace`.
  void Stop(Duration grace);
  /// SIGKILL to the group, at once.
  void Kill();

 private:
  void Reap(int status);

  ProcessId id_;
  std::string name_;
  UniqueFd pidfd_;
  bool reaped_ = true;
  Ended ended_;
};

/// Ends a process that this program did not start (a lab's keeper): SIGTERM,
/// then SIGKILL after `grace`. Does nothing unless id.Alive().
void EndForeign(const ProcessId& id, Duration grace);

/// Path of a program on PATH (also in the sbin directories, which an ordinary
/// user's PATH may lack); empty if there is none.
Path FindProgram(const std::string& name);

/// The body of `runner __guard -- argv...`; returns its exit status.
int GuardMain(const std::vector<std::string>& argv);

}  // namespace lab
