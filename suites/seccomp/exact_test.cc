// SPDX-License-Identifier: Apache-2.0
// The exact set: what a container's filter does with every call, read from the
// kernel, computed from the profile, and tried in the container.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <iterator>
#include <set>

#include "runner/base/text.h"
#include "runner/seccomp/documents.h"
#include "runner/seccomp/dump.h"
#include "runner/seccomp/profile.h"
#include "runner/seccomp/view.h"
#include "suites/seccomp/fixture.h"

namespace lab::suite {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;

using nlohmann::json;

constexpr const char* kProbe = "/bin/lab-seccomp";

std::vector<std::string> Told(
    const std::vector<seccomp::Difference>& differences) {
  std::vector<std::string> lines;
  for (const auto& one : differences) lines.push_back(one.ToString());
  return lines;
}

class Exact : public Seccomp {
 protected:
  seccomp::Dump DumpOf(const Pod& pod, const std::string& container) const {
    const auto read = Must(world.NodeOf(pod).Ask(
        {"lab-node", "filters", world.PidOf(pod, container)}));
    if (!read.ended.ok()) {
      const auto error = seccomp::FiltersError(read.ended.value, read.err);
      Require(read.ended.value != 4, "no-filters-shown: " + error.what);
      Must(Status(error));
    }
    auto dump = Must(seccomp::ParseFilters(read.out, pod.ToString()));
    Evidence(
        pod.control ? Kind::kControl : Kind::kFilter,
        fmt::format(
            "{}/{}: {} filter(s) of {} instructions, read from "
            "the kernel",
            pod.name, container, dump.filters.size(),
            dump.filters.empty() ? 0 : dump.filters.front().program.size()));
    return dump;
  }

  seccomp::Environment EnvironmentOf(const NodeShell& node,
                                     const seccomp::Dump& dump) const {
    const auto fact = [&](const std::string& name) {
      return Must(Version::In(world.lab().facts.at(node.node() + "." + name)));
    };
    const auto runtime = world.DefaultRuntime(node);
    return {.capabilities = dump.capabilities,
            .kernel = Must(Version::In(dump.kernel)),
            .libseccomp = fact("libseccomp"),
            .oci_runtime = runtime,
            .oci_version = fact(runtime)};
  }

