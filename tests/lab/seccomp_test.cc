// SPDX-License-Identifier: Apache-2.0
// `runner seccomp`, on processes of this machine: what was installed is what
// is read, and the process that was read from goes on, whatever happens.
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <atomic>
#include <new>

#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "runner/seccomp/dump.h"
#include "runner/seccomp/test_filters.h"
#include "tests/lab/runner.h"

namespace lab::e2e {
namespace {

using seccomp::Dump;
using seccomp::Libseccomp;
using seccomp::Program;
using seccomp::Programs;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const std::string kNode = std::string(LAB_BINARY_DIR) + "/probes/node";

void Install(const Program& program, unsigned flags) {
  std::vector<sock_filter> raw;
  for (const auto& one : program) {
    raw.push_back({one.code, one.jump_true, one.jump_false, one.k});
  }
  const sock_fprog filter = {static_cast<unsigned short>(raw.size()),
                             raw.data()};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter) != 0) {
    ::_exit(1);
  }
}

std::string StatusField(pid_t pid, const std::string& field) {
  const auto status =
      ReadFile("/proc/" + std::to_string(pid) + "/status").value_or("");
  for (const auto& line : Lines(status)) {
    if (line.starts_with(field + ":")) {
      return std::string(Trim(line.substr(field.size() + 1)));
    }
  }
  return "";
}

// A process under filters that counts, as long as it can.
class Confined {
 public:
  explicit Confined(const Programs& programs, unsigned flags = 0) {
    void* shared =
        ::mmap(nullptr, sizeof(std::atomic<long>), PROT_READ | PROT_WRITE,
               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    counter_ = new (shared) std::atomic<long>(0);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
      for (const auto& program : programs) Install(program, flags);
      for (;;) {
        ++*counter_;
        ::usleep(1000);
      }
    }
    Await("the process to count", 5s, [&] { return *counter_ > 0; });
  }
  ~Confined() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    ::munmap(counter_, sizeof *counter_);
  }
  Confined(const Confined&) = delete;
  Confined& operator=(const Confined&) = delete;

  pid_t pid() const { return pid_; }
  std::string name() const { return std::to_string(pid_); }
  void ExpectGoesOn() const {
    // A tracer that was killed may still be on its way out.
    Await("the process to be released", 5s,
          [&] { return StatusField(pid_, "TracerPid") == "0"; });
    const long now = *counter_;
    Await("the process to go on", 5s, [&] { return *counter_ > now; });
  }

 private:
  pid_t pid_ = 0;
  std::atomic<long>* counter_ = nullptr;
};

// A filter of the size that containers have.
Program Large() {
  Libseccomp filter(SCMP_ACT_ALLOW);
  filter.AddArchitecture(SCMP_ARCH_X86);
  filter.AddArchitecture(SCMP_ARCH_X32);
  for (const auto& call :
       seccomp::SyscallsOf(seccomp::Architectures().front())) {
    // What the process lives on stays.
    if (call.number % 3 != 0 || call.name == "clock_nanosleep") continue;
    filter.Add(SCMP_ACT_ERRNO(1), call.name,
               {SCMP_A3_64(SCMP_CMP_MASKED_EQ, 0xff00, call.number)});
  }
  return filter.Export();
}

Program Small() {
  Libseccomp filter(SCMP_ACT_ALLOW);
  filter.Add(SCMP_ACT_ERRNO(38), "mkdir");
  return filter.Export();
}

class SeccompCommand : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "reading filters needs root";
  }
};

Dump Dumped(const Confined& process) {
  const auto said =
      Runner({"seccomp", "dump", process.name(), "--format", "json"}, 20s);
  EXPECT_EQ(said.ended.ToString(), "exit status 0") << said.err;
  const auto dump = seccomp::DumpFromJson(said.out, "dump");
  EXPECT_TRUE(dump);
  return dump.value_or({});
}

