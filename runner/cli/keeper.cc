// SPDX-License-Identifier: Apache-2.0
// A lab that outlives its command has a process of its own that owns it: the
// keeper. It tells its news to the command that started it until the lab is
// up, then goes on until SIGTERM (`runner lab down`).
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mutex>
#include <nlohmann/json.hpp>

#include "runner/base/stop.h"
#include "runner/base/text.h"
#include "runner/cli/commands.h"
#include "runner/cli/provision.h"
#include "runner/lab/store.h"

namespace lab {
namespace {

using nlohmann::json;

// Progress as JSON lines; whoever reads them may be gone, which is no matter.
class NewsWriter : public Progress {
 public:
  explicit NewsWriter(int fd) : fd_(fd) {}

  void Begin(const std::string& task, const std::string& text) override {
    Tell({{"news", "begin"}, {"task", task}, {"text", text}});
  }
  void Update(const std::string& task, const std::string& text) override {
    Tell({{"news", "update"}, {"task", task}, {"text", text}});
  }
  void End(const std::string& task, bool ok, const std::string& text) override {
    Tell({{"news", "end"}, {"task", task}, {"ok", ok}, {"text", text}});
  }
  void Note(const std::string& text) override {
    Tell({{"news", "note"}, {"text", text}});
  }
  void Tell(const json& news) {
    const std::lock_guard lock(mutex_);
    const std::string line =
        news.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    if (fd_ >= 0 && ::write(fd_, line.data(), line.size()) < 0) fd_ = -1;
  }

 private:
  std::mutex mutex_;
  int fd_;
};

Result<VmLab> BringUp(const Context& context, const LabCommandOptions& options,
                      Progress& progress) {
  LAB_TRY(const auto plan, PlanLab(context, options.lab));
  LAB_TRY(const auto parts,
          ProvidePlannedParts(context, options.lab, plan, progress));
  const LabStore store(context.cache);
  const Path directory = store.DirectoryOf(options.name);
  // What a keeper that was killed left behind.
  if (const auto old = store.Find(options.name); old && !old->owner.Alive()) {
    LAB_CHECK_OK(store.Down(options.name));
  }
  auto lab =
      ProvisionVmLab(context, options.lab, plan, parts, options.name, progress);
  if (lab) return lab;
  if (lab.error().kind == ErrorKind::kInterrupted) {
    (void)RemoveTree(directory).has_value();
    return lab;
  }
  return Error{fmt::format("{}\n  logs: {} (until `runner lab gc`)",
                           lab.error().what, (directory / "logs").string()),
               lab.error().kind};
}

// Passes one line of news on; true when it is the last.
bool PassOn(const json& news, Progress& progress, Status& outcome) {
  const std::string what = news.value("news", "");
  const std::string task = news.value("task", "");
  const std::string text = news.value("text", "");
  if (what == "begin") progress.Begin(task, text);
  if (what == "update") progress.Update(task, text);
  if (what == "end") progress.End(task, news.value("ok", false), text);
  if (what == "note") progress.Note(text);
  if (what == "failed") {
    outcome = Error{text, static_cast<ErrorKind>(news.value("kind", 0))};
  }
  return what == "up" || what == "failed";
}

std::vector<std::string> KeeperCommand(const LabCommandOptions& options,
                                       int news_fd) {
  std::error_code code;
  const Path self = std::filesystem::read_symlink("/proc/self/exe", code);
  std::vector<std::string> argv = {self.string(), "__keep",
                                   "--news-fd",   std::to_string(news_fd),
                                   "--name",      options.name};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) argv.insert(argv.end(), {name, value});
  };
  add("--lab", options.lab.lab);
  add("--kubernetes", options.lab.kubernetes);
  add("--config", options.lab.config);
  add("--node-os", options.lab.node_os);
  add("--runtime", options.lab.runtime);
  add("--accel", options.lab.accel);
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
  std::string text;
  Status outcome = Error{"the keeper of the lab ended without a word"};
  while (true) {
    pollfd fd[] = {{read_end.get(), POLLIN, 0}, {stop::Fd(), POLLIN, 0}};
    ::poll(fd, 2, -1);
    if (fd[1].revents != 0) {
      EndForeign(id, 5s);
      ::waitpid(keeper, nullptr, 0);
      return Error{"interrupted", ErrorKind::kInterrupted};
    }
    char buffer[4096];
    const ssize_t n = ::read(read_end.get(), buffer, sizeof buffer);
    if (n <= 0) return outcome;
    text.append(buffer, static_cast<std::size_t>(n));
    for (auto end = text.find('\n'); end != std::string::npos;
         end = text.find('\n')) {
      const auto news = json::parse(text.substr(0, end), nullptr, false);
      text.erase(0, end + 1);
      if (!news.is_object()) continue;
      if (news.value("news", "") == "up") outcome = Status();
      if (PassOn(news, progress, outcome)) return outcome;
    }
  }
}

ExitCode Keep(const Context& context, const LabCommandOptions& options,
              int news_fd) {
  NewsWriter news(news_fd);
  auto lab = BringUp(context, options, news);
  if (!lab) {
    news.Tell({{"news", "failed"},
               {"text", lab.error().what},
               {"kind", static_cast<int>(lab.error().kind)}});
    return ExitCodeFor(lab.error());
  }
  news.Tell({{"news", "up"}});
  ::close(news_fd);
  while (!stop::Requested()) {
    pollfd fd{stop::Fd(), POLLIN, 0};
    ::poll(&fd, 1, -1);
  }
  lab->Down();
  return ExitCode::kOk;
}

}  // namespace lab
