// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/private_docker.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "runner/base/stop.h"
#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "runner/lab/oci_wrapper.h"
#include "runner/process/own_program.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr const char* kPrograms[] = {"docker", "dockerd", "containerd", "runc",
                                     "docker-proxy"};

struct Places {
  explicit Places(const Path& cache) : root(cache / "docker") {}
  Path root;
  Path run = root / "run";
  Path socket = run / "docker.sock";
  Path config = run / "daemon.json";
  Path log = root / "dockerd.log";
  Path use = root / "use.lock";
  Path start = root / "start.lock";
  Path alive = root / "alive.lock";

  // Of this cache's daemon alone, so that they can be removed after it.
  std::string mark = Sha256OfText(root.string()).substr(0, 4);
  std::string bridges = "lab" + mark + "-";
  std::string cgroup = "confinement-lab-" + mark;

  ContainerEngine engine() const {
    return ContainerEngine({"docker", "unix://" + socket.string()}, bridges);
  }
};

// Everything is said here, so that the host's /etc/docker/daemon.json is not
// read.
// Nodes cannot reach a name server of the host's, and CoreDNS asks them without
// end. Docker waits four seconds for each answer, also when it removes the node
// (resolver.go in libnetwork), unless nothing listens there. It passes no
// answer on then, and a node asks for one name while it boots: not for long.
Status WriteConfig(const Places& at) {
  json config = {{"hosts", {"unix://" + at.socket.string()}},
                 {"data-root", (at.root / "data").string()},
                 {"exec-root", (at.run / "exec").string()},
                 {"pidfile", (at.run / "dockerd.pid").string()},
                 {"bridge", "none"},
                 {"iptables", false},
                 {"ip6tables", false},
                 {"ip-forward", false},
                 {"ip-masq", false},
                 {"dns", {"127.0.0.1"}},
                 {"dns-opts", {"timeout:1", "attempts:1"}},
                 {"cgroup-parent", "/" + at.cgroup},
                 {"exec-opts", {"native.cgroupdriver=cgroupfs"}},
                 {"shutdown-timeout", 1},
                 {"log-level", "warn"}};
  LAB_TRY(const auto lacks, LacksCapabilities());
  if (lacks) {
    const auto wrapper = OciWrapper();
    const std::vector<std::string> arguments(wrapper.begin() + 1,
                                             wrapper.end());
    config["runtimes"]["lab"] = {{"path", wrapper.front()},
                                 {"runtimeArgs", arguments}};
    config["default-runtime"] = "lab";
  }
  return WriteFile(at.config, config.dump(2));
}

Result<Process> StartDaemon(const Places& at) {
  LAB_CHECK_OK(RemoveTree(at.run));
  LAB_CHECK_OK(RemoveTree(at.log));
  LAB_CHECK_OK(MakeDirectories(at.run));
  LAB_CHECK_OK(WriteConfig(at));
  // System programs are looked for on PATH, which may lack their place.
  std::string path = "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin";
  if (const char* own = ::getenv("PATH")) path = std::string(own) + ":" + path;
  return Process::Start(
      {.argv = {"unshare", "--mount", "--pid", "--fork", "--kill-child",
                "--mount-proc", "--propagation", "slave", OwnProgram().string(),
                "__docker-init", "--", FindProgram("dockerd").string(),
                "--config-file", at.config.string()},
       .env = {{"PATH", path}},
       .log = at.log});
}

// Not Process: it must outlive this process, if another lab shares it.
pid_t Detach(const Path& cache) {
  const std::string self = OwnCommand(), where = cache;
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::setsid();
  const int null = ::open("/dev/null", O_RDWR);
  for (const int fd : {0, 1, 2}) ::dup2(null, fd);
  // What the caller left open (a lock, a pipe) must not stay so with it.
  ::close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  ::execl(self.c_str(), self.c_str(), "__dockerd", where.c_str(), nullptr);
  ::_exit(127);
}

// A control group goes when it is empty, and its parts before it.
bool RemoveCgroup(const Path& top) {
  std::error_code code;
  std::vector<Path> all = {top};
  for (const auto& entry : fs::recursive_directory_iterator(top, code)) {
    if (entry.is_directory(code)) all.push_back(entry.path());
  }
  for (auto it = all.rbegin(); it != all.rend(); ++it) ::rmdir(it->c_str());
  return !fs::exists(top, code);
}

