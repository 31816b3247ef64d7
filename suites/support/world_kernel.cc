// SPDX-License-Identifier: Apache-2.0
// World: what the kernel shows of a container, from outside and from inside,
// and in its log.
#include <fmt/format.h>

#include <cstdio>
#include <optional>

#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "suites/support/must.h"
#include "suites/support/records.h"
#include "suites/support/world.h"

namespace lab::suite {
namespace {

using nlohmann::json;

// The lines of JSON that a probe prints.
std::vector<json> JsonLines(const std::string& text) {
  std::vector<json> lines;
  for (const auto& line : Lines(text)) {
    auto object = json::parse(line, nullptr, false);
    if (object.is_object()) lines.push_back(std::move(object));
  }
  return lines;
}

// As the probe and lab-node print it: "2/1".
Result<SeccompState> ParseSeccomp(const std::string& text) {
  SeccompState state;
  if (std::sscanf(text.c_str(), "%d/%d", &state.mode, &state.filters) != 2) {
    return Error{"no seccomp state: " + text};
  }
  return state;
}

template <typename Record>
Result<Record> AwaitAmong(const NodeShell& node, const std::string& what,
                          const std::function<bool(const Record&)>& wanted,
                          const std::function<std::vector<Record>()>& read) {
  std::optional<Record> found;
  std::size_t seen = 0;
  // The kernel's audit thread writes a moment after the act.
  const auto waited =
      WaitUntil("record of " + what, Deadline::In(10s), 100ms, [&] {
        const auto records = read();
        seen = records.size();
        for (const auto& record : records) {
          if (wanted(record)) found = record;
        }
        return found.has_value();
      });
  if (waited) return *found;
  const auto error = waited.error().Within(
      fmt::format("kernel log of {} ({} others)", node.node(), seen));
  // A kernel that may have dropped it is no witness for what did not happen.
  const std::string limit(
      Trim(Must(node.AskOk({"cat", "/proc/sys/kernel/printk_ratelimit"}))));
  if (limit != "0") {
    Must(Status(Error{fmt::format(
        "{}; the node's kernel.printk_ratelimit is {}, so that it may have "
        "dropped it: sysctl -w kernel.printk_ratelimit=0",
        error.what, limit)}));
  }
  return error;
}

}  // namespace

std::string SeccompState::ToString() const {
  return fmt::format("{}/{}", mode, filters);
}

std::vector<std::string> World::ProcessesOf(const NodeShell& node,
                                            const Pod& pod) const {
  const auto text = Must(node.AskOk({"lab-node", "pod", pod.uid()}));
  std::vector<std::string> names;
  for (const auto& line : JsonLines(text)) names.push_back(line.at("comm"));
  Evidence(Kind::kNode, fmt::format("{}: processes of pod {}: {}", node.node(),
                                    pod.name, Join(names, ", ")));
  return names;
}

std::map<std::string, SeccompState> World::SeccompOfProcesses(
    const NodeShell& node, const Pod& pod) const {
  const auto text = Must(node.AskOk({"lab-node", "pod", pod.uid()}));
  std::map<std::string, SeccompState> states;
  std::vector<std::string> told;
  for (const auto& line : JsonLines(text)) {
    const std::string comm = line.at("comm");
    const std::string state = line.at("seccomp").get<std::string>() + "/" +
                              line.at("seccomp_filters").get<std::string>();
    states[comm] = Must(ParseSeccomp(state));
    told.push_back(comm + " " + state);
  }
  Evidence(Kind::kFilter,
           fmt::format("{}: seccomp mode/filters of the processes of pod {}: "
                       "{}",
                       node.node(), pod.name, Join(told, ", ")));
  return states;
}

SeccompState World::SeccompFromNode(const Pod& pod,
                                    const std::string& container) const {
  const json told = FirstProcess(pod, container);
  const std::string state = told.at("seccomp").get<std::string>() + "/" +
                            told.at("seccomp_filters").get<std::string>();
  Evidence(pod.control ? Kind::kControl : Kind::kFilter,
           fmt::format("{}/{}: seccomp mode/filters of its first process from "
                       "the node: {}",
                       pod.name, container, state));
  return Must(ParseSeccomp(state));
}

SeccompState World::SeccompOfNode(const NodeShell& node) const {
  const auto text = Must(node.AskOk({"grep", "Seccomp", "/proc/self/status"}));
  std::map<std::string, std::string> fields;
  for (const auto& line : Lines(text)) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    fields[line.substr(0, colon)] = Trim(line.substr(colon + 1));
  }
  const auto state = fields["Seccomp"] + "/" + fields["Seccomp_filters"];
  Evidence(Kind::kControl, fmt::format("{}: seccomp mode/filters of a process "
                                       "of its own: {}",
                                       node.node(), state));
  return Must(ParseSeccomp(state));
}

