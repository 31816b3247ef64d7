// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/cluster_cleaning.h"

#include <fmt/format.h>

#include <future>
#include <nlohmann/json.hpp>
#include <set>

#include "runner/base/stop.h"
#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "runner/cluster/api.h"
#include "runner/cluster/marks.h"
#include "runner/cluster/node.h"
#include "runner/cluster/seccomp_files.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr char kNamespaces[] = "/api/v1/namespaces";
constexpr char kNodes[] = "/api/v1/nodes";
constexpr Duration kEnd = 80s;

class Cleaning {
 public:
  explicit Cleaning(const LabFile& lab) : lab_(lab), api_(lab.api_socket) {}

  Result<std::vector<std::string>> Run() {
    LAB_TRY(const auto nodes, api_.Get(kNodes));
    LAB_TRY(const auto spaces, Namespaces());
    // A kubelet puts the mirror of a static pod back.
    OnNodes(nodes, [&](const NodeShell& node) {
      return EndStaticPods(node, spaces.cut_off);
    });
    // And a loader, its profiles. Cases that ended by themselves have no more
    // pods, only a namespace that is ending.
    if (!spaces.cut_off.empty()) {
      Try("namespaces of cases", EndNamespaces(spaces.cut_off));
    }
    OnNodes(nodes, [&](const NodeShell& node) { return Clean(node); });
    for (const auto& node : nodes.at("items")) TakeLabelsOff(node);
    // What is left on a node can be reached once more.
    if (problems_.empty()) Try("namespaces", EndAllNamespaces());
    if (problems_.empty()) return std::move(removed_);
    return Error{Join(problems_, "; ")};
  }

 private:
  struct Spaces {
    std::set<std::string> all;
    std::set<std::string> cut_off;  ///< of cases, and not ending
    std::string version;            ///< where a watch goes on from here
  };

  std::string OwnNamespaces() const {
    return "labelSelector=" +
           UrlEncode(fmt::format("{}={}", kLabLabel, lab_.name));
  }

  Result<Spaces> Namespaces() const {
    LAB_TRY(const auto list,
            api_.Get(fmt::format("{}?{}", kNamespaces, OwnNamespaces())));
    Spaces spaces;
    spaces.version = list.at("metadata").value("resourceVersion", "");
    for (const auto& one : list.at("items")) {
      const std::string name = one.at("metadata").at("name");
      spaces.all.insert(name);
      const bool ending = one.at("metadata").contains("deletionTimestamp");
      if (!ending && name != lab_.name) spaces.cut_off.insert(name);
    }
    return spaces;
  }

  Status EndAllNamespaces() {
    LAB_TRY(const auto spaces, Namespaces());
    return EndNamespaces(spaces.all);
  }

  Status EndNamespaces(std::set<std::string> names) {
    LAB_TRY(const auto now, Namespaces());
    std::erase_if(names, [&](const std::string& name) {
      return !now.all.contains(name);
    });
    for (const auto& name : names) {
      LAB_CHECK_OK(api_.Delete(fmt::format("{}/{}", kNamespaces, name)));
    }
    if (names.empty()) return {};
    const auto last = api_.Watch(
        {.path = fmt::format("{}?watch=1&resourceVersion={}&{}", kNamespaces,
                             now.version, OwnNamespaces()),
         .what = "the end of namespaces",
         .timeout = kEnd,
         .done =
             [&](const std::string& type, const json& one) {
               const std::string name = one.at("metadata").value("name", "");
               if (type == "DELETED" && names.erase(name) > 0) {
                 removed_.push_back("namespace " + name);
               }
               return names.empty();
             },
         .describe =
             [](const json& one) {
               return one.at("metadata").value("name", "") + " " +
                      one.value("status", json::object()).dump();
             }});
    return last ? Status() : Status(last.error());
  }

  // On those that there are still, side by side.
  template <typename Work>
  void OnNodes(const json& nodes, Work&& work) {
    std::vector<std::pair<std::string, std::future<Status>>> all;
    for (const auto& node : nodes.at("items")) {
      const std::string name = node.at("metadata").at("name");
      if (lab_.LoginTo(name).command.empty()) continue;
      all.emplace_back(name, std::async(std::launch::async, [&, name] {
                         return work(NodeShell(lab_, name));
                       }));
    }
    for (auto& [name, status] : all) Try("node " + name, status.get());
  }