TEST_F(SeccompCommand, DumpsWhatWasInstalled) {
  const Program installed = Large();
  const Confined process({installed});

  const Dump dump = Dumped(process);

  ASSERT_EQ(dump.filters.size(), 1U);
  EXPECT_GT(installed.size(), 100U);
  EXPECT_EQ(dump.filters[0].program, installed);
  EXPECT_FALSE(dump.filters[0].log);
  EXPECT_TRUE(dump.no_new_privileges);
  EXPECT_EQ(dump.pid, process.pid());
  process.ExpectGoesOn();
}

TEST_F(SeccompCommand, DumpsAStackOldestFirst) {
  const Confined process({Small(), Large()}, SECCOMP_FILTER_FLAG_LOG);

  const Dump dump = Dumped(process);

  EXPECT_EQ(dump.programs(), (Programs{Small(), Large()}));
  for (const auto& filter : dump.filters) EXPECT_TRUE(filter.log);
}

TEST_F(SeccompCommand, DumpsAProcessWithoutFilters) {
  const Confined process(Programs{});

  EXPECT_THAT(Dumped(process).filters, testing::IsEmpty());
}

TEST_F(SeccompCommand, TableNamesWhatIsNotAllowed) {
  const Confined process({Small()});

  const auto said = Runner({"seccomp", "dump", process.name()}, 20s);

  EXPECT_THAT(said.out, HasSubstr("1 filter"));
  EXPECT_THAT(said.out, HasSubstr("errno 38 (ENOSYS)\n    mkdir\n"));
  EXPECT_THAT(said.out, HasSubstr("calls: kill-thread"));
}

TEST_F(SeccompCommand, BpfIsTheInstructions) {
  const Confined process({Small()});

  const auto said =
      Runner({"seccomp", "dump", process.name(), "--format", "bpf"}, 20s);

  EXPECT_THAT(said.out, HasSubstr("ld [arch]\n"));
  EXPECT_THAT(said.out, HasSubstr("ret errno 38 (ENOSYS)\n"));
  EXPECT_EQ(Lines(said.out).size(), Small().size() + 1);
}

TEST_F(SeccompCommand, DiffNamesTheOneCall) {
  const Confined filtered({Small()});
  const Confined also({Small()});
  Libseccomp none(SCMP_ACT_ALLOW);
  const Confined other({none.Export()});

  const auto same =
      Runner({"seccomp", "diff", filtered.name(), also.name()}, 20s);
  const auto differ =
      Runner({"seccomp", "diff", filtered.name(), other.name()}, 20s);

  EXPECT_EQ(same.ended.ToString(), "exit status 0") << same.out;
  EXPECT_EQ(differ.ended.ToString(), "exit status 1");
  EXPECT_THAT(Lines(differ.out), SizeIs(2));
  EXPECT_THAT(differ.out,
              HasSubstr("x86_64 mkdir: errno 38 (ENOSYS) | allow\n"));
}

TEST_F(SeccompCommand, DiffTakesProfiles) {
  const Confined process({Small()});
  const auto directory = NewReport();
  const Path profile = directory.directory.path() / "profile.json";
  ASSERT_TRUE(WriteFile(profile,
                        R"({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
      {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]})"));

  const auto same =
      Runner({"seccomp", "diff", process.name(), profile.string()}, 20s);

  EXPECT_EQ(same.ended.ToString(), "exit status 0") << same.out << same.err;
}

TEST_F(SeccompCommand, AStoppedProcessStaysStopped) {
  const Confined process({Small()});
  ::kill(process.pid(), SIGSTOP);
  Await("the process to stop", 5s,
        [&] { return StatusField(process.pid(), "State").starts_with("T"); });

  EXPECT_THAT(Dumped(process).filters, SizeIs(1));

  EXPECT_EQ(StatusField(process.pid(), "State"), "T (stopped)");
  EXPECT_EQ(StatusField(process.pid(), "TracerPid"), "0");
  ::kill(process.pid(), SIGCONT);
  process.ExpectGoesOn();
}