bool World::NoNewPrivs(const Pod& pod, const std::string& container) const {
  const std::string set = FirstProcess(pod, container).at("no_new_privs");
  Evidence(pod.control ? Kind::kControl : Kind::kNode,
           fmt::format("{}/{}: NoNewPrivs {} of its first process", pod.name,
                       container, set));
  return set == "1";
}

json World::RuntimeSpec(const Pod& pod, const std::string& container) const {
  const auto node = NodeOf(pod);
  const json inspected = json::parse(Must(node.AskOk(
      {"crictl", "--timeout=30s", "inspect", pod.ContainerId(container)})));
  const json spec = inspected.at("/info/runtimeSpec"_json_pointer);
  const auto filter = spec.value("/linux/seccomp"_json_pointer, json());
  Evidence(
      pod.control ? Kind::kControl : Kind::kNode,
      fmt::format("{}: containerd on {} asks its runtime for {}", pod.name,
                  node.node(),
                  filter.is_null()
                      ? "no filter"
                      : fmt::format("a filter, {} rules, default {}",
                                    filter.value("syscalls", json()).size(),
                                    filter.value("defaultAction", ""))));
  return spec;
}

std::string World::PidOf(const Pod& pod, const std::string& container) const {
  return FirstProcess(pod, container).at("pid").dump();
}

json World::FirstProcess(const Pod& pod, const std::string& container) const {
  return json::parse(Must(
      NodeOf(pod).AskOk({"lab-node", "process", pod.ContainerId(container)})));
}

Label World::LabelFromNode(const Pod& pod, const std::string& container) const {
  const std::string label = FirstProcess(pod, container).at("label");
  Evidence(pod.control ? Kind::kControl : Kind::kLabel,
           fmt::format("{}/{}: label of its first process from the node: {}",
                       pod.name, container, label));
  return Must(ParseLabel(label));
}

void World::Signal(const Pod& pod, const std::string& container,
                   const std::string& signal) const {
  const std::string pid = FirstProcess(pod, container).at("pid").dump();
  Must(NodeOf(pod).AskOk({"kill", "-" + signal, pid}));
  Evidence(Kind::kNode, fmt::format("{}/{}: sent SIG{} to PID {}", pod.name,
                                    container, signal, pid));
}

Result<ExecResult> World::Exec(const Pod& pod, const std::string& container,
                               const std::vector<std::string>& argv) const {
  LAB_TRY(auto result, api_.Exec({.name_space = namespace_,
                                  .pod = pod.name,
                                  .container = container,
                                  .argv = argv}));
  if (result.status < 0) {
    return Error{fmt::format("exec {} in pod {}: {}", ShellQuote(argv),
                             pod.name, result.failure)};
  }
  return result;
}

const World::Inside& World::InsideOf(const Pod& pod,
                                     const std::string& container) {
  const std::string key = pod.name + "/" + container;
  if (!inside_.contains(key)) Try(pod, {}, container);
  return inside_.at(key);
}

Confinement World::ConfinementOf(const Pod& pod, const std::string& container) {
  const Inside& inside = InsideOf(pod, container);
  const auto node = NodeOf(pod);
  const json told = FirstProcess(pod, container);
  const std::string outside = told.at("label");
  Evidence(pod.control ? Kind::kControl : Kind::kLabel,
           fmt::format("{}{}{}: /proc/1/attr/current inside: {}; of an exec'd "
                       "process: {}; of its PID {} on {}: {}",
                       pod.name, container.empty() ? "" : "/", container,
                       inside.first, inside.self, told.at("pid").dump(),
                       node.node(), outside));
  return {Must(ParseLabel(inside.first)), Must(ParseLabel(inside.self)),
          Must(ParseLabel(outside))};
}

Filtering World::FilteringOf(const Pod& pod, const std::string& container) {
  const Inside& inside = InsideOf(pod, container);
  const auto node = NodeOf(pod);
  const json told = FirstProcess(pod, container);
  const std::string outside = told.at("seccomp").get<std::string>() + "/" +
                              told.at("seccomp_filters").get<std::string>();
  Evidence(pod.control ? Kind::kControl : Kind::kFilter,
           fmt::format("{}{}{}: seccomp mode/filters of PID 1 inside: {}; of "
                       "an exec'd process: {}; of its PID {} on {}: {}",
                       pod.name, container.empty() ? "" : "/", container,
                       inside.first_seccomp, inside.self_seccomp,
                       told.at("pid").dump(), node.node(), outside));
  return {Must(ParseSeccomp(inside.first_seccomp)),
          Must(ParseSeccomp(inside.self_seccomp)), Must(ParseSeccomp(outside))};
}