  json ProbeIn(const Pod& pod, const std::string& container) const {
    const auto ran = Must(world.Exec(pod, container, {kProbe}));
    if (ran.status != 0) Must(Status(Error{ran.out + ran.err}));
    return json::parse(ran.out);
  }
};

// What the profile of this version of containerd promises to a container with
// these capabilities on this kernel is what the kernel has, call by call, for
// x86_64, i386 and x32.
TEST_F(Exact, DefaultExact) {
  const auto node = AnyNode();
  const auto pod = ClaimRuns("follows-caps.yaml", node);
  const auto version =
      Must(Version::In(world.lab().facts.at(node.node() + ".runtime")));
  const auto profile =
      Must(seccomp::LoadDefaultProfile(world.home(), "containerd", version));

  std::vector<seccomp::View> installed;
  for (const char* container : {"plain", "time", "admin"}) {
    const auto dump = DumpOf(pod, container);
    ASSERT_EQ(dump.filters.size(), 1u);
    installed.push_back(Must(seccomp::ViewOf(dump.programs())));
    const auto promised = seccomp::ViewOf(
        seccomp::Expectation(profile, EnvironmentOf(node, dump)));
    EXPECT_THAT(Told(seccomp::Compare(promised, installed.back())), IsEmpty())
        << container;
  }
  const auto more = Told(seccomp::Compare(installed[0], installed[2]));
  ASSERT_THAT(more, Contains(HasSubstr("mount")));
  Evidence(Kind::kControl,
           fmt::format("with SYS_ADMIN {} calls are decided otherwise",
                       more.size()));
}

// The same for a file of one's own.
TEST_F(Exact, LocalhostExact) {
  const auto node = AnyNode();
  const auto pod = ClaimRuns("localhost-chmod.yaml", node);
  const auto other = ClaimRuns("nil-twin.yaml", node);
  const auto profile =
      Must(seccomp::ParseProfile(world.SeccompText("chmod.json"), "chmod"));

  const auto dump = DumpOf(pod, "hello");
  const auto installed = Must(seccomp::ViewOf(dump.programs()));
  const auto promised =
      seccomp::ViewOf(seccomp::Expectation(profile, EnvironmentOf(node, dump)));
  const auto by_default =
      Must(seccomp::ViewOf(DumpOf(AsControl(other), "hello").programs()));

  ASSERT_FALSE(seccomp::Compare(installed, by_default).empty());
  Evidence(Kind::kControl, "it is not the runtime's default");
  EXPECT_THAT(Told(seccomp::Compare(promised, installed)), IsEmpty());
}

// A container without a filter has none to read.
TEST_F(Exact, UnconfinedHasNone) {
  const auto node = AnyNode();
  const auto pod = ClaimRuns("stacked.yaml", node);

  const auto one = DumpOf(AsControl(pod), "filtered");
  const auto none = DumpOf(pod, "free");

  ASSERT_EQ(one.filters.size(), 1u);
  EXPECT_THAT(none.filters, IsEmpty());
  EXPECT_THAT(world.FilteringOf(pod, "free"), Unfiltered());
}

// The decision on a call in the words of lab-seccomp; empty if it depends on
// the arguments, or on who listens.
std::string Predicted(const seccomp::CallView& call) {
  const auto always = call.always();
  if (!always) return "";
  if (const int number = always->errno_number(); number >= 0) {
    return "errno " +
           (number == 0 ? std::string("0") : strerrorname_np(number));
  }
  const auto word = always->ToString();
  if (word == "allow" || word == "log") return "allowed";
  if (word.starts_with("kill")) return "kill";
  return word == "trap" ? word : "";
}

std::string Tried(const json& call) {
  const std::string kind = call.at("class");
  if (kind == "errno") return "errno " + call.at("errno").get<std::string>();
  return kind == "not-implemented" ? "allowed" : kind;
}

// Prediction and probe, call by call.
TEST_F(Exact, ProbeAgrees) {
  const auto node = AnyNode();
  const auto pod = ClaimRuns("stacked.yaml", node);

  const auto free = ProbeIn(AsControl(pod), "free");
  const auto tried = ProbeIn(pod, "filtered");
  const auto view = Must(seccomp::ViewOf(DumpOf(pod, "filtered").programs()));

  ASSERT_EQ(free.at("counts").at("errno"), 0);
  ASSERT_EQ(free.at("counts").at("unknown"), 0);
  Evidence(Kind::kControl, "unconfined: " + free.at("counts").dump());
  EXPECT_THAT(world.FilteringOf(pod, "filtered"), FilteredBy(1));
  EXPECT_GT(tried.at("counts").at("errno"), 50);
  EXPECT_EQ(tried.at("counts").at("unknown"), 0);
  EXPECT_LE(tried.at("counts").at("not-probed"), 20);
  Evidence(Kind::kEffect, "RuntimeDefault: " + tried.at("counts").dump());
  std::map<std::uint32_t, std::string> predicted;
  for (const auto& call : view.front().calls) {
    if (const auto word = Predicted(call); !word.empty()) {
      predicted[call.number] = word;
    }
  }
  std::vector<std::string> disagree;
  std::size_t compared = 0;
  for (const auto& call : tried.at("calls")) {
    const auto known = predicted.find(call.at("number"));
    // Since Linux 6.14 the calls of uprobe trampolines pass filters unasked.
    const std::string name = call.at("name");
    if (known == predicted.end() || name == "uretprobe" || name == "uprobe") {
      continue;
    }
    ++compared;
    if (const auto word = Tried(call); word != known->second) {
      disagree.push_back(name + ": filter " + known->second + ", probe " +
                         word);
    }
  }
  EXPECT_THAT(disagree, IsEmpty());
  // The rest depends on arguments.
  EXPECT_GT(compared, 350u);
  Evidence(Kind::kFilter,
           fmt::format("{} calls decided alike by filter and probe", compared));
}

std::string ClassOf(const std::string& name, const json& probe) {
  for (const auto& call : probe.at("calls")) {
    if (call.at("name") == name) return call.at("class");
  }
  return "no such call";
}

// Both answer with SIGSYS; that of a trap reaches a handler.
TEST_F(Exact, TrapCanBeCaught) {
  const auto node = AnyNode();
  const auto pod = ClaimRuns("trap.yaml", node);

  const auto killed = ClassOf("keyctl", ProbeIn(AsControl(pod), "kill"));
  const auto trapped = ClassOf("keyctl", ProbeIn(pod, "trap"));

  ASSERT_EQ(killed, "kill");
  Evidence(Kind::kControl, "SCMP_ACT_KILL_PROCESS: no handler is asked");
  EXPECT_EQ(trapped, "trap");
  Evidence(Kind::kEffect, "SCMP_ACT_TRAP: the probe's handler got SIGSYS");
  EXPECT_THAT(world.FilteringOf(pod, "trap"), FilteredBy(1));
}

// The names in "Blocked Syscalls (55):", in lower case.
std::set<std::string> BlockedIn(const std::string& output) {
  std::set<std::string> names;
  const auto head = output.find("Blocked Syscalls (");
  if (head == std::string::npos) return names;
  const auto begin = output.find('\n', head);
  std::string word;
  for (const char letter : output.substr(begin) + "\n") {
    if (std::isspace(static_cast<unsigned char>(letter)) == 0) {
      word +=
          static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    } else if (!word.empty()) {
      names.insert(word);
      word.clear();
    }
  }
  return names;
}

std::set<std::string> Minus(const std::set<std::string>& left,
                            const std::set<std::string>& right) {
  std::set<std::string> rest;
  std::set_difference(left.begin(), left.end(), right.begin(), right.end(),
                      std::inserter(rest, rest.end()));
  return rest;
}

// S2-14 to S2-17, D-9: the article's three pods, with its tool's layout and
// ways. What it printed holds for its kernel and its runtime; what differs here
// is explained name by name from the profile of the runtime that is here.
TEST_F(Exact, ThreePods) {
  const auto node = NodeWithDefault(true);
  std::map<std::string, std::string> said;
  std::map<std::string, Pod> pods;
  for (const char* file : {"article-default.yaml", "article-unconfined.yaml",
                           "article-nil.yaml"}) {
    pods[file] = Apply(file, node);
  }
  const auto twin = ClaimRuns("nil-twin.yaml", node);
  for (const auto& [file, pod] : pods) {
    said[file] = world.Log(Claim(world.AwaitEnded(pod)));
  }
  const auto& by_default = said["article-default.yaml"];
  const auto& unconfined = said["article-unconfined.yaml"];
  const auto& nil = said["article-nil.yaml"];
  const auto documented = Must(seccomp::LoadDocumentedLists(world.home()));

  ASSERT_THAT(unconfined, HasSubstr("\nSeccomp: disabled\n"));
  Evidence(Kind::kControl, "unconfined: Seccomp: disabled");
  EXPECT_THAT(by_default, HasSubstr("\nSeccomp: filtering\n"));
  EXPECT_EQ(nil, by_default);
  const auto blocked = BlockedIn(by_default);
  const auto anyway = BlockedIn(unconfined);
  EXPECT_THAT(blocked, IsSupersetOf(anyway));
  // What every version of the profile blocks, and no kernel by itself.
  const std::set<std::string> core = {
      "add_key", "keyctl", "request_key", "unshare",
      "setns",   "mount",  "umount2",     "perf_event_open"};
  EXPECT_THAT(Minus(blocked, anyway), IsSupersetOf(core));

  // Name by name: what the filter adds is what the profile of this runtime says
  // the tool would see.
  const auto dump = DumpOf(twin, "hello");
  const auto promised = seccomp::BlockedForTheTool(
      Must(seccomp::ViewOf(dump.programs())), documented);
  const auto added = Minus(blocked, anyway);
  EXPECT_THAT(Minus(added, promised), IsEmpty());
  const auto& then = documented.blocked.at("S2-15");
  Evidence(Kind::kNote,
           "only in the document: " +
               fmt::format("{}", fmt::join(Minus(then, blocked), " ")));
  Evidence(
      Kind::kNote,
      "only here: " + fmt::format("{}", fmt::join(Minus(blocked, then), " ")));
  for (const auto& gone : Minus(then, blocked)) {
    EXPECT_FALSE(promised.contains(gone)) << gone;
  }
}

}  // namespace
}  // namespace lab::suite