// Where a traced process stops for its tracer: behind the first call of
// ptrace(2) with this request. False: it ended before.
bool RunToPtrace(pid_t tracer, long request) {
  for (int status = 0;;) {
    ::ptrace(PTRACE_SYSCALL, tracer, nullptr, nullptr);
    if (::waitpid(tracer, &status, 0) != tracer || !WIFSTOPPED(status)) {
      return false;
    }
    user_regs_struct registers{};
    ::ptrace(PTRACE_GETREGS, tracer, nullptr, &registers);
    if (registers.orig_rax == SYS_ptrace &&
        registers.rdi == static_cast<unsigned long long>(request)) {
      ::ptrace(PTRACE_SYSCALL, tracer, nullptr, nullptr);  // to its end
      ::waitpid(tracer, &status, 0);
      return true;
    }
  }
}

// lab-node is killed while it holds the process: at each of its steps.
TEST_F(SeccompCommand, AKilledReaderReleasesTheProcess) {
  const Confined process({Small()});
  for (const long request :
       {static_cast<long>(PTRACE_SEIZE), static_cast<long>(PTRACE_INTERRUPT),
        static_cast<long>(PTRACE_SECCOMP_GET_FILTER),
        static_cast<long>(PTRACE_SECCOMP_GET_METADATA)}) {
    const std::string name = process.name();
    const pid_t reader = ::fork();
    if (reader == 0) {
      ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
      ::execl(kNode.c_str(), kNode.c_str(), "filters", name.c_str(), nullptr);
      ::_exit(127);
    }
    int status = 0;
    ::waitpid(reader, &status, 0);  // at its exec
    ASSERT_TRUE(RunToPtrace(reader, request));
    EXPECT_EQ(StatusField(process.pid(), "TracerPid"), std::to_string(reader));

    ::kill(reader, SIGKILL);
    ::waitpid(reader, &status, 0);

    process.ExpectGoesOn();
  }
}

TEST_F(SeccompCommand, AKilledRunnerReleasesTheProcess) {
  const Confined process({Large()});
  const auto directory = NewReport();
  for (int i = 0; i < 25; ++i) {
    Background runner({"seccomp", "dump", process.name()},
                      directory.directory.path() / "log");
    ::usleep(static_cast<useconds_t>(i) * 1000);
    ::kill(runner.process().id().pid, SIGKILL);
    runner.process().Wait(Deadline::In(5s));
    process.ExpectGoesOn();
  }
  EXPECT_THAT(ProcessesWith("filters " + process.name()), testing::IsEmpty());
}

// One line on stderr, nothing on stdout.
void ExpectRefusal(const Finished& said, int status, const std::string& why) {
  EXPECT_EQ(said.ended.ToString(), "exit status " + std::to_string(status));
  EXPECT_THAT(Lines(said.err), SizeIs(1)) << said.err;
  EXPECT_THAT(said.err, HasSubstr(why));
  EXPECT_EQ(said.out, "");
}

TEST_F(SeccompCommand, NoSuchProcess) {
  ExpectRefusal(Runner({"seccomp", "dump", "4194304"}, 20s), 2, "no process");
}

TEST_F(SeccompCommand, AZombieHasEnded) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  Await("the child to end", 5s,
        [&] { return StatusField(child, "State").starts_with("Z"); });

  ExpectRefusal(Runner({"seccomp", "dump", std::to_string(child)}, 20s), 2,
                "has ended");
  ::waitpid(child, nullptr, 0);
}

