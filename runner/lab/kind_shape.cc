// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/kind_shape.h"

#include <fmt/format.h>

#include <algorithm>

#include "runner/base/text.h"
#include "runner/base/version.h"
#include "runner/lab/gates.h"

namespace lab {
namespace {

using nlohmann::json;

constexpr char kKubeProxyVersion[] = "kubeproxy.config.k8s.io/v1alpha1";

const std::pair<std::string, std::string> kSections[] = {
    {"apiServer", "kube-apiserver"},
    {"controllerManager", "kube-controller-manager"},
    {"scheduler", "kube-scheduler"}};

// A document that kind writes. Arguments are kept apart from the rest of it,
// by the field that holds them ("apiServer.extraArgs").
struct Document {
  std::string kind;
  std::string version;
  json body = json::object();
  std::map<std::string, std::vector<Argument>> arguments{};
};

bool HoldsArguments(const std::string& key) {
  return key == "extraArgs" || key == "kubeletExtraArgs";
}

class Resolver {
 public:
  Resolver(const KindConfig& config, const std::string& kubernetes,
           const KubeadmApi& api)
      : config_(config), kubernetes_(kubernetes), api_(api) {}

  Result<KindShape> Resolve(const std::string& name) {
    LAB_CHECK_OK(AddNodes(name));
    LAB_CHECK_OK(Configure());
    Document cluster = documents_.at(0);
    shape_.apiserver_args = cluster.arguments["apiServer.extraArgs"];
    shape_.controller_manager_args =
        cluster.arguments["controllerManager.extraArgs"];
    shape_.scheduler_args = cluster.arguments["scheduler.extraArgs"];
    for (const auto& [section, component] : kSections) {
      LAB_CHECK_OK(CheckFiles(component, section, cluster));
    }
    shape_.cluster = std::move(cluster.body);
    return std::move(shape_);
  }

 private:
  Error At(int line, const std::string& message) const {
    return UsageError(fmt::format("{}:{}: {}", config_.file, line, message));
  }

  Status AddNodes(const std::string& cluster) {
    std::size_t control_planes = 0, workers = 0;
    for (const auto& node : config_.nodes) {
      const bool is_worker = node.role == KindRole::kWorker;
      const std::size_t number = is_worker ? ++workers : ++control_planes;
      std::string name = cluster + (is_worker ? "-worker" : "-control-plane");
      if (number > 1) name += std::to_string(number);
      shape_.nodes.push_back({name, node.role, node.image, node.labels,
                              node.extra_mounts, KubeletArguments(node)});
    }
    if (control_planes > 0) return {};
    return At(config_.nodes.front().line,
              "a kind cluster has at least one control plane; add \"- role: "
              "control-plane\" to the nodes");
  }

  std::size_t FirstControlPlane() const {
    const auto first = std::find_if(
        shape_.nodes.begin(), shape_.nodes.end(),
        [](const auto& node) { return node.role == KindRole::kControlPlane; });
    return static_cast<std::size_t>(first - shape_.nodes.begin());
  }

  // node-ip and provider-id are the node's own.
  static std::vector<Argument> KubeletArguments(const KindNode& node) {
    std::vector<std::string> labels;
    for (const auto& [key, value] : node.labels) {
      labels.push_back(fmt::format("{}={}", key, value));
    }
    return {{"node-labels", Join(labels, ",")}};
  }

  // The documents of kind's templates, as far as they are the same for every
  // cluster.
  std::vector<Document> Template() const {
    Document cluster{"ClusterConfiguration", api_.name};
    auto& apiserver = cluster.arguments["apiServer.extraArgs"];
    auto& controllers = cluster.arguments["controllerManager.extraArgs"];
    auto& scheduler = cluster.arguments["scheduler.extraArgs"];
    std::vector<std::string> runtime;
    for (const auto& [key, value] : config_.runtime_config) {
      runtime.push_back(fmt::format("{}={}", key, value));
    }
    apiserver.push_back({"runtime-config", Join(runtime, ",")});
    controllers.push_back({"enable-hostpath-provisioner", "true"});
    Document kubelet{"KubeletConfiguration", kKubeletConfigVersion};
    const auto version = Version::In(kubernetes_);
    const bool old = version && version->Compare(Version{{1, 24}}) < 0;
    kubelet.body = {{"cgroupDriver", old ? "cgroupfs" : "systemd"},
                    {"cgroupRoot", "/kubelet"},
                    {"failSwapOn", false},
                    {"imageGCHighThresholdPercent", 100},
                    {"evictionHard",
                     {{"nodefs.available", "0%"},
                      {"nodefs.inodesFree", "0%"},
                      {"imagefs.available", "0%"}}}};
    Document proxy{"KubeProxyConfiguration", kKubeProxyVersion};
    if (!config_.feature_gates.empty()) {
      const Argument gates{"feature-gates", GatesFlag(config_.feature_gates)};
      for (auto* arguments : {&apiserver, &controllers, &scheduler}) {
        arguments->push_back(gates);
      }
      kubelet.body["featureGates"] = config_.feature_gates;
      proxy.body["featureGates"] = config_.feature_gates;
    }
    return {cluster, kubelet, proxy};
  }

