// SPDX-License-Identifier: Apache-2.0
#include "tests/apparmor_host/host.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include "runner/base/stop.h"
#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "runner/components/node_disk.h"
#include "runner/lab/accel.h"
#include "runner/lab/machine.h"
#include "runner/lab/machine_overlay.h"
#include "runner/lab/ssh_access.h"
#include "runner/lab/store.h"
#include "tests/apparmor_host/host_disk.h"

namespace lab {
namespace {

constexpr const char* kName = "apparmor-host";
// A control plane and a worker in it, and the page cache for their image.
constexpr int kMemoryMib = 6144;
constexpr int kCpus = 2;
// MiB of translated code: room for all programs of a cluster.
constexpr const char* kTcg = "tcg,thread=multi,tb-size=1024";
// What its init says last; a serial line's lines end in CR LF.
constexpr const char* kReady = " ready\r\n";
constexpr Duration kBootTime = 5min;

// A directory of ours that the machine sees, at `there`.
struct Share {
  const char* tag;
  const char* mode;
  Path here;
  Path there;
};

std::vector<Share> Shares(const HostRequest& request) {
  return {{"home", "ro", request.home, request.home},
          {"reports", "rw", request.home / "reports", request.home / "reports"},
          {"parts", "ro", request.cache / "parts",
           "/root/.cache/confinement-lab/parts"}};
}

// What a node of a vm lab is, and more of it.
Result<Machine> HostMachine(const Path& home) {
  LAB_TRY(auto machine, LoadMachine(home));
  machine.smp = kCpus;
  machine.memory_mib = kMemoryMib;
  machine.accel[Accel::kTcg] = kTcg;
  return machine;
}

std::vector<std::string> HostCommand(const Machine& machine, const Boot& boot,
                                     const Path& empty_disk,
                                     const std::vector<Share>& shares) {
  auto argv = QemuCommand(machine, boot);
  argv.insert(
      argv.end(),
      {"-drive",
       fmt::format(
           "file={},format=qcow2,if=none,id=data,cache=unsafe,snapshot=on",
           empty_disk.string()),
       "-device", "virtio-blk-pci,drive=data"});
  for (const auto& share : shares) {
    argv.insert(
        argv.end(),
        {"-virtfs",
         fmt::format(
             "local,path={},mount_tag={},security_model=none,"
             "multidevs=remap{}",
             share.here.string(), share.tag,
             std::string_view(share.mode) == "ro" ? ",readonly=on" : "")});
  }
  return argv;
}

Result<std::vector<OverlayFile>> OwnFiles(const Path& directory,
                                          const std::vector<Share>& shares) {
  LAB_TRY(auto host_key, ReadFile(directory / "host_key"));
  LAB_TRY(auto authorized, ReadFile(directory / "ssh_key.pub"));
  std::string lines;
  for (const auto& share : shares) {
    lines +=
        fmt::format("{} {} {}\n", share.tag, share.mode, share.there.string());
  }
  return std::vector<OverlayFile>{
      {"/etc/ssh/ssh_host_ed25519_key", std::move(host_key), 0600},
      {"/root/.ssh/authorized_keys", std::move(authorized), 0600},
      {"/lab/shares", std::move(lines)}};
}

}  // namespace

Result<AppArmorHost> AppArmorHost::Boot(const HostRequest& request,
                                        Progress& progress) {
  LAB_TRY(auto net, NetNumber::Take());
  AppArmorHost host(std::move(net));
  LAB_CHECK_OK(host.Start(request, progress));
  return host;
}

AppArmorHost::~AppArmorHost() {
  if (file_.directory.empty()) return;  // moved from
  ssh_.Kill();
  qemu_.Kill();
  (void)RemoveTree(file_.directory).has_value();
}

Status AppArmorHost::Start(const HostRequest& request, Progress& progress) {
  home_ = request.home;
  file_.name = fmt::format("{}-{}", kName, RandomHex(4));
  file_.kind = kName;
  file_.created = TimestampUtc();
  file_.state = "starting";
  file_.owner = ProcessId::Of(::getpid());
  file_.directory = LabStore(request.cache).DirectoryOf(file_.name);
  file_.nodes = {{.name = kName,
                  .role = "worker",
                  .address = net_.Address(2),
                  .console = request.log / "console.log",
                  .labels = {},
                  .login = SshLogin(file_.directory, kName)}};
  LAB_CHECK_OK(MakeDirectories(file_.directory / "logs"));
  LAB_CHECK_OK(file_.Save());
  LAB_CHECK_OK(WriteSshFiles(file_));
  progress.Begin(kName, "booting");
  const auto up = StartMachine(request, progress);
  progress.End(kName, up.has_value(), up ? "ready" : up.error().what);
  if (!up) return up.error();
  file_.state = "up";
  return file_.Save();
}

Status AppArmorHost::StartMachine(const HostRequest& request,
                                  Progress& progress) {
  const auto shares = Shares(request);
  for (const auto& share : shares) LAB_CHECK_OK(MakeDirectories(share.here));
  LAB_TRY(const auto files, OwnFiles(file_.directory, shares));
  const Path initramfs = file_.directory / "initramfs.img";
  LAB_CHECK_OK(
      WriteOverlaidInitramfs(request.disks / kInitramfsFile, files, initramfs));
  LAB_TRY(const auto machine, HostMachine(request.home));
  const Path kernel = request.disks / kKernelFile;
  LAB_TRY(const auto accel, ChooseAccel({.wanted = "auto",
                                         .machine = machine,
                                         .kernel = kernel,
                                         .initramfs = initramfs,
                                         .cache = request.cache}));
  progress.Note(fmt::format("{}: {}", ToString(accel.accel), accel.reason));
  const struct Boot boot {
    .kernel = kernel, .initramfs = initramfs, .disk = request.disks / kDiskFile,
    .console = file_.nodes[0].console, .node = kName,
    .address = file_.nodes[0].address, .accel = accel.accel
  };
  LAB_CHECK_OK(RemoveTree(request.log));
  LAB_CHECK_OK(MakeDirectories(request.log));
  LAB_TRY(qemu_, Process::Start({.argv = HostCommand(
                                     machine, boot,
                                     request.disks / kEmptyDiskFile, shares),
                                 // For what the machine writes to its disks.
                                 .env = {{"TMPDIR", file_.directory.string()}},
                                 .log = request.log / "qemu.log"}));
  file_.processes = {{"qemu", qemu_.id()}};
  LAB_CHECK_OK(file_.Save());
  return AwaitReady();
}

Status AppArmorHost::AwaitReady() {
  bool ready = false;
  const auto waited =
      WaitUntil("Docker in the machine", Deadline::In(kBootTime), 200ms, [&] {
        const auto said = ReadFile(file_.nodes[0].console).value_or("");
        ready = said.find(kReady) != std::string::npos;
        return ready || !qemu_.Running();
      });
  if (!waited) {
    return waited.error().Within("console: " + file_.nodes[0].console.string());
  }
  if (!ready) return Died();
  LAB_TRY(ssh_, ConnectSsh(file_, kName));
  file_.processes.push_back({"ssh", ssh_.id()});
  return AwaitSsh(file_, 60s);
}

Error AppArmorHost::Died() {
  const Path& console = file_.nodes[0].console;
  const auto log = ReadFile(console.parent_path() / "qemu.log").value_or("") +
                   ReadFile(console).value_or("");
  return ProvisionError(
      fmt::format("the machine ended; it said last:\n{}\n  console: {}",
                  LastLines(Trim(log), 5), console.string()));
}

Result<Ended> AppArmorHost::Run(const std::vector<std::string>& argv,
                                Duration patience) {
  auto command = file_.nodes[0].login.command;
  command.push_back(
      fmt::format("cd {} && {}", ShellQuote(home_.string()), ShellQuote(argv)));
  LAB_TRY(auto running,
          Process::Start({.argv = command, .output = STDERR_FILENO}));
  const auto deadline = Deadline::In(patience);
  while (true) {
    pollfd fds[] = {{running.fd(), POLLIN, 0},
                    {qemu_.fd(), POLLIN, 0},
                    {stop::Fd(), POLLIN, 0}};
    ::poll(fds, 3, static_cast<int>(deadline.Left().count()) + 1);
    if (!running.Running()) return running.Wait(Deadline::In(0s));
    if (!qemu_.Running()) return Died();
    if (stop::Requested()) {
      return Error{"interrupted", ErrorKind::kInterrupted};
    }
    if (deadline.Passed()) {
      return TimeoutError(fmt::format(
          "{}: no end within {}; console: {}", ShellQuote(argv),
          HumanSeconds(std::chrono::duration<double>(patience).count()),
          file_.nodes[0].console.string()));
    }
  }
}

}  // namespace lab
