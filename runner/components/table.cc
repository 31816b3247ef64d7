// SPDX-License-Identifier: Apache-2.0
#include "runner/components/table.h"

#include <fmt/format.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <set>

#include "runner/base/text.h"

namespace lab {
namespace {

using nlohmann::json;

Status CheckFields(const json& object, const std::set<std::string>& known,
                   const std::string& where) {
  for (const auto& [key, value] : object.items()) {
    if (!known.contains(key)) {
      return Error{fmt::format("{}: unknown field \"{}\"", where, key)};
    }
  }
  // The place for prebuilt downloads: a second word here and a provider beside
  // go_module.h and debian_root.h.
  for (const auto& source : object.value("sources", json::array())) {
    if (source != "build") {
      return Error{fmt::format("{}: unknown source {}, known: \"build\"", where,
                               source.dump())};
    }
  }
  return {};
}

Result<GeneratedSource> ReadGenerated(const json& j) {
  LAB_CHECK_OK(CheckFields(
      j, {"program", "arguments", "inputs", "file", "package", "about"},
      "generate"));
  return GeneratedSource{j.at("program"), j.at("arguments"), j.at("inputs"),
                         j.at("file"), j.at("package")};
}

Result<GoModulePart> ReadGoModule(const json& j) {
  LAB_CHECK_OK(CheckFields(
      j,
      {"name", "sources", "toolchain", "packages", "generate", "variables",
       "rename", "files", "cold-build-seconds", "about"},
      "go-modules"));
  GoModulePart part;
  part.name = j.at("name");
  part.toolchain = j.at("toolchain");
  part.packages = j.at("packages");
  for (const auto& entry : j.value("generate", json::array())) {
    LAB_TRY(auto generated, ReadGenerated(entry));
    part.generate.push_back(std::move(generated));
  }
  part.variables = j.value("variables", decltype(part.variables)());
  part.rename = j.value("rename", decltype(part.rename)());
  if (j.contains("files")) {
    const json& files = j.at("files");
    LAB_CHECK_OK(CheckFields(files, {"module", "directory", "as"}, "files"));
    part.files = {files.at("module"), files.at("directory"), files.at("as")};
  }
  part.cold_build_seconds = j.value("cold-build-seconds", 0);
  part.about = j.value("about", "");
  return part;
}

Result<NodeOsPart> ReadNodeOs(const json& j) {
  LAB_CHECK_OK(CheckFields(j,
                           {"name", "sources", "packages", "unusable-runtimes",
                            "cold-build-seconds", "about"},
                           "node-os"));
  NodeOsPart part;
  part.name = j.at("name");
  part.packages = j.at("packages");
  part.unusable_runtimes =
      j.value("unusable-runtimes", decltype(part.unusable_runtimes)());
  part.cold_build_seconds = j.value("cold-build-seconds", 0);
  part.about = j.value("about", "");
  return part;
}

Result<KindNodeImageEntry> ReadNodeImage(const json& j) {
  LAB_CHECK_OK(
      CheckFields(j, {"kubernetes", "image", "source"}, "node-images"));
  KindNodeImageEntry entry{j.at("kubernetes"), j.at("image")};
  // A tag can be moved by its owner at any time.
  if (entry.image.find("@sha256:") == std::string::npos) {
    return Error{"node-images: " + entry.image + " has no digest"};
  }
  return entry;
}

Result<KindTable> ReadKind(const json& j) {
  LAB_CHECK_OK(CheckFields(
      j, {"kind", "cni-plugins", "coredns", "root", "node-images"}, "kind"));
  LAB_TRY(auto root, ReadNodeOs(j.at("root")));
  KindTable kind{
      j.at("kind"), j.at("cni-plugins"), j.at("coredns"), std::move(root), {}};
  for (const auto& entry : j.at("node-images")) {
    LAB_TRY(auto image, ReadNodeImage(entry));
    kind.node_images.push_back(std::move(image));
  }
  return kind;
}

Result<KubeadmApi> ReadKubeadmApi(const json& j) {
  LAB_CHECK_OK(
      CheckFields(j, {"name", "arguments", "ecdsa", "about"}, "kubeadm-apis"));
  const std::string arguments = j.at("arguments");
  if (arguments != "list" && arguments != "mapping") {
    return Error{fmt::format(
        "kubeadm-apis: arguments \"{}\" is neither list nor mapping",
        arguments)};
  }
  return KubeadmApi{j.at("name"), arguments == "list", j.at("ecdsa").dump()};
}

Result<KubeadmApi> FindKubeadmApi(const json& apis, const std::string& name) {
  for (const auto& entry : apis) {
    LAB_TRY(auto api, ReadKubeadmApi(entry));
    if (api.name == name) return api;
  }
  return Error{"no kubeadm-api is called " + name};
}

Result<KubernetesVersion> ReadKubernetes(const json& j, const json& apis) {
  LAB_CHECK_OK(CheckFields(j,
                           {"version", "control-plane", "etcd", "containerd",
                            "crictl", "kubeadm-api", "kube-proxy"},
                           "kubernetes"));
  auto api = FindKubeadmApi(apis, j.at("kubeadm-api"));
  if (!api) {
    return api.error().Within("kubernetes " +
                              j.at("version").get<std::string>());
  }
  return KubernetesVersion{j.at("version"),   j.at("control-plane"),
                           j.at("etcd"),      j.at("containerd"),
                           j.at("crictl"),    std::move(*api),
                           j.at("kube-proxy")};
}

Result<ComponentTable> ReadTable(const json& j) {
  LAB_CHECK_OK(CheckFields(j,
                           {"about", "default", "kubernetes", "kubeadm-apis",
                            "go-modules", "node-os", "kind", "apparmor-host"},
                           "table"));
  ComponentTable table;
  LAB_CHECK_OK(
      CheckFields(j.at("default"), {"kubernetes", "node-os"}, "default"));
  table.default_kubernetes = j.at("default").at("kubernetes");
  table.default_node_os = j.at("default").at("node-os");
  for (const auto& entry : j.at("go-modules")) {
    LAB_TRY(auto part, ReadGoModule(entry));
    table.go_modules.push_back(std::move(part));
  }
  for (const auto& entry : j.at("node-os")) {
    LAB_TRY(auto part, ReadNodeOs(entry));
    table.node_os.push_back(std::move(part));
  }
  LAB_TRY(table.kind, ReadKind(j.at("kind")));
  LAB_TRY(table.apparmor_host, ReadNodeOs(j.at("apparmor-host")));
  for (const auto& name :
       {table.kind.kind, table.kind.cni_plugins, table.kind.coredns}) {
    LAB_TRY(const auto known, table.FindGoModule(name));
  }
  for (const auto& entry : j.at("kubernetes")) {
    LAB_TRY(auto version, ReadKubernetes(entry, j.at("kubeadm-apis")));
    const std::vector<std::string> names = {version.control_plane, version.etcd,
                                            version.containerd, version.crictl,
                                            version.kube_proxy};
    for (const auto& name : names) {
      LAB_CHECK_OK(table.FindGoModule(name).has_value()
                       ? Status()
                       : Error{"kubernetes " + version.version +
                               ": no go-module part is called " + name});
    }
    table.kubernetes.push_back(std::move(version));
  }
  LAB_TRY(auto kubernetes, table.FindKubernetes(table.default_kubernetes));
  LAB_TRY(auto node_os, table.FindNodeOs(table.default_node_os));
  return table;
}

template <typename Part>
std::string Names(const std::vector<Part>& parts) {
  std::vector<std::string> names;
  for (const auto& part : parts) names.push_back(part.name);
  return Join(names, ", ");
}

}  // namespace

Result<KubernetesVersion> ComponentTable::FindKubernetes(
    const std::string& version) const {
  std::vector<std::string> known;
  const std::string wanted =
      version.starts_with('v') ? version.substr(1) : version;
  const KubernetesVersion* newest = nullptr;
  for (const auto& entry : kubernetes) {
    if (entry.version == wanted) return entry;
    if (entry.version.substr(0, entry.version.rfind('.')) == wanted &&
        (newest == nullptr ||
         ::strverscmp(entry.version.c_str(), newest->version.c_str()) > 0)) {
      newest = &entry;
    }
    known.push_back(entry.version);
  }
  if (newest != nullptr) return *newest;
  return UsageError(fmt::format("unknown Kubernetes version \"{}\"; known: {}",
                                version, Join(known, ", ")));
}

Result<KindNodeImageEntry> KindTable::FindNodeImage(
    const std::string& kubernetes) const {
  const auto minor = [](const std::string& version) {
    return version.substr(0, version.rfind('.'));
  };
  const KindNodeImageEntry* found = nullptr;
  std::vector<std::string> known;
  for (const auto& entry : node_images) {
    if (entry.kubernetes == kubernetes) return entry;
    known.push_back(entry.kubernetes);
    if (minor(entry.kubernetes) != minor(kubernetes)) continue;
    if (found == nullptr ||
        ::strverscmp(entry.kubernetes.c_str(), found->kubernetes.c_str()) > 0) {
      found = &entry;
    }
  }
  if (found != nullptr) return *found;
  return UsageError(
      fmt::format("components.json has no published image of Kubernetes {}; it "
                  "has: {}",
                  kubernetes, Join(known, ", ")));
}

Result<GoModulePart> ComponentTable::FindGoModule(
    const std::string& name) const {
  for (const auto& part : go_modules) {
    if (part.name == name) return part;
  }
  return UsageError(
      fmt::format("unknown part \"{}\"; known: {}", name, Names(go_modules)));
}

Result<NodeOsPart> ComponentTable::FindNodeOs(const std::string& name) const {
  for (const auto& part : node_os) {
    if (part.name == name) return part;
  }
  return UsageError(fmt::format(
      "unknown node operating system \"{}\"; known: {}", name, Names(node_os)));
}

Result<ComponentTable> LoadComponentTable(const Path& home) {
  const Path path = home / "components" / "components.json";
  LAB_TRY(const auto text, ReadFile(path));
  try {
    auto table = ReadTable(json::parse(text));
    if (!table) return table.error().Within(path.string());
    return table;
  } catch (const json::exception& e) {
    return Error{path.string() + ": " + e.what()};
  }
}

}  // namespace lab
