// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/runner.h"

#include <fmt/format.h>

#include <cstdlib>
#include <pugixml.hpp>

#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "runner/cluster/lab_file.h"
#include "runner/components/cache.h"

namespace lab::e2e {
namespace fs = std::filesystem;
namespace {

const std::string kRunner = std::string(LAB_BINARY_DIR) + "/runner";

std::string CommandLine(const std::string& pid) {
  return ReplaceAll(ReadFile("/proc/" + pid + "/cmdline").value_or(""),
                    std::string(1, '\0'), " ");
}

bool IsPid(const std::string& name) {
  return name.find_first_not_of("0123456789") == std::string::npos;
}

pid_t ParentOf(pid_t pid) {
  const auto stat = ReadFile(fmt::format("/proc/{}/stat", pid)).value_or("");
  const auto end = stat.rfind(") ");
  if (end == std::string::npos) return 0;
  return std::stoi(Split(stat.substr(end + 2), ' ').at(1));
}

// Tests compare what a machine has before and behind them, and collect garbage
// in between: what runs that were cut off have left would be missing then.
class NoOldGarbage : public testing::Environment {
 public:
  void SetUp() override {
    const auto collected = Runner({"lab", "gc"}, 3min);
    EXPECT_EQ(collected.ended.value, 0) << collected.out << collected.err;
  }
};

class SharedLabEnvironment : public testing::Environment {
 public:
  ~SharedLabEnvironment() override = default;
  void TearDown() override {
    if (!name.empty()) Runner({"lab", "down", name});
  }
  std::string name;
};

[[maybe_unused]] const testing::Environment* const g_no_old_garbage =
    testing::AddGlobalTestEnvironment(new NoOldGarbage);

SharedLabEnvironment* const g_shared = static_cast<SharedLabEnvironment*>(
    testing::AddGlobalTestEnvironment(new SharedLabEnvironment));

}  // namespace

Finished Runner(const std::vector<std::string>& arguments, Duration timeout) {
  std::vector<std::string> argv = {kRunner};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  auto finished = RunToEnd({.argv = std::move(argv), .timeout = timeout});
  EXPECT_TRUE(finished) << (finished ? "" : finished.error().what);
  return finished ? *finished : Finished{};
}

Background::Background(const std::vector<std::string>& arguments,
                       const Path& log) {
  std::vector<std::string> argv = {kRunner};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  auto started = Process::Start({.argv = std::move(argv), .log = log});
  EXPECT_TRUE(started);
  if (started) process_ = std::move(*started);
}

std::vector<pid_t> Background::Descendants(const std::string& text) const {
  std::vector<pid_t> found;
  for (const pid_t pid : ProcessesWith(text)) {
    for (pid_t at = ParentOf(pid); at > 1; at = ParentOf(at)) {
      if (at == process_.id().pid) found.push_back(pid);
    }
  }
  return found;
}

int Background::ExitStatus(Duration patience) {
  const auto ended = process_.Wait(Deadline::In(patience));
  EXPECT_EQ(ended.how, Ended::How::kExited) << ended.ToString();
  return ended.value;
}

RunState Report::State() const {
  const auto text = ReadFile(directory.path() / "records.jsonl").value_or("");
  const auto state = ReadRun(text);
  EXPECT_TRUE(state) << (state ? "" : state.error().what);
  return state ? *state : RunState();
}

void Report::ExpectValidJunit() const {
  const auto checked = RunToEnd(
      {.argv = {"xmllint", "--noout", "--schema",
                std::string(LAB_SOURCE_DIR) + "/reports/schema/junit.xsd",
                (directory.path() / "junit.xml").string()}});
  ASSERT_TRUE(checked);
  EXPECT_TRUE(checked->ended.ok()) << checked->err;
}

void Report::ExpectWholePage() const {
  const auto page = ReadFile(directory.path() / "report.html");
  ASSERT_TRUE(page) << page.error().what;
  pugi::xml_document document;
  const auto parsed = document.load_string(page->c_str(), pugi::parse_full);
  EXPECT_TRUE(parsed) << parsed.description();
}

std::string Report::Story(const Finished& run) const {
  std::string story = "\n";
  for (const auto& one : State().cases) {
    const bool well = one.verdict == Verdict::kPass ||
                      one.verdict == Verdict::kKnown ||
                      one.verdict == Verdict::kSkip;
    if (well) continue;
    story += fmt::format("{}: {}: {}\n", one.id,
                         one.verdict ? ToString(*one.verdict) : "no verdict",
                         one.reason);
    for (const auto& check : one.failed_checks) {
      story += fmt::format("  {}:{}: {}\n", check.file, check.line, check.text);
    }
  }
  return story + LastLines(run.err, 20);
}

std::vector<std::string> Report::Of(std::vector<std::string> arguments) const {
  const auto options = Options();
  arguments.insert(arguments.end(), options.begin(), options.end());
  return arguments;
}

std::set<std::string> Report::With(Verdict verdict) const {
  std::set<std::string> names;
  for (const auto& one : State().cases) {
    if (one.verdict == verdict) names.insert(SplitCaseId(one.id).name);
  }
  return names;
}

Report NewReport() {
  auto directory = TempDir::In(testing::TempDir(), "report-");
  EXPECT_TRUE(directory);
  return Report{std::move(directory).value()};
}

void Await(const std::string& what, Duration patience,
           const std::function<bool()>& condition) {
  const auto came = WaitUntil(what, Deadline::In(patience), 50ms, condition);
  ASSERT_TRUE(came) << came.error().what;
}

const std::string& SharedLab() {
  if (g_shared->name.empty()) {
    const std::string name = "e2e-" + RandomHex(4);
    const auto up = Runner({"lab", "up", "--name", name});
    EXPECT_TRUE(up.ended.ok()) << up.err;
    g_shared->name = name;
  }
  return g_shared->name;
}

std::set<std::string> Contents(const std::string& lab) {
  const auto file = LabFile::Load(*DefaultCacheRoot() / "labs" / lab);
  EXPECT_TRUE(file);
  std::set<std::string> contents;
  if (!file) return contents;
  const auto objects =
      RunOk({.argv = {file->kubectl, "--kubeconfig", file->kubeconfig, "get",
                      "namespaces,pods,configmaps,serviceaccounts,secrets",
                      "--all-namespaces", "--no-headers", "--output",
                      "custom-columns=:kind,:metadata.namespace,"
                      ":metadata.name"}});
  EXPECT_TRUE(objects);
  for (const auto& line : Lines(objects.value_or(""))) contents.insert(line);
  for (const auto& node : file->Workers()) {
    const auto pods =
        Runner({"lab", "shell", "--lab", lab, node.name, "--", "crictl", "pods",
                "--state", "ready", "--quiet", "--no-trunc"});
    EXPECT_TRUE(pods.ended.ok()) << pods.err;
    for (const auto& id : Lines(pods.out)) {
      contents.insert(node.name + " runs " + id);
    }
  }
  return contents;
}

std::vector<pid_t> ProcessesWith(const std::string& text) {
  std::vector<pid_t> found;
  if (text.empty()) return found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (IsPid(name) && CommandLine(name).find(text) != std::string::npos) {
      found.push_back(std::stoi(name));
    }
  }
  return found;
}

Path LabDirectoryOf(const Report& report) {
  const std::string id = report.State().id;
  if (id.empty()) return {};
  return *DefaultCacheRoot() / "labs" / ("run-" + id);
}

}  // namespace lab::e2e
