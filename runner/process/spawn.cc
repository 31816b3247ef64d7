// SPDX-License-Identifier: Apache-2.0
#include "runner/process/spawn.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <boost/process/args.hpp>
#include <boost/process/child.hpp>
#include <boost/process/env.hpp>
#include <boost/process/environment.hpp>
#include <boost/process/exe.hpp>
#include <boost/process/extend.hpp>
#include <boost/process/handles.hpp>
#include <boost/process/posix.hpp>
#include <boost/process/start_dir.hpp>
#include <future>
#include <mutex>
#include <queue>
#include <thread>

#include "runner/process/own_program.h"

namespace lab::process {
namespace {

namespace bp = boost::process;

// Runs what it is given, in order, on one thread that never ends.
class Spawner {
 public:
  static Spawner& Instance() {
    static auto* instance = new Spawner;  // outlives every child
    return *instance;
  }

  Result<pid_t> Do(std::function<Result<pid_t>()> start) {
    std::packaged_task<Result<pid_t>()> task(std::move(start));
    auto result = task.get_future();
    {
      const std::lock_guard lock(mutex_);
      tasks_.push(std::move(task));
    }
    wake_.notify_one();
    return result.get();
  }

 private:
  Spawner() {
    std::thread([this] {
      while (true) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return !tasks_.empty(); });
        auto task = std::move(tasks_.front());
        tasks_.pop();
        lock.unlock();
        task();
      }
    }).detach();
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::queue<std::packaged_task<Result<pid_t>()>> tasks_;
};

// Between fork and exec: async-signal-safe calls only.
struct InChild : bp::extend::handler {
  explicit InChild(pid_t parent) : parent_(parent) {}

  template <typename Executor>
  void on_exec_setup(Executor&) const {
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent_) ::_exit(127);  // the parent died meanwhile
    ::signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
  }

 private:
  pid_t parent_;
};

Result<pid_t> Start(const std::vector<std::string>& argv,
                    const Command& command, const Stdio& stdio) {
  const Path program = argv[0].find('/') == std::string::npos
                           ? FindProgram(argv[0])
                           : Path(argv[0]);
  if (program.empty()) {
    return Error{fmt::format("{}: no such program on PATH", argv[0])};
  }
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const auto or_null = [&](int fd) { return fd >= 0 ? fd : null.get(); };
  bp::environment env = boost::this_process::environment();
  for (const auto& [name, value] : command.env) env[name] = value;
  const std::vector<std::string> args(argv.begin() + 1, argv.end());
  const std::string directory =
      command.directory.empty() ? "." : command.directory.string();
  std::error_code code;
  bp::child child(
      bp::exe = program.string(), bp::args = args, env,
      bp::start_dir = directory, bp::posix::fd.bind(0, or_null(stdio.in)),
      bp::posix::fd.bind(1, or_null(stdio.out)),
      bp::posix::fd.bind(2, or_null(stdio.err)), InChild(::getpid()), code);
  if (code) {
    return Error{fmt::format("start {}: {}", program.string(), code.message())};
  }
  const pid_t pid = child.id();
  child.detach();  // reaped through its pidfd, see process.cc
  return pid;
}

}  // namespace

Result<pid_t> Spawn(const Command& command, const Stdio& stdio) {
  if (command.argv.empty()) return Error{"start: empty command"};
  std::vector<std::string> argv = command.argv;
  if (command.guard) {
    argv.insert(argv.begin(), {OwnCommand(), "__guard", "--"});
  }
  return Spawner::Instance().Do([&] { return Start(argv, command, stdio); });
}

}  // namespace lab::process
