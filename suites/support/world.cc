// SPDX-License-Identifier: Apache-2.0
#include "suites/support/world.h"

#include <fmt/format.h>

#include <cstdlib>
#include <optional>

#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "runner/cluster/yaml.h"
#include "suites/support/must.h"
#include "suites/support/records.h"

namespace lab::suite {
namespace {

using nlohmann::json;

LabFile LoadLab() {
  const char* file = std::getenv("LAB_FILE");
  return Must(LabFile::Load(file != nullptr ? file : ""));
}

Path Home() {
  const char* home = std::getenv("LAB_HOME");
  return home != nullptr ? Path(home) : Path(LAB_SOURCE_DIR);
}

json Meta(const std::string& name) {
  return {{"metadata",
           {{"name", name}, {"labels", {{"confinement-lab", "case"}}}}}};
}

// The lines of JSON that a probe prints.
std::vector<json> JsonLines(const std::string& text) {
  std::vector<json> lines;
  for (const auto& line : Lines(text)) {
    auto object = json::parse(line, nullptr, false);
    if (object.is_object()) lines.push_back(std::move(object));
  }
  return lines;
}

}  // namespace

std::string Reply::message() const {
  return accepted() ? "" : object.value("message", object.dump());
}

World::World()
    : lab_(LoadLab()),
      behaviours_(Must(Behaviours::Load(Home()))),
      api_(lab_.api_socket) {
  namespace_ =
      ReplaceAll(CaseId().substr(0, 48), ".", "-") + "-" + RandomHex(4);
  Must(api_.Post("/api/v1/namespaces", Meta(namespace_)));
  // A pod before its namespace's service account is refused.
  Must(api_.Watch(
      {.path = fmt::format("/api/v1/namespaces/{}/serviceaccounts?watch=1",
                           namespace_),
       .what = "default service account",
       .timeout = 20s,
       .done = [](const std::string&, const json& account) {
         return account.at("metadata").value("name", "") == "default";
       }}));
}

World::~World() {
  // A lab of this run only is about to be thrown away with all that is in it;
  // tidying it up first costs its nodes as much as the cases.
  const char* throwaway = std::getenv("LAB_THROWAWAY");
  if (throwaway != nullptr && *throwaway == '1') return;
  const std::string pods =
      fmt::format("/api/v1/namespaces/{}/pods", namespace_);
  std::vector<Status> done = {api_.Delete(pods),
                              api_.Delete("/api/v1/namespaces/" + namespace_)};
  for (const auto& [node, profile] : loaded_) {
    done.push_back(node.RemoveProfile(profile));
  }
  for (const auto& [node, key] : labelled_) {
    const auto patched =
        api_.Patch("/api/v1/nodes/" + node.node(),
                   {{"metadata", {{"labels", {{key, nullptr}}}}}});
    done.push_back(patched ? Status() : Status(patched.error()));
  }
  for (const auto& one : done) {
    if (!one) Evidence(Kind::kNote, "clean-up: " + one.error().what);
  }
}

std::vector<NodeShell> World::Workers() const {
  std::vector<NodeShell> shells;
  for (const auto& node : lab_.Workers()) shells.emplace_back(lab_, node.name);
  return shells;
}

bool World::Behaves(const std::string& behaviour, const NodeShell* node) const {
  return Must(
      behaviours_.Holds(behaviour, lab_, node != nullptr ? node->node() : ""));
}

std::vector<LoadedProfile> World::Profiles(const NodeShell& node) const {
  return Must(ParseProfiles(Must(node.ProfilesText())));
}

bool World::HasProfile(const NodeShell& node, const std::string& profile,
                       Kind kind) const {
  const auto profiles = Profiles(node);
  const bool has = FindProfile(profiles, profile) != nullptr;
  Evidence(kind, fmt::format("{}: profile {} is {}", node.node(), profile,
                             has ? "loaded" : "not loaded"));
  return has;
}

NodeShell World::NodeWith(const std::vector<std::string>& profiles) const {
  std::vector<NodeShell> fit;
  for (const auto& node : Workers()) {
    const auto loaded = Profiles(node);
    bool all = true;
    for (const auto& profile : profiles) {
      all = all && FindProfile(loaded, profile) != nullptr;
    }
    if (all) fit.push_back(node);
  }
  if (fit.empty()) {
    Must(Status(Error{"no worker has loaded " + Join(profiles, ", ")}));
  }
  const auto& chosen = fit[std::hash<std::string>()(CaseId()) % fit.size()];
  if (!profiles.empty()) {
    Evidence(Kind::kNode, fmt::format("{}: loaded: {}", chosen.node(),
                                      Join(profiles, ", ")));
  }
  return chosen;
}

NodeShell World::NodeOf(const Pod& pod) const {
  return NodeShell(lab_, pod.node());
}

void World::LoadProfile(const NodeShell& node, const std::string& profile) {
  const auto text = ProfileText(profile);
  loaded_.emplace_back(node, profile);
  Must(node.LoadProfile(profile, text));
  Evidence(Kind::kNode,
           fmt::format("{}: loaded profile {}", node.node(), profile));
}

void World::ReplaceProfile(const NodeShell& node, const std::string& profile,
                           const std::string& file) {
  const auto text = ProfileText(file);
  Must(node.LoadProfile(profile, text));
  Evidence(Kind::kNode, fmt::format("{}: replaced profile {} by {}",
                                    node.node(), profile, file));
}

void World::RemoveProfile(const NodeShell& node, const std::string& profile) {
  Must(node.RemoveProfile(profile));
  Evidence(Kind::kNode,
           fmt::format("{}: removed profile {}", node.node(), profile));
}

void World::RemoveAtEnd(const NodeShell& node, const std::string& profile) {
  loaded_.emplace_back(node, profile);
}

void World::LabelNode(const NodeShell& node, const std::string& key,
                      const std::string& value) {
  labelled_.emplace_back(node, key);
  Must(api_.Patch("/api/v1/nodes/" + node.node(),
                  {{"metadata", {{"labels", {{key, value}}}}}}));
  Evidence(Kind::kNode,
           fmt::format("{}: label {}={}", node.node(), key, value));
}

json World::Manifest(const std::string& file) const {
  return Fixture("pods/" + file);
}

json World::Fixture(const std::string& path) const {
  const Path file = Home() / "fixtures" / path;
  return Must(ParseYaml(Must(ReadFile(file)), file.string()));
}

std::string World::ProfileText(const std::string& file) const {
  return Must(ReadFile(Home() / "profiles" / "apparmor" / file));
}

Pod World::Apply(const std::string& file, const NodeShell* node) {
  json object = Manifest(file);
  if (node != nullptr) {
    object["spec"]["nodeSelector"]["kubernetes.io/hostname"] = node->node();
  }
  json created = Must(
      api_.Post(fmt::format("/api/v1/namespaces/{}/pods", namespace_), object));
  const std::string name = created.at("metadata").at("name");
  Evidence(Kind::kApi,
           fmt::format("pod {} created from fixtures/pods/{}", name, file));
  return Pod{name, std::move(created), false};
}

Reply World::Send(const Api::Call& call, const std::string& what) const {
  const auto answer = Must(api_.Request(call));
  Reply reply{answer.status, json::parse(answer.body, nullptr, false),
              answer.warnings};
  if (!reply.object.is_object()) {
    Must(Status(Error{fmt::format("{}: the answer is no object: {}", what,
                                  answer.body.substr(0, 200))}));
  }
  Evidence(Kind::kApi,
           fmt::format("{}: HTTP {} {}{}", what, reply.status, reply.message(),
                       reply.warnings.empty()
                           ? ""
                           : "; Warning: " + Join(reply.warnings, "; ")));
  return reply;
}

Reply World::Submit(const json& object, const std::string& path,
                    const std::string& group) const {
  return Send({.method = "POST",
               .path = fmt::format("/{}/namespaces/{}/{}",
                                   group.empty() ? "api/v1" : "apis/" + group,
                                   namespace_, path),
               .body = object.dump()},
              "create " + object.at("metadata").value("name", path));
}

Reply World::Change(const Pod& pod, const json& patch) const {
  return Send({.method = "PATCH",
               .path = fmt::format("/api/v1/namespaces/{}/pods/{}", namespace_,
                                   pod.name),
               .body = patch.dump(),
               .content_type = "application/merge-patch+json"},
              "change " + pod.name);
}

Reply World::AddEphemeral(const Pod& pod, const std::string& path) const {
  return Send(
      {.method = "PATCH",
       .path = fmt::format("/api/v1/namespaces/{}/pods/{}/ephemeralcontainers",
                           namespace_, pod.name),
       .body = Fixture(path).dump(),
       .content_type = "application/strategic-merge-patch+json"},
      "add the ephemeral containers of " + path + " to " + pod.name);
}

void World::Delete(const Pod& pod) const {
  Send({.method = "DELETE",
        .path =
            fmt::format("/api/v1/namespaces/{}/pods/{}", namespace_, pod.name)},
       "delete " + pod.name);
}

Result<Pod> World::Await(const Pod& pod, const std::string& what,
                         const std::function<bool(const Pod&)>& done,
                         Duration timeout) const {
  const auto as_pod = [&](const json& object) {
    return Pod{pod.name, object, pod.control};
  };
  LAB_TRY(auto object,
          api_.Watch(
              {.path = fmt::format("/api/v1/namespaces/{}/pods?watch=1&"
                                   "fieldSelector=metadata.name={}",
                                   namespace_, pod.name),
               .what = fmt::format("pod {} {}", pod.name, what),
               .timeout = timeout,
               .done =
                   [&](const std::string& type, const json& seen) {
                     return type != "DELETED" && done(as_pod(seen));
                   },
               .describe =
                   [&](const json& seen) { return as_pod(seen).ToString(); }}));
  Pod now{pod.name, std::move(object), pod.control};
  Evidence(now.control ? Kind::kControl : Kind::kApi,
           "pod " + now.name + ": " + now.ToString());
  return now;
}

Result<Pod> World::AwaitRunning(const Pod& pod, Duration timeout) const {
  return Await(
      pod, "to run", [](const Pod& p) { return p.Running(); }, timeout);
}

Result<Pod> World::AwaitEnded(const Pod& pod, Duration timeout) const {
  return Await(
      pod, "to end",
      [](const Pod& p) {
        return p.phase() == "Succeeded" || p.phase() == "Failed";
      },
      timeout);
}

Result<Pod> World::AwaitRefused(const Pod& pod, int count,
                                Duration timeout) const {
  const std::string reason = "Failed";
  LAB_TRY(const auto event,
          api_.Watch(
              {.path = fmt::format("/api/v1/namespaces/{}/events?watch=1&"
                                   "fieldSelector=involvedObject.name={},"
                                   "reason={}",
                                   namespace_, pod.name, reason),
               .what = fmt::format("{} refused attempts to create the "
                                   "container of pod {}",
                                   count, pod.name),
               .timeout = timeout,
               .done =
                   [&](const std::string&, const json& seen) {
                     return seen.value("count", 1) >= count;
                   },
               .describe =
                   [](const json& seen) {
                     return fmt::format("{} times: {}", seen.value("count", 1),
                                        seen.value("message", ""));
                   }}));
  Evidence(Kind::kApi,
           fmt::format("event {} {} (x{}): {}", event.value("type", ""), reason,
                       event.value("count", 1), event.value("message", "")));
  // The status follows the event.
  return Await(pod, "to show the refusal", [](const Pod& p) {
    const auto waits = p.WaitingReason();
    return p.Running() || (!waits.empty() && waits != "ContainerCreating");
  });
}

std::vector<json> World::Events(const Pod& pod) const {
  const json list =
      Must(api_.Get(fmt::format("/api/v1/namespaces/{}/events?fieldSelector="
                                "involvedObject.uid={}",
                                namespace_, pod.uid())));
  return list.at("items");
}

std::string World::Log(const Pod& pod, const std::string& container) const {
  const std::string query =
      container.empty() ? "" : "?container=" + UrlEncode(container);
  const auto answer = Must(
      api_.Request({.path = fmt::format("/api/v1/namespaces/{}/pods/{}/log{}",
                                        namespace_, pod.name, query)}));
  const std::string log = answer.status == 200 ? answer.body : "";
  Evidence(
      pod.control ? Kind::kControl : Kind::kEffect,
      fmt::format("log of {}{}{}: {}", pod.name, container.empty() ? "" : "/",
                  container, log.empty() ? "none" : std::string(Trim(log))));
  return log;
}

Result<std::string> World::AwaitLog(const Pod& pod,
                                    const std::string& container,
                                    const std::string& line) const {
  const std::string path =
      fmt::format("/api/v1/namespaces/{}/pods/{}/log?container={}", namespace_,
                  pod.name, UrlEncode(container));
  std::string log;
  const auto waited =
      WaitUntil(fmt::format("the line \"{}\" in the log of {}/{}", line,
                            pod.name, container),
                Deadline::In(20s), 200ms, [&] {
                  const auto answer = api_.Request({.path = path});
                  if (answer && answer->status == 200) log = answer->body;
                  const auto lines = Lines(Trim(log));
                  return !lines.empty() && lines.back() == line;
                });
  if (!waited) return waited.error().Within(std::string(Trim(log)));
  Evidence(pod.control ? Kind::kControl : Kind::kEffect,
           fmt::format("log of {}/{} ends: {}", pod.name, container, line));
  return log;
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

Confinement World::ConfinementOf(const Pod& pod, const std::string& container) {
  const std::string key = pod.name + "/" + container;
  if (!inside_.contains(key)) Try(pod, {}, container);
  const InsideLabels& inside = inside_.at(key);
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
      inside_[pod.name + "/" + container] = {line.at("first"), line.at("self")};
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

std::vector<AuditRecord> World::LogSince(const NodeShell& node,
                                         unsigned long long since) const {
  std::vector<AuditRecord> records;
  const auto text =
      Must(node.AskOk({"lab-node", "kmsg", std::to_string(since)}));
  for (const auto& line : JsonLines(text)) {
    if (!line.contains("line")) continue;
    if (auto record = ParseAuditLine(line.at("line").get<std::string>())) {
      records.push_back(std::move(*record));
    }
  }
  return records;
}

Result<AuditRecord> World::AwaitRecord(
    const NodeShell& node, unsigned long long since, const std::string& what,
    const std::function<bool(const AuditRecord&)>& wanted) const {
  std::optional<AuditRecord> found;
  std::size_t seen = 0;
  // The kernel's audit thread writes a moment after the act.
  const auto waited =
      WaitUntil("record of " + what, Deadline::In(10s), 100ms, [&] {
        const auto records = LogSince(node, since);
        seen = records.size();
        for (const auto& record : records) {
          if (wanted(record)) found = record;
        }
        return found.has_value();
      });
  if (!waited) {
    return waited.error().Within(fmt::format(
        "kernel log of {} ({} other AppArmor records)", node.node(), seen));
  }
  Evidence(Kind::kTrace,
           fmt::format("{}: apparmor={} operation={} profile={} name={} "
                       "comm={} requested_mask={} denied_mask={}",
                       node.node(), AuditEventName(found->event),
                       found->operation, found->profile, found->name,
                       found->comm, found->requested_mask, found->denied_mask));
  return *found;
}

}  // namespace lab::suite