  // Of the cluster's documents those of the first control plane count, and of
  // its own each node's InitConfiguration or JoinConfiguration.
  Status Configure() {
    documents_ = Template();
    const std::size_t first = FirstControlPlane();
    for (const auto& patch : config_.patches) {
      LAB_CHECK_OK(CheckReached(patch));
      for (auto& document : documents_) {
        LAB_CHECK_OK(ApplyTo(document, patch, Readers(patch)));
      }
      for (std::size_t i = 0; i < shape_.nodes.size(); ++i) {
        LAB_CHECK_OK(ApplyToNode(shape_.nodes[i], patch, i == first));
      }
    }
    for (std::size_t i = 0; i < shape_.nodes.size(); ++i) {
      for (const auto& patch : config_.nodes[i].patches) {
        LAB_CHECK_OK(CheckReached(patch, shape_.nodes[i], i == first));
        for (auto& document : documents_) {
          if (i != first) break;
          LAB_CHECK_OK(ApplyTo(document, patch, Readers(patch)));
        }
        LAB_CHECK_OK(ApplyToNode(shape_.nodes[i], patch, i == first));
      }
    }
    shape_.kubelet_config = documents_[1].body;
    shape_.kube_proxy_config = documents_[2].body;
    return {};
  }

  static std::vector<std::string> Readers(const KubeadmPatch& patch) {
    if (patch.kind == "KubeletConfiguration") return {"every kubelet"};
    if (patch.kind == "KubeProxyConfiguration") return {"kube-proxy"};
    std::vector<std::string> readers;
    for (const auto& [section, component] : kSections) {
      if (patch.body.contains(section)) readers.push_back(component);
    }
    if (readers.empty()) readers.push_back("kubeadm");
    return readers;
  }

  Status CheckVersion(const KubeadmPatch& patch) const {
    return CheckPatchVersion(
        config_, patch,
        patch.kind == "KubeletConfiguration"     ? kKubeletConfigVersion
        : patch.kind == "KubeProxyConfiguration" ? kKubeProxyVersion
                                                 : api_.name);
  }

  Status CheckReached(const KubeadmPatch& patch) const {
    LAB_CHECK_OK(CheckVersion(patch));
    // Beside an InitConfiguration it is how a config addresses every kubelet.
    if (patch.kind != "JoinConfiguration" || shape_.nodes.size() > 1 ||
        HasPatch("InitConfiguration")) {
      return {};
    }
    return AtPatch(config_, patch,
                   "matches nothing, because no node joins the only one; a "
                   "patch of kind InitConfiguration reaches it");
  }

  bool HasPatch(const std::string& kind) const {
    return std::any_of(
        config_.patches.begin(), config_.patches.end(),
        [&](const KubeadmPatch& patch) { return patch.kind == kind; });
  }

  // Of a node's own patch.
  Status CheckReached(const KubeadmPatch& patch, const KindShapeNode& node,
                      bool is_first) const {
    LAB_CHECK_OK(CheckVersion(patch));
    const bool joins = patch.kind == "JoinConfiguration";
    if (joins != is_first) return {};
    if (is_first) {
      return AtPatch(config_, patch,
                     "matches nothing on the first control plane, which does "
                     "not join; write InitConfiguration, or move it to a "
                     "worker or to the cluster's kubeadmConfigPatches");
    }
    return AtPatch(config_, patch,
                   fmt::format("matches nothing on {}, because kubeadm reads "
                               "this document on the first control plane only; "
                               "move it to the cluster's kubeadmConfigPatches",
                               node.name));
  }