  static Status EndStaticPods(const NodeShell& node,
                              const std::set<std::string>& cases) {
    if (cases.empty()) return {};
    std::vector<std::string> argv = {"rm", "-f", "--"};
    for (const auto& name : cases) argv.push_back(StaticPodFile(name));
    LAB_TRY(const auto removed, node.AskOk(argv));
    return {};
  }

  Status Clean(const NodeShell& node) const {
    if (lab_.HasAppArmor(node.node())) {
      LAB_CHECK_OK(node.RemoveAllOwnProfiles());
    }
    LAB_CHECK_OK(RemoveAllOwnSeccompFiles(node));
    LAB_TRY(const auto removed, node.AskOk({"rm", "-rf", node.directory()}));
    // Those of other labs are not empty, and some may not be there.
    LAB_CHECK_OK(node.Ask({"rmdir", kOwnProfiles,
                           Path(kOwnProfiles).parent_path().string(),
                           Path(node.directory()).parent_path().string()}));
    return {};
  }

  void TakeLabelsOff(const json& node) {
    const std::string name = node.at("metadata").at("name");
    const std::string prefix = NodeLabelNote(lab_.name, "");
    const auto notes = node.at("metadata").value("annotations", json::object());
    for (const auto& [note, said] : notes.items()) {
      const std::string text = said.get<std::string>();
      if (!note.starts_with(kNodeLabelNote) || !text.starts_with(prefix)) {
        continue;
      }
      const std::string key = text.substr(prefix.size());
      const auto patched = api_.Patch(fmt::format("{}/{}", kNodes, name),
                                      {{"metadata",
                                        {{"labels", {{key, nullptr}}},
                                         {"annotations", {{note, nullptr}}}}}});
      Try("node " + name, patched ? Status() : Status(patched.error()));
      if (patched) {
        removed_.push_back(fmt::format("label {} of node {}", key, name));
      }
    }
  }

  void Try(const std::string& what, const Status& status) {
    if (!status) problems_.push_back(what + ": " + status.error().what);
  }

  const LabFile& lab_;
  const Api api_;
  std::vector<std::string> removed_;
  std::vector<std::string> problems_;
};

Result<std::vector<std::string>> Clean(const LabFile& lab) {
  Process proxy;
  // The lab's own ended with it.
  const Api api(lab.api_socket);
  if (!api.Request({.path = "/version", .timeout = 10s})) {
    std::error_code ignored;
    fs::remove(lab.api_socket, ignored);
    LAB_TRY(proxy, StartApiProxy(lab));
  }
  return Cleaning(lab).Run();
}

}  // namespace

Result<Process> StartApiProxy(const LabFile& lab) {
  const Path log = lab.LogOf("kubectl-proxy");
  // The proxy's own filter would refuse exec; its socket is the owner's only.
  LAB_TRY(auto proxy,
          Process::Start(
              {.argv = {lab.kubectl.string(),
                        "--kubeconfig=" + lab.kubeconfig.string(), "proxy",
                        "--unix-socket=" + lab.api_socket.string(),
                        "--disable-filter=true"},
               .log = log}));
  LAB_CHECK_OK(WaitUntil("kubectl proxy", Deadline::In(20s), 10ms, [&] {
    return !proxy.Running() || fs::exists(lab.api_socket);
  }));
  if (proxy.Running()) return proxy;
  return Error{"kubectl proxy: " +
               LastLines(Trim(ReadFile(log).value_or("")), 3)};
}

Result<std::vector<std::string>> RemoveFromCluster(const LabFile& lab) {
  // Nothing is made before the nodes are known.
  if (lab.nodes.empty()) return std::vector<std::string>();
  const stop::Unheard deaf;
  auto removed = Clean(lab);
  if (removed) return removed;
  return Error{fmt::format(
      "clean up after lab {}: {}\n  `runner lab gc` tries again; removing {} "
      "forgets it, and what is left has the label {}={}",
      lab.name, removed.error().what, lab.directory.string(), kLabLabel,
      lab.name)};
}

}  // namespace lab