void RemoveCgroups(const std::string& name, std::vector<std::string>& removed) {
  std::error_code code;
  std::vector<Path> tops = {Path("/sys/fs/cgroup") / name};
  for (const auto& controller :
       fs::directory_iterator("/sys/fs/cgroup", code)) {
    tops.push_back(controller.path() / name);
  }
  const stop::Unheard cleaning;
  for (const auto& top : tops) {
    if (!fs::is_directory(top, code)) continue;
    // The processes of a daemon that was killed may still be on their way out.
    const auto gone =
        WaitUntil("the last process in " + top.string(), Deadline::In(10s),
                  20ms, [&] { return RemoveCgroup(top); });
    if (gone) removed.push_back("control group " + top.string());
  }
}

void RemoveContainers(const ContainerEngine& docker) {
  const auto quietly = [&](std::vector<std::string> argv) {
    const auto said = RunOk({.argv = docker.Argv(std::move(argv)),
                             .timeout = 20s,
                             .stoppable = false});
    return said ? Lines(*said) : std::vector<std::string>();
  };
  std::vector<std::string> remove = {"rm", "--force", "--volumes"};
  for (const auto& id : quietly({"ps", "--all", "--quiet"})) {
    remove.push_back(id);
  }
  if (remove.size() > 3) quietly(remove);
  quietly({"network", "prune", "--force"});
  quietly({"volume", "prune", "--force"});
}

// The lock that no lab holds any more, as an event.
class LastOneGone {
 public:
  explicit LastOneGone(const Path& lock) : event_(::eventfd(0, EFD_CLOEXEC)) {
    std::thread([lock, fd = event_.get()] {
      // Held, it keeps new labs waiting until this process has ended.
      static std::optional<FileLock> held;
      if (auto taken = FileLock::Take(lock)) held.emplace(std::move(*taken));
      (void)::eventfd_write(fd, 1);
    }).detach();
  }
  int fd() const { return event_.get(); }

 private:
  UniqueFd event_;
};

// What a daemon that was killed left in the host's network and control groups.
std::vector<std::string> CleanUp(const Places& at) {
  std::vector<std::string> removed;
  if (!fs::exists(at.run)) return removed;
  RemoveCgroups(at.cgroup, removed);
  std::error_code code;
  for (const auto& link : fs::directory_iterator("/sys/class/net", code)) {
    const std::string name = link.path().filename();
    if (!name.starts_with(at.bridges)) continue;
    if (RunOk({.argv = {"ip", "link", "delete", name}, .stoppable = false})) {
      removed.push_back("bridge " + name);
    }
  }
  if (RemoveTree(at.run)) removed.push_back(at.run.string());
  return removed;
}

bool HasContainers(const Places& at) {
  std::error_code code;
  return !fs::is_empty(at.root / "data" / "containers", code) && !code;
}

// This cache's daemon is not there, and none starts, while the lock is held;
// nullopt if a lab uses it. One that is just ending is waited for.
std::optional<FileLock> TakeOver(const Places& at) {
  std::optional<FileLock> taken;
  (void)WaitUntil("the private dockerd to end", Deadline::In(30s), 50ms, [&] {
    auto use = FileLock::TryTake(at.use);
    if (use && use->held()) {
      // Its supervisor, if it lives, is only about to take that.
      const auto alive = FileLock::TryTake(at.alive);
      if (alive && alive->held()) taken = std::move(*use);
      return taken.has_value();
    }
    const auto shared = FileLock::TryShare(at.use);
    return !use || !shared || shared->held();
  }).has_value();
  return taken;
}

std::string WhyNot(const Places& at) {
  const auto log = ReadFile(at.log).value_or("");
  return fmt::format("{}\n  log: {}", LastLines(Trim(log), 3), at.log.string());
}

Status AwaitDaemon(const Places& at, ProcessId supervisor) {
  const ContainerEngine docker = at.engine();
  const auto ready = WaitUntil("private dockerd", Deadline::In(60s), 50ms, [&] {
    return !supervisor.Alive() ||
           (fs::exists(at.socket) && docker.Version().has_value());
  });
  if (!ready && ready.error().kind == ErrorKind::kInterrupted) {
    return ready.error();
  }
  if (ready && supervisor.Alive()) return {};
  return ProvisionError("the private dockerd did not start: " + WhyNot(at));
}

}  // namespace

