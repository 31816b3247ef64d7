// SPDX-License-Identifier: Apache-2.0
// A lab that outlives its command has a process of its own that owns it: the
// keeper. It tells its news to the command that started it until the lab is
// up, then serves requests (`runner lab save`) until SIGTERM (`runner lab
// down`).
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runner/base/stop.h"
#include "runner/base/unique_fd.h"
#include "runner/cli/commands.h"
#include "runner/cli/keeper_requests.h"
#include "runner/cli/news.h"
#include "runner/cli/provision.h"
#include "runner/cli/saved_provision.h"
#include "runner/lab/store.h"
#include "runner/process/own_program.h"

namespace lab {
namespace {

Result<std::unique_ptr<Lab>> Provide(const Context& context,
                                     const LabCommandOptions& options,
                                     Progress& progress) {
  if (!options.from_saved.empty()) {
    return ProvideSavedLab(context, options.from_saved, options.name, progress);
  }
  LAB_TRY(const auto plan, PlanLab(context, options.lab));
  LAB_TRY(const auto parts,
          ProvidePlannedParts(context, options.lab, plan, progress));
  return ProvisionLab(context, options.lab, plan, parts, options.name,
                      progress);
}

Result<std::unique_ptr<Lab>> BringUp(const Context& context,
                                     const LabCommandOptions& options,
                                     Progress& progress) {
  const LabStore store(context.cache);
  const Path directory = store.DirectoryOf(options.name);
  // What a keeper that was killed left behind.
  if (const auto old = store.Find(options.name); old && !old->owner.Alive()) {
    LAB_CHECK_OK(store.Down(options.name));
  }
  auto lab = Provide(context, options, progress);
  if (lab) return lab;
  if (lab.error().kind == ErrorKind::kInterrupted ||
      lab.error().kind == ErrorKind::kUsage) {
    store.Forget(options.name);
    return lab;
  }
  return Error{fmt::format("{}\n  logs: {} (until `runner lab gc`)",
                           lab.error().what, (directory / "logs").string()),
               lab.error().kind};
}

std::vector<std::string> KeeperCommand(const LabCommandOptions& options,
                                       int news_fd) {
  std::vector<std::string> argv = {OwnCommand(), "__keep",
                                   "--news-fd",  std::to_string(news_fd),
                                   "--name",     options.name};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) argv.insert(argv.end(), {name, value});
  };
  add("--lab", options.lab.lab);
  add("--kubernetes", options.lab.kubernetes);
  add("--node-os", options.lab.node_os);
  add("--config", options.lab.config);
  add("--suite", options.lab.suite);
  add("--runtime", options.lab.runtime);
  add("--accel", options.lab.accel);
  add("--node-image", options.lab.node_image);
  add("--from-saved", options.from_saved);
  add("--debian-mirror", options.lab.debian_mirror);
  if (options.lab.offline) argv.push_back("--offline");
  return argv;
}

// Not Process: a keeper must outlive this process.
pid_t Detach(const std::vector<std::string>& argv, int news_fd) {
  std::vector<char*> raw;
  for (const auto& argument : argv) {
    raw.push_back(const_cast<char*>(argument.c_str()));
  }
  raw.push_back(nullptr);
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::setsid();
  const int null = ::open("/dev/null", O_RDWR);
  for (const int fd : {0, 1, 2}) ::dup2(null, fd);
  // What the caller left open (a lock, a pipe) must not stay so with the lab.
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  ::fcntl(news_fd, F_SETFD, 0);
  ::execv(raw[0], raw.data());
  ::_exit(127);
}

}  // namespace

Status StartKeeper(const LabCommandOptions& options, Progress& progress) {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return Error{"pipe for the keeper"};
  const UniqueFd read_end(fds[0]);
  UniqueFd write_end(fds[1]);
  const pid_t keeper = Detach(KeeperCommand(options, fds[1]), fds[1]);
  if (keeper < 0) return Error{"start the keeper of the lab"};
  write_end.Reset();
  const auto id = ProcessId::Of(keeper);
  const Status outcome = FollowNews(read_end.get(), progress);
  if (!outcome && outcome.error().kind == ErrorKind::kInterrupted) {
    EndForeign(id, 5s);
    ::waitpid(keeper, nullptr, 0);
  }
  return outcome;
}

ExitCode Keep(const Context& context, const LabCommandOptions& options,
              int news_fd) {
  NewsWriter news(news_fd);
  auto lab = BringUp(context, options, news);
  if (!lab) {
    news.Failed(lab.error());
    return ExitCodeFor(lab.error());
  }
  const auto requests = KeeperRequests::Listen((*lab)->file().directory);
  if (!requests) {
    news.Failed(requests.error());
    return ExitCodeFor(requests.error());
  }
  news.Done();
  ::close(news_fd);
  while (!stop::Requested()) {
    pollfd fds[] = {{stop::Fd(), POLLIN, 0}, {requests->fd(), POLLIN, 0}};
    ::poll(fds, 2, -1);
    if (fds[1].revents != 0) requests->Serve(context, **lab);
  }
  // Nobody hears this process; `lab down` does what it could not.
  const auto down = (*lab)->Down();
  return down ? ExitCode::kOk : ExitCodeFor(down.error());
}

}  // namespace lab