StartReport World::Started(const Pod& pod, const std::vector<std::string>& acts,
                           const std::string& container) const {
  const std::string path = fmt::format(
      "/api/v1/namespaces/{}/pods/{}/log{}", namespace_, pod.name,
      container.empty() ? "" : "?container=" + UrlEncode(container));
  std::vector<json> told;
  std::string last;
  const auto waited = WaitUntil(
      "what " + pod.name + " says of itself", Deadline::In(20s), 20ms, [&] {
        const auto answer = api_.Request({.path = path});
        last = answer ? answer->body : answer.error().what;
        told = JsonLines(last);
        return told.size() == acts.size() + 1;
      });
  if (!waited) Must(Status(waited.error().Within(last)));
  StartReport report;
  std::vector<std::string> noted;
  for (const auto& line : told) {
    const std::string act = line.at("act");
    if (act == "label") {
      report.first = Must(ParseSeccomp(line.at("first_seccomp")));
    } else {
      report.outcomes[act] = line.at("errno");
      noted.push_back(act + " " + line.value("name", ""));
    }
  }
  const std::string where = pod.name + "/" + container;
  Evidence(pod.control ? Kind::kControl : Kind::kFilter,
           fmt::format("{}: seccomp mode/filters of PID 1 inside: {}", where,
                       report.first.ToString()));
  Evidence(pod.control ? Kind::kControl : Kind::kEffect,
           fmt::format("{}: {}", where, Join(noted, ", ")));
  return report;
}

Outcomes World::Try(const Pod& pod, const std::vector<std::string>& acts,
                    const std::string& container) {
  std::vector<std::string> argv = {"/bin/probe", "label"};
  argv.insert(argv.end(), acts.begin(), acts.end());
  const auto ran = Must(Exec(pod, container, argv));
  Outcomes outcomes;
  std::vector<std::string> told;
  for (const auto& line : JsonLines(ran.out)) {
    const std::string act = line.at("act");
    if (act == "label") {
      inside_[pod.name + "/" + container] = {line.at("first"), line.at("self"),
                                             line.at("first_seccomp"),
                                             line.at("self_seccomp")};
      continue;
    }
    outcomes[act] = line.at("errno");
    told.push_back(act + " " + line.value("name", ""));
  }
  if (ran.status != 0 || outcomes.size() != acts.size()) {
    Must(Status(Error{fmt::format("probe in pod {}: exit {}: {}{}", pod.name,
                                  ran.status, ran.out, ran.err)}));
  }
  if (!told.empty()) {
    Evidence(pod.control ? Kind::kControl : Kind::kEffect,
             fmt::format("{}{}{}: {}", pod.name, container.empty() ? "" : "/",
                         container, Join(told, ", ")));
  }
  return outcomes;
}

unsigned long long World::LogEnd(const NodeShell& node) const {
  return json::parse(Must(node.AskOk({"lab-node", "kmsg-end"}))).at("next");
}

std::vector<std::string> World::LinesSince(const NodeShell& node,
                                           unsigned long long since) const {
  std::vector<std::string> lines;
  const auto text =
      Must(node.AskOk({"lab-node", "kmsg", std::to_string(since)}));
  for (const auto& line : JsonLines(text)) {
    if (line.contains("line")) lines.push_back(line.at("line"));
  }
  return lines;
}

std::vector<AuditRecord> World::LogSince(const NodeShell& node,
                                         unsigned long long since) const {
  std::vector<AuditRecord> records;
  for (const auto& line : LinesSince(node, since)) {
    if (auto record = ParseAuditLine(line)) records.push_back(*record);
  }
  return records;
}

std::vector<SeccompRecord> World::SeccompLogSince(
    const NodeShell& node, unsigned long long since) const {
  std::vector<SeccompRecord> records;
  for (const auto& line : LinesSince(node, since)) {
    if (auto record = ParseSeccompLine(line)) records.push_back(*record);
  }
  return records;
}

Result<AuditRecord> World::AwaitRecord(
    const NodeShell& node, unsigned long long since, const std::string& what,
    const std::function<bool(const AuditRecord&)>& wanted) const {
  LAB_TRY(const auto found, AwaitAmong<AuditRecord>(node, what, wanted, [&] {
            return LogSince(node, since);
          }));
  Evidence(Kind::kTrace,
           fmt::format("{}: apparmor={} operation={} profile={} name={} "
                       "comm={} requested_mask={} denied_mask={}",
                       node.node(), AuditEventName(found.event),
                       found.operation, found.profile, found.name, found.comm,
                       found.requested_mask, found.denied_mask));
  return found;
}

Result<SeccompRecord> World::AwaitSeccompRecord(
    const NodeShell& node, unsigned long long since, const std::string& what,
    const std::function<bool(const SeccompRecord&)>& wanted) const {
  LAB_TRY(const auto found, AwaitAmong<SeccompRecord>(node, what, wanted, [&] {
            return SeccompLogSince(node, since);
          }));
  Evidence(Kind::kTrace,
           fmt::format("{}: seccomp: comm={} sig={} arch={:#x} syscall={} "
                       "code={:#x}",
                       node.node(), found.comm, found.signal, found.arch,
                       found.syscall, found.code));
  return found;
}

}  // namespace lab::suite