std::optional<EngineLack> WhyNoPrivateDocker() {
  if (::geteuid() != 0) {
    return EngineLack{
        "only root may start a private one",
        fmt::format("{} && sudo usermod --append --groups docker $USER   (and "
                    "log in again; or run as root)",
                    FindProgram("dockerd").empty()
                        ? "sudo apt-get install --no-install-recommends "
                          "docker.io"
                        : "sudo systemctl start docker")};
  }
  for (const char* program : kPrograms) {
    if (!FindProgram(program).empty()) continue;
    return EngineLack{fmt::format("there is no {} for a private one", program),
                      "apt-get install --no-install-recommends docker.io"};
  }
  return std::nullopt;
}

Result<PrivateDocker> PrivateDocker::Use(const Path& cache) {
  if (const auto lack = WhyNoPrivateDocker()) {
    return ProvisionError(
        fmt::format("{}; mend it with: {}", lack->why, lack->mend));
  }
  const Places at(cache);
  LAB_CHECK_OK(MakeDirectories(at.root));
  // One that is just ending holds it.
  std::optional<FileLock> share;
  Status failed;
  LAB_CHECK_OK(WaitUntil("the last private dockerd to end", Deadline::In(60s),
                         50ms, [&] {
                           auto got = FileLock::TryShare(at.use);
                           if (!got) failed = got.error();
                           if (got && got->held()) share = std::move(*got);
                           return share.has_value() || !failed;
                         }));
  LAB_CHECK_OK(failed);
  std::optional<FileLock> start;
  LAB_CHECK_OK(WaitUntil("another runner that starts dockerd",
                         Deadline::In(90s), 50ms, [&] {
                           auto got = FileLock::TryTake(at.start);
                           if (got && got->held()) start = std::move(*got);
                           return start.has_value();
                         }));
  const ContainerEngine docker = at.engine();
  if (!fs::exists(at.socket) || !docker.Version()) {
    const pid_t supervisor = Detach(cache);
    if (supervisor < 0) return Error{"start the private dockerd"};
    LAB_CHECK_OK(AwaitDaemon(at, ProcessId::Of(supervisor)));
    // What one that was killed ran, the next would go on with.
    RemoveContainers(docker);
  }
  return PrivateDocker(docker, std::move(*share));
}

int PrivateDockerMain(const Path& cache) {
  const Places at(cache);
  // One whose daemon has died may still be cleaning up.
  const auto alive = FileLock::Take(at.alive);
  CleanUp(at);
  auto daemon = StartDaemon(at);
  if (!daemon) {
    (void)AppendLine(at.log, daemon.error().what).has_value();
    return 1;
  }
  const LastOneGone gone(at.use);
  pollfd fds[] = {{stop::Fd(), POLLIN, 0},
                  {gone.fd(), POLLIN, 0},
                  {daemon->fd(), POLLIN, 0}};
  while (::poll(fds, 3, -1) < 0 && errno == EINTR) {
  }
  if (daemon->Running()) {
    RemoveContainers(at.engine());
    daemon->Stop(5s);
  }
  CleanUp(at);
  return 0;
}

int DockerInitMain(const std::vector<std::string>& argv) {
  // containerd's shims have their sockets below /run, wherever its own are;
  // nothing of the host's is to be seen there, nor any left there.
  if (::mount("tmpfs", "/run", "tmpfs", 0, "mode=755") != 0) {
    fmt::print(stderr, "mount /run: {}\n", std::strerror(errno));
    return 1;
  }
  return GuardMain(argv);
}

bool IsPrivateDocker(const Path& cache, const LabEngine& engine) {
  return engine.at == Places(cache).engine().at().at;
}

void AwaitPrivateDockerEnd(const Path& cache) {
  const Places at(cache);
  if (fs::exists(at.use)) (void)TakeOver(at);
}

std::vector<std::string> CleanUpAfterPrivateDocker(const Path& cache) {
  const Places at(cache);
  std::vector<std::string> removed;
  if (!fs::exists(at.use)) return removed;
  {
    const auto alone = TakeOver(at);
    if (!alone) return removed;
    removed = CleanUp(at);
    if (!HasContainers(at)) return removed;
  }
  // Only a daemon can take them out of its files.
  if (PrivateDocker::Use(cache)) {
    removed.push_back("containers of a private dockerd that was killed");
  }
  AwaitPrivateDockerEnd(cache);
  return removed;
}

}  // namespace lab
