// SPDX-License-Identifier: Apache-2.0
#include "tests/lab/kind_fixture.h"

#include <fmt/format.h>

#include <cstdlib>

#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "runner/components/cache.h"

namespace lab::e2e {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// What the kernel writes there by itself: counters, and what it adapts.
bool IsCounter(const std::string& name) {
  for (const char* counter :
       {"/kernel/random/", "/kernel/ns_last_pid", "/kernel/pty/nr",
        "/kernel/perf_event_max_sample_rate", "/fs/file-nr", "/fs/inode-",
        "/fs/dentry-state", "/fs/aio-nr", "/fs/quota/",
        "/kernel/hung_task_detect_count", "/kernel/tainted"}) {
    if (name.find(counter) != std::string::npos) return true;
  }
  return false;
}

void AddSettings(std::set<std::string>& state) {
  std::error_code code;
  for (const char* part : {"kernel", "vm", "fs", "net/core"}) {
    const fs::recursive_directory_iterator all(
        Path("/proc/sys") / part, fs::directory_options::skip_permission_denied,
        code);
    for (const auto& entry : all) {
      if (!entry.is_regular_file(code) || IsCounter(entry.path())) continue;
      // Some can only be written.
      const auto value = ReadFile(entry.path());
      if (value) state.insert(entry.path().string() + " " + *value);
    }
  }
  for (const char* one : {"/proc/sys/net/ipv4/ip_forward"}) {
    state.insert(one + (" " + ReadFile(one).value_or("")));
  }
}

void AddNames(const std::string& what, const Path& directory,
              std::set<std::string>& state, const std::string& prefix = "") {
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(directory, code)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(prefix))
      state.insert(what + " " + entry.path().string());
  }
}

// A container's processes have one of their own.
void AddPidNamespaces(std::set<std::string>& state) {
  std::error_code code;
  for (const auto& entry : fs::directory_iterator("/proc", code)) {
    const auto space = fs::read_symlink(entry.path() / "ns/pid", code);
    if (!code) state.insert("namespace " + space.string());
  }
}

}  // namespace

const std::string kOneWorker =
    std::string(LAB_SOURCE_DIR) + "/kind-configs/one-worker.yaml";

std::string WhyNoKindLab(const std::string& engine) {
  const auto said = Runner({"doctor", "--lab", "kind", "--json"});
  const json told = json::parse(said.out, nullptr, false);
  for (const auto& finding : told.value("findings", json::array())) {
    if (finding.value("name", "") == engine &&
        finding.value("state", "") == "MISSING") {
      return finding.value("seen", "");
    }
  }
  return "";
}

std::set<std::string> HostState() {
  std::set<std::string> state;
  AddSettings(state);
  AddPidNamespaces(state);
  AddNames("link", "/sys/class/net", state);
  AddNames("group", "/sys/fs/cgroup", state, "confinement-lab");
  std::error_code code;
  for (const auto& entry : fs::directory_iterator("/sys/fs/cgroup", code)) {
    AddNames("group", entry.path(), state, "confinement-lab");
  }
  for (const auto& line : Lines(ReadFile("/proc/mounts").value_or(""))) {
    state.insert("mount " + line);
  }
  const auto rules = RunToEnd({.argv = {"iptables-save"}});
  for (const auto& line : Lines(rules ? rules->out : "")) {
    if (!line.starts_with('#')) state.insert("rule " + line);
  }
  const Path cache = *DefaultCacheRoot();
  AddNames("lab", cache / "labs", state);
  AddNames("dockerd", cache / "docker/run", state);
  AddNames("container", cache / "docker/data/containers", state);
  AddNames("noted", cache / "kind", state, "settings");
  for (const auto& entry :
       fs::directory_iterator(cache / "docker/data/volumes", code)) {
    if (entry.is_directory(code))
      state.insert("volume " + entry.path().string());
  }
  return state;
}

void KindFixture::SetUp() {
  ::unsetenv("KIND_EXPERIMENTAL_PROVIDER");
  if (const auto why = WhyNoKindLab("Docker"); !why.empty()) {
    GTEST_SKIP() << why;
  }
  before_ = HostState();
}

void KindFixture::ExpectNothingLeft() const {
  const std::string cache = DefaultCacheRoot()->string();
  Await("the private dockerd to end", 30s, [&] {
    return ProcessesWith(cache + "/docker").empty() &&
           ProcessesWith("__dockerd " + cache).empty();
  });
  const auto after = HostState();
  for (const auto& line : after) {
    EXPECT_TRUE(before_.contains(line)) << "left: " << line;
  }
  for (const auto& line : before_) {
    EXPECT_TRUE(after.contains(line)) << "gone: " << line;
  }
}

Finished Docker(std::vector<std::string> arguments, std::string host) {
  if (host.empty()) {
    host =
        "unix://" + (*DefaultCacheRoot() / "docker/run/docker.sock").string();
  }
  arguments.insert(arguments.begin(), {"docker", "--host", host});
  const auto said = RunToEnd({.argv = std::move(arguments)});
  EXPECT_TRUE(said) << (said ? "" : said.error().what);
  return said ? *said : Finished{};
}

}  // namespace lab::e2e
