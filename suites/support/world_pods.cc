// SPDX-License-Identifier: Apache-2.0
// World: pods, from the API's side.
#include <fmt/format.h>

#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "runner/cluster/marks.h"
#include "suites/support/must.h"
#include "suites/support/namespace.h"
#include "suites/support/records.h"
#include "suites/support/world.h"

namespace lab::suite {
namespace {

using nlohmann::json;

json Marked(json object, const LabFile& lab) {
  object["metadata"]["labels"][kLabLabel] = lab.name;
  return object;
}

// Admission takes labels of namespaces from a cache that follows the store, so
// its first answers after a change may be those of before. Every level that is
// one minds a privileged pod; if none ever does, the case's claims will tell.
void AwaitLevel(const Api& api, const std::string& name_space, bool enforced) {
  const json pod = {{"metadata", {{"name", "minded"}}},
                    {"spec",
                     {{"containers",
                       {{{"name", "c"},
                         {"image", kFixtureImage},
                         {"securityContext", {{"privileged", true}}}}}}}}};
  const Api::Call call{
      .method = "POST",
      .path = fmt::format("/api/v1/namespaces/{}/{}", name_space, kTryPods),
      .body = pod.dump()};
  constexpr unsigned kForbidden = 403;
  const auto minded =
      WaitUntil("the level to be in force", Deadline::In(5s), 20ms, [&] {
        const auto answer = Must(api.Request(call));
        return answer.status == kForbidden ||
               (!enforced && !answer.warnings.empty());
      });
  (void)minded.has_value();
}

}  // namespace

Pod World::Apply(const std::string& file, const NodeShell* node) {
  json object = Manifest(file);
  if (node != nullptr) {
    object["spec"]["nodeSelector"]["kubernetes.io/hostname"] = node->node();
  }
  json created =
      Must(api_.Post(fmt::format("/api/v1/namespaces/{}/pods", namespace_),
                     Marked(std::move(object), lab_)));
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
  if (!IsRemovedWithNamespace(path, group)) others_ = true;
  return Send({.method = "POST",
               .path = fmt::format("/{}/namespaces/{}/{}",
                                   group.empty() ? "api/v1" : "apis/" + group,
                                   namespace_, path),
               .body = Marked(object, lab_).dump()},
              "create " + object.at("metadata").value("name", path));
}

Reply World::Change(const Pod& pod, const json& patch,
                    const std::string& subresource) const {
  const std::string below = subresource.empty() ? "" : "/" + subresource;
  return Send({.method = "PATCH",
               .path = fmt::format("/api/v1/namespaces/{}/pods/{}{}",
                                   namespace_, pod.name, below),
               .body = patch.dump(),
               .content_type = "application/merge-patch+json"},
              "change " + pod.name + below);
}

Reply World::LabelNamespace(const std::string& key,
                            const std::string& value) const {
  const json patch = {{"metadata", {{"labels", {{key, value}}}}}};
  auto reply = Send({.method = "PATCH",
                     .path = "/api/v1/namespaces/" + namespace_,
                     .body = patch.dump(),
                     .content_type = "application/merge-patch+json"},
                    fmt::format("label the namespace {}={}", key, value));
  const bool enforced = key == kEnforceLevel;
  if (enforced || key == kWarnLevel) AwaitLevel(api_, namespace_, enforced);
  return reply;
}

Pod World::PlaceStaticPod(const NodeShell& node, const std::string& file) {
  json object = Manifest(file);
  json& meta = object.at("metadata");
  meta["namespace"] = namespace_;
  const std::string path = StaticPodFile(namespace_);
  static_pods_.emplace_back(node, path);
  Must(node.AskOk({"tee", path},
                  lab_.profile_names.OnNodes(Marked(object, lab_).dump())));
  Evidence(Kind::kNode, fmt::format("{}: fixtures/pods/{} placed as {}",
                                    node.node(), file, path));
  // The kubelet makes the name so (pkg/kubelet/config, generatePodName).
  const std::string name =
      fmt::format("{}-{}", meta.at("name").get<std::string>(), node.node());
  return Must(Await(Pod{name, json::object(), false}, "to be mirrored",
                    [](const Pod&) { return true; }));
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

Result<Pod> World::AwaitRestarted(const Pod& pod,
                                  const std::string& container) const {
  return Await(pod, "to run " + container + " again", [&](const Pod& p) {
    const auto status = p.ContainerStatus(container);
    return status.value("restartCount", 0) == 1 &&
           status.contains("/state/running"_json_pointer);
  });
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
  const auto refused = [](const Pod& p) {
    const auto waits = p.WaitingReason();
    return p.Running() || (!waits.empty() && waits != "ContainerCreating");
  };
  if (Behaves("kubelet.checks-profile")) {
    return Await(pod, "to be held back", refused, timeout);
  }
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
  return Await(pod, "to show the refusal", refused);
}

Finished World::Kubectl(const std::vector<std::string>& argv) const {
  const ProfileNames& names = lab_.profile_names;
  std::vector<std::string> all = {lab_.kubectl.string(), "--namespace",
                                  namespace_, "--kubeconfig",
                                  lab_.kubeconfig.string()};
  for (const auto& word : argv) all.push_back(names.OnNodes(word));
  auto ran = Must(RunToEnd({.argv = std::move(all)}));
  ran.out = names.InDocuments(ran.out);
  ran.err = names.InDocuments(ran.err);
  const std::string said = ReplaceAll(ran.out + ran.err, "\n", " / ");
  Evidence(Kind::kApi, fmt::format("kubectl {}: {}: {}", ShellQuote(argv),
                                   ran.ended.ToString(), said));
  return ran;
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

}  // namespace lab::suite