  Status ApplyToNode(KindShapeNode& node, const KubeadmPatch& patch,
                     bool is_first) {
    Document own{is_first ? "InitConfiguration" : "JoinConfiguration",
                 api_.name};
    auto& arguments = own.arguments["nodeRegistration.kubeletExtraArgs"];
    arguments = node.kubelet_args;
    LAB_CHECK_OK(ApplyTo(own, patch, {"kubelet of " + node.name}));
    node.kubelet_args = arguments;
    return {};
  }

  Status ApplyTo(Document& document, const KubeadmPatch& patch,
                 const std::vector<std::string>& readers) {
    if (document.kind != patch.kind) return {};
    json rest = patch.body;
    rest.erase("apiVersion");
    rest.erase("kind");
    LAB_CHECK_OK(TakeArguments(document, patch, rest, ""));
    UniteNames(document.body, rest);
    document.body.merge_patch(rest);
    for (const auto& reader : readers) Place(patch, reader);
    return {};
  }

  // Moves arguments from `rest`, which stands at `path` of the patch, to the
  // document.
  Status TakeArguments(Document& document, const KubeadmPatch& patch,
                       json& rest, const std::string& path) const {
    std::vector<std::string> taken;
    for (auto& [key, value] : rest.items()) {
      const std::string full = path.empty() ? key : path + "." + key;
      if (HoldsArguments(key)) {
        LAB_CHECK_OK(ApplyArguments(config_, patch, api_, full, value,
                                    document.arguments[full]));
        taken.push_back(key);
      } else if (value.is_object()) {
        LAB_CHECK_OK(TakeArguments(document, patch, value, full));
        if (value.empty()) taken.push_back(key);
      }
    }
    for (const auto& key : taken) rest.erase(key);
    return {};
  }

  // certSANs are added to those that are there; other lists replace.
  static void UniteNames(const json& target, json& patch) {
    for (auto& [key, value] : patch.items()) {
      if (!target.contains(key)) continue;
      if (value.is_object()) {
        UniteNames(target[key], value);
      } else if (key == "certSANs" && value.is_array()) {
        json all = target[key];
        for (const auto& name : value) {
          if (std::find(all.begin(), all.end(), name) == all.end()) {
            all.push_back(name);
          }
        }
        value = all;
      }
    }
  }

  void Place(const KubeadmPatch& patch, const std::string& who) {
    auto known = std::find_if(
        shape_.patches.begin(), shape_.patches.end(),
        [&](const PatchPlace& one) { return one.line == patch.line; });
    if (known == shape_.patches.end()) {
      shape_.patches.push_back({patch.kind, patch.line, {}});
      known = std::prev(shape_.patches.end());
    }
    if (std::find(known->to.begin(), known->to.end(), who) == known->to.end()) {
      known->to.push_back(who);
    }
  }

  Status CheckFiles(const std::string& component, const std::string& section,
                    const Document& cluster) const {
    const json::json_pointer at("/" + section + "/extraVolumes");
    const KubeadmPatch* last = LastClusterPatch();
    std::vector<PodVolume> volumes;
    if (last != nullptr && cluster.body.contains(at)) {
      LAB_TRY(volumes, ReadPodVolumes(config_, *last, section + ".extraVolumes",
                                      cluster.body.at(at)));
    }
    const auto arguments = cluster.arguments.find(section + ".extraArgs");
    if (arguments == cluster.arguments.end()) return {};
    const Argument* unseen = UnseenFile(arguments->second, volumes);
    if (unseen == nullptr) return {};
    return At(last == nullptr ? 1 : last->line,
              DescribeUnseenFile(*unseen, section, component));
  }

  const KubeadmPatch* LastClusterPatch() const {
    const KubeadmPatch* last = nullptr;
    const auto look = [&](const std::vector<KubeadmPatch>& patches) {
      for (const auto& patch : patches) {
        if (patch.kind == "ClusterConfiguration") last = &patch;
      }
    };
    look(config_.patches);
    for (const auto& node : config_.nodes) look(node.patches);
    return last;
  }

  const KindConfig& config_;
  const std::string& kubernetes_;
  const KubeadmApi& api_;
  std::vector<Document> documents_;
  KindShape shape_;
};

}  // namespace

Result<KindShape> ResolveKindShape(const KindConfig& config,
                                   const std::string& name,
                                   const std::string& kubernetes,
                                   const KubeadmApi& api) {
  return Resolver(config, kubernetes, api).Resolve(name);
}

}  // namespace lab
