// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/sabotage.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "runner/cluster/api.h"
#include "runner/cluster/node.h"

namespace lab {
namespace {

using nlohmann::json;

// Where a node keeps what covers its files, and what it had before.
constexpr const char* kNodeDirectory = "/run/confinement-lab/sabotage/";
constexpr const char* kTrue = ".true";
// Where containerd keeps the layers of images, unpacked.
constexpr const char* kSnapshots =
    "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots";

// What each action takes.
const std::map<std::string, std::set<std::string>>& Actions() {
  static const std::map<std::string, std::set<std::string>> actions = {
      {"replace-profile", {"profile", "with"}},
      {"replace-all-profiles", {"with"}},
      {"replace-all-seccomp", {"with"}},
      {"replace-seccomp", {"profile", "with"}},
      {"load-profile", {"profile"}},
      {"load-withheld", {}},
      {"skip-node", {"node"}},
      {"apply", {"manifest"}},
      {"write-node-file", {"path", "text"}},
      {"cover-node-file", {"path", "text", "with", "runtime"}},
      {"replace-image-file", {"path", "with"}},
      {"replace-kubectl", {"with"}},
  };
  return actions;
}

Result<SabotageAction> ReadAction(const json& j, const std::string& sabotage) {
  const std::string action = j.at("action");
  const auto known = Actions().find(action);
  if (known == Actions().end()) {
    return Error{
        fmt::format("sabotage {}: unknown action \"{}\"", sabotage, action)};
  }
  for (const auto& [field, value] : j.items()) {
    if (field == "action" || known->second.contains(field)) continue;
    return Error{fmt::format("sabotage {}: action {} has no field \"{}\"",
                             sabotage, action, field)};
  }
  return SabotageAction{action,
                        j.value("profile", ""),
                        j.value("with", ""),
                        j.value("node", ""),
                        j.value("manifest", ""),
                        j.value("path", ""),
                        j.value("text", ""),
                        j.value("runtime", "")};
}

std::string NodeFile(const SabotageAction& action) {
  return kNodeDirectory + ReplaceAll(action.path, "/", "_");
}

Status OnEveryWorker(const LabFile& lab,
                     const std::vector<std::vector<std::string>>& commands,
                     const std::string& input = "") {
  for (const auto& worker : lab.Workers()) {
    const NodeShell node(lab, worker.name);
    for (const auto& argv : commands) {
      LAB_TRY(const auto said, node.AskOk(argv, input));
    }
  }
  return {};
}

Result<std::string> Kubectl(const LabFile& lab, const std::string& verb,
                            const Path& manifest) {
  return RunOk(
      {.argv = {lab.kubectl.string(), "--kubeconfig", lab.kubeconfig.string(),
                verb, "-f", manifest.string()},
       .timeout = 60s});
}

// The file `path` in every image of a node that has it.
Result<std::vector<std::string>> FindInImages(const NodeShell& node,
                                              const std::string& path) {
  LAB_TRY(const auto found,
          node.AskOk({"find", kSnapshots, "-path",
                      std::string(kSnapshots) + "/*/fs" + path, "-type", "f"}));
  return Lines(found);
}

// In the layers themselves: a mount there would not reach the containers. No
// container uses them yet.
Status ReplaceInImages(const LabFile& lab, const std::string& path,
                       const std::string& text) {
  for (const auto& worker : lab.Workers()) {
    const NodeShell node(lab, worker.name);
    LAB_TRY(const auto files, FindInImages(node, path));
    if (files.empty()) {
      return Error{fmt::format("node {}: no image has {}", worker.name, path)};
    }
    for (const auto& file : files) {
      LAB_TRY(const auto moved, node.AskOk({"mv", file, file + kTrue}));
      LAB_TRY(const auto put,
              node.AskOk({"dd", "of=" + file, "status=none"}, text));
      LAB_TRY(const auto made, node.AskOk({"chmod", "755", file}));
    }
  }
  return {};
}

Status RestoreInImages(const LabFile& lab, const std::string& path) {
  for (const auto& worker : lab.Workers()) {
    const NodeShell node(lab, worker.name);
    LAB_TRY(const auto files, FindInImages(node, path + kTrue));
    for (const auto& file : files) {
      LAB_TRY(const auto moved,
              node.AskOk({"mv", file, file.substr(0, file.rfind(kTrue))}));
    }
  }
  return {};
}

// An admission policy takes effect a moment after it is there. Each manifest
// that holds one lets it mark config maps, too, as "sabotaged".
Status AwaitPolicies(const LabFile& lab) {
  const Api api(lab.api_socket);
  const Api::Call probe{
      .method = "POST",
      .path = "/api/v1/namespaces/default/configmaps?dryRun=All",
      .body = R"({"metadata":{"name":"sabotage-probe"}})"};
  Status failed;
  auto effective = WaitUntil(
      "admission policies of the sabotage", Deadline::In(30s), 100ms, [&] {
        const auto made = api.Json(probe);
        if (!made) {
          failed = made.error();
          return true;
        }
        const auto meta = made->at("metadata");
        return meta.value("labels", json::object()).contains("sabotaged");
      });
  LAB_CHECK_OK(failed);
  return effective;
}

// One that nothing comes by would leave all green, as if no case were worth
// anything.
Status CheckRuntime(const SabotageAction& action, const LabFile& lab) {
  if (action.runtime.empty()) return {};
  for (const auto& worker : lab.Workers()) {
    const auto runtime = lab.FactOf(worker.name, "default-runtime");
    if (runtime == action.runtime) continue;
    return Error{fmt::format(
        "it stands in the place of {}, and {} runs pods with {}; take a vm lab",
        action.runtime, worker.name, runtime)};
  }
  return {};
}

Status Begin(const Path& home, const SabotageAction& action, LabFile& lab) {
  LAB_CHECK_OK(CheckRuntime(action, lab));
  if (action.action == "apply") {
    LAB_TRY(const auto said, Kubectl(lab, "apply", home / action.manifest));
    return AwaitPolicies(lab);
  }
  if (action.action == "write-node-file") {
    return OnEveryWorker(lab,
                         {{"mkdir", "-p", kNodeDirectory},
                          {"cp", action.path, NodeFile(action)},
                          {"dd", "of=" + action.path, "status=none"}},
                         action.text);
  }
  if (action.action == "cover-node-file") {
    std::string text = action.text;
    if (!action.with.empty()) {
      LAB_TRY(text, ReadFile(home / action.with));
    }
    LAB_CHECK_OK(OnEveryWorker(lab,
                               {{"mkdir", "-p", kNodeDirectory},
                                {"dd", "of=" + NodeFile(action), "status=none"},
                                {"chmod", "755", NodeFile(action)}},
                               text));
    // Something to cover must be there.
    return OnEveryWorker(lab,
                         {{"touch", "-a", action.path},
                          {"mount", "--bind", NodeFile(action), action.path}});
  }
  if (action.action == "replace-image-file") {
    LAB_TRY(const auto text, ReadFile(home / action.with));
    return ReplaceInImages(lab, action.path, text);
  }
  if (action.action == "replace-kubectl") lab.kubectl = home / action.with;
  return {};
}

Status End(const Path& home, const SabotageAction& action, const LabFile& lab) {
  if (action.action == "apply") {
    LAB_TRY(const auto said, Kubectl(lab, "delete", home / action.manifest));
    return {};
  }
  if (action.action == "write-node-file") {
    return OnEveryWorker(lab, {{"cp", NodeFile(action), action.path}});
  }
  if (action.action == "cover-node-file") {
    return OnEveryWorker(lab, {{"umount", action.path}});
  }
  if (action.action == "replace-image-file") {
    return RestoreInImages(lab, action.path);
  }
  return {};
}

}  // namespace

Result<std::vector<Sabotage>> LoadSabotages(const Path& home,
                                            const std::string& suite) {
  const Path path = home / "suites" / suite / "sabotage.json";
  LAB_TRY(const auto text, ReadFile(path));
  std::vector<Sabotage> sabotages;
  try {
    const auto file = json::parse(text);
    for (const auto& entry : file.at("sabotages")) {
      Sabotage sabotage{entry.at("name"), entry.at("summary"), {}};
      if (entry.size() != 3) {
        return Error{fmt::format("{}: unknown field in sabotage {}",
                                 path.string(), sabotage.name)};
      }
      for (const auto& j : entry.at("actions")) {
        auto action = ReadAction(j, sabotage.name);
        if (!action) return action.error().Within(path.string());
        sabotage.actions.push_back(std::move(*action));
      }
      sabotages.push_back(std::move(sabotage));
    }
  } catch (const json::exception& e) {
    return Error{path.string() + ": " + e.what()};
  }
  return sabotages;
}

Status BeginSabotage(const Path& home, const Sabotage& sabotage, LabFile& lab) {
  for (const auto& action : sabotage.actions) {
    const auto begun = Begin(home, action, lab);
    if (!begun) return begun.error().Within("sabotage " + sabotage.name);
  }
  return {};
}

Status EndSabotage(const Path& home, const Sabotage& sabotage,
                   const LabFile& lab) {
  Status result;
  for (const auto& action : sabotage.actions) {
    const auto ended = End(home, action, lab);
    if (!ended && result) result = ended;
  }
  return result;
}

}  // namespace lab