// The smallest i386 program: pause(2), for ever.
std::string PauseForI386() {
  const auto word = [](std::uint32_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
    return text;
  };
  constexpr std::uint32_t kBase = 0x08048000;
  constexpr std::uint32_t kHeaders = 52 + 32;
  const std::string code = "\xb8\x1d" + std::string(3, '\0') +  // mov eax, 29
                           "\xcd\x80\xeb\xf7";  // int 0x80; jmp back
  const auto size = static_cast<std::uint32_t>(kHeaders + code.size());
  return "\x7f"
         "ELF\x01\x01\x01" +
         std::string(9, '\0') + word(2, 2) + word(3, 2) + word(1, 4) +
         word(kBase + kHeaders, 4) + word(52, 4) + word(0, 8) + word(52, 2) +
         word(32, 2) + word(1, 2) + word(0, 6) + word(1, 4) + word(0, 4) +
         word(kBase, 4) + word(kBase, 4) + word(size, 4) + word(size, 4) +
         word(5, 4) + word(0x1000, 4) + code;
}

TEST_F(SeccompCommand, A32BitProcessIsRefused) {
  const auto directory = NewReport();
  const Path program = directory.directory.path() / "pause-i386";
  ASSERT_TRUE(WriteFile(program, PauseForI386(), 0755));
  auto process = Process::Start({.argv = {program.string()}});
  if (!process) GTEST_SKIP() << "no 32-bit programs on this machine";
  const pid_t pid = process->id().pid;
  Await("the program to begin", 5s, [&] {
    return StatusField(pid, "Name") == "pause-i386" || !process->Running();
  });
  if (!process->Running()) GTEST_SKIP() << "no 32-bit programs here";

  ExpectRefusal(Runner({"seccomp", "dump", std::to_string(pid)}, 20s), 2,
                "32-bit");
}

TEST_F(SeccompCommand, WithoutPermissionItSaysWhichIsMissing) {
  const Confined process({Small()});
  const auto without = [&](const std::vector<std::string>& options) {
    std::vector<std::string> argv = {"setpriv"};
    argv.insert(argv.end(), options.begin(), options.end());
    for (const std::string word : {LAB_BINARY_DIR "/runner", "seccomp", "dump",
                                   process.name().c_str()}) {
      argv.push_back(word);
    }
    const auto ran = RunToEnd({.argv = argv, .timeout = 20s});
    EXPECT_TRUE(ran);
    return ran ? *ran : Finished();
  };

  ExpectRefusal(
      without({"--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"}), 3,
      "CAP_SYS_ADMIN");
  ExpectRefusal(
      without({"--bounding-set", "-sys_ptrace", "--inh-caps", "-sys_ptrace"}),
      3, "may not trace");
  process.ExpectGoesOn();
}

TEST_F(SeccompCommand, UnderAFilterItSaysSo) {
  const Confined process({Small()});
  const std::string name = process.name();
  const auto directory = NewReport();
  const Path err = directory.directory.path() / "err";
  const Program program = Small();
  const pid_t child = ::fork();
  if (child == 0) {
    Install(program, 0);
    ::dup2(::open(err.c_str(), O_WRONLY | O_CREAT, 0600), 2);
    ::execl(kNode.c_str(), kNode.c_str(), "filters", name.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);

  EXPECT_EQ(WEXITSTATUS(status), 3);
  EXPECT_THAT(ReadFile(err).value_or(""),
              HasSubstr("runs under a seccomp filter itself"));
  process.ExpectGoesOn();
}

TEST_F(SeccompCommand, BadWishesAreRefusedInOneLine) {
  ExpectRefusal(Runner({"seccomp", "dump", "under_score"}, 20s), 2,
                "neither a process number");
  ExpectRefusal(Runner({"seccomp", "dump", "pod", "--lab", "nowhere"}, 20s), 2,
                "no lab");
  ExpectRefusal(Runner({"seccomp", "dump", "1", "--format", "xml"}, 20s), 2,
                "--format");
  ExpectRefusal(Runner({"seccomp", "diff", "1"}, 20s), 2, "2");
  ExpectRefusal(Runner({"seccomp", "diff", "1", "containerd-0.9"}, 20s), 2,
                "containerd-2.4.2");
}

}  // namespace
}  // namespace lab::e2e
