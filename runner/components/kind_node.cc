// SPDX-License-Identifier: Apache-2.0
#include "runner/components/kind_node.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "runner/base/text.h"
#include "runner/base/version.h"
#include "runner/components/archive.h"
#include "runner/components/image_archive.h"
#include "runner/components/images.h"
#include "runner/components/node_files.h"
#include "runner/process/process.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr const char* kPath =
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

constexpr const char* kContainerdConfig = "etc/containerd/config.toml";
constexpr PlacedFile kFixtures[] = {
    {"containerd-config.toml", kContainerdConfig, 0644},
    {"lab-cni", "usr/local/bin/lab-cni", 0755},
    {"lab-cni.service", "etc/systemd/system/lab-cni.service", 0644},
    {"lab-securityfs.service", "etc/systemd/system/lab-securityfs.service",
     0644},
    {"default-cni.yaml", "kind/manifests/default-cni.yaml", 0644},
    {"default-storage.yaml", "kind/manifests/default-storage.yaml", 0644},
};
constexpr const char* kVersions = "versions.json";

// Of containerd: images as they were imported, and unpacked.
const Path kContent = "var/lib/containerd/io.containerd.content.v1.content";
const Path kSnapshots =
    "var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots";

// What kind's Dockerfile (images/base) does with the files of systemd: units
// that a node is not to start, and those that it is.
constexpr const char* kWantsEmptied[] = {
    "usr/lib/systemd/system/multi-user.target.wants",
    "usr/lib/systemd/system/local-fs.target.wants",
    "usr/lib/systemd/system/basic.target.wants",
    "etc/systemd/system/multi-user.target.wants",
    "etc/systemd/system/timers.target.wants",
    "etc/systemd/system/sysinit.target.wants",
    "etc/systemd/system/getty.target.wants",
};
constexpr const char* kEnabled[] = {
    "containerd.service",     "kubelet.service",          "lab-cni.service",
    "lab-securityfs.service", "undo-mount-hacks.service",
};

// Programs of the root that kube-proxy runs.
constexpr const char* kProxyPrograms[] = {"xtables-nft-multi", "nft",
                                          "conntrack"};

// The parts, provided.
struct Have {
  Path root, kubernetes, kube_proxy, etcd, containerd, kind, crictl,
      cni_plugins, coredns;
};

Result<Have> Provide(const KindNodeInputs& in) {
  Have have;
  const std::pair<Path*, const PartRecipe*> wanted[] = {
      {&have.root, &in.root},
      {&have.kubernetes, &in.kubernetes},
      {&have.kube_proxy, &in.kube_proxy},
      {&have.etcd, &in.etcd},
      {&have.containerd, &in.containerd},
      {&have.kind, &in.kind},
      {&have.crictl, &in.crictl},
      {&have.cni_plugins, &in.cni_plugins},
      {&have.coredns, &in.coredns}};
  for (const auto& [path, recipe] : wanted) {
    LAB_TRY(*path, in.cache->Provide(*recipe));
  }
  return have;
}

// The files of kind's images: scripts are to be run, the rest is read.
Status PlaceKindFiles(const Path& files, const Path& root) {
  for (const auto& entry : fs::recursive_directory_iterator(files)) {
    if (!entry.is_regular_file()) continue;
    const Path name = fs::relative(entry.path(), files);
    const std::string text = name.string();
    const bool program =
        text.starts_with("usr/local/bin/") || text.starts_with("kind/bin/");
    LAB_CHECK_OK(CopyFile(entry.path(), root / name, program ? 0755 : 0644));
  }
  return {};
}

Status SetUpSystemd(const Path& root) {
  for (const char* directory : kWantsEmptied) {
    LAB_CHECK_OK(RemoveTree(root / directory));
  }
  std::error_code code;
  const Path units = root / "usr/lib/systemd/system";
  fs::remove(units / "sysinit.target.wants/systemd-tmpfiles-setup.service",
             code);
  for (const auto& entry :
       fs::directory_iterator(units / "sockets.target.wants", code)) {
    const std::string name = entry.path().filename();
    if (name.find("udev") != std::string::npos ||
        name.find("initctl") != std::string::npos) {
      fs::remove(entry.path(), code);
    }
  }
  const Path own = root / "etc/systemd/system";
  for (const char* unit : kEnabled) {
    LAB_CHECK_OK(MakeSymlink(own / "multi-user.target.wants" / unit,
                             fmt::format("/etc/systemd/system/{}", unit)));
  }
  // It would register things in binfmt_misc, which is the kernel's alone.
  LAB_CHECK_OK(MakeSymlink(own / "systemd-binfmt.service", "/dev/null"));
  LAB_CHECK_OK(MakeSymlink(own / "default.target",
                           "/usr/lib/systemd/system/multi-user.target"));
  LAB_CHECK_OK(MakeSymlink(root / "usr/sbin/init", "/usr/lib/systemd/systemd"));
  LAB_CHECK_OK(MakeDirectories(root / "etc/systemd/journald.conf.d"));
  return WriteFile(root / "etc/systemd/journald.conf.d/kind.conf",
                   "[Journal]\nReadKMsg=no\n");
}

Status PlacePrograms(const KindNodeInputs& in, const Have& have,
                     const Path& root) {
  const Path local = root / "usr/local/bin";
  for (const char* name : {"containerd", "containerd-shim-runc-v2", "ctr"}) {
    LAB_CHECK_OK(CopyFile(have.containerd / name, local / name, 0755));
  }
  LAB_CHECK_OK(CopyFile(have.crictl / "crictl", local / "crictl", 0755));
  for (const char* name : {"kubeadm", "kubelet", "kubectl"}) {
    LAB_CHECK_OK(
        CopyFile(have.kubernetes / name, root / "usr/bin" / name, 0755));
  }
  for (const char* name : {"host-local", "loopback", "ptp", "portmap"}) {
    LAB_CHECK_OK(
        CopyFile(have.cni_plugins / name, root / "opt/cni/bin" / name, 0755));
  }
  LAB_CHECK_OK(PlaceFiles(kKindNodeProbes, in.probes, root));
  return PlaceFiles(kFixtures, in.fixtures, root);
}

// As kind's Dockerfile has it: containerd's own, with the hook that hides the
// host's product name from containers, and without limits.
Status WriteBaseSpec(const Path& ctr, const Path& file) {
  LAB_TRY(const auto text, RunOk({.argv = {ctr.string(), "oci", "spec"}}));
  json spec = json::parse(text, nullptr, false);
  if (!spec.is_object()) return Error{"ctr oci spec: no JSON"};
  spec["hooks"]["createContainer"].push_back(
      {{"path", "/kind/bin/mount-product-files.sh"}});
  spec["process"].erase("rlimits");
  return WriteFile(file, spec.dump());
}

// runc and crun then make the cgroups themselves, where a kubelet with the
// driver cgroupfs expects them.
Status LeaveCgroupsToRuntime(const Path& config) {
  LAB_TRY(const auto text, ReadFile(config));
  const auto changed =
      ReplaceAll(text, "SystemdCgroup = true", "SystemdCgroup = false");
  if (changed == text) {
    return Error{config.string() + " does not ask for systemd's cgroups"};
  }
  return WriteFile(config, changed);
}

Status WriteConfiguration(const KindNodeInputs& in, const Have& have,
                          const Path& root) {
  LAB_CHECK_OK(WriteBaseSpec(have.containerd / "ctr",
                             root / "etc/containerd/cri-base.json"));
  LAB_TRY(const auto text, ReadFile(in.fixtures / kVersions));
  LAB_TRY(const auto differs, DifferencesOf(text, in.kubernetes_version));
  LAB_TRY(auto usual, ReadFile(root / "etc/default/kubelet"));
  std::string line(Trim(usual));
  for (const auto& flag : differs.kubelet_flags) line += " " + flag;
  LAB_CHECK_OK(WriteFile(root / "etc/default/kubelet", line + "\n"));
  if (!differs.systemd_cgroups) {
    LAB_CHECK_OK(LeaveCgroupsToRuntime(root / kContainerdConfig));
  }
  LAB_CHECK_OK(WriteFile(root / "kind/version", "v" + in.kubernetes_version));
  LAB_CHECK_OK(WriteFile(root / "etc/machine-id", ""));
  LAB_CHECK_OK(MakeDirectories(root / "etc/kubernetes/manifests"));
  for (const char* directory :
       {"dev", "proc", "sys", "run", "tmp", "etc/cni/net.d"}) {
    LAB_CHECK_OK(MakeDirectories(root / directory));
  }
  return {};
}

// kube-proxy calls iptables and its relations, which are Debian's.
Status AddProxyPrograms(const Path& root, ArchiveWriter& layer) {
  std::set<Path> libraries;
  for (const char* name : kProxyPrograms) {
    const Path program = root / "usr/sbin" / name;
    LAB_TRY(auto some, LibrariesOf(root, program));
    libraries.merge(some);
    LAB_CHECK_OK(
        layer.AddFileFrom(fmt::format("usr/sbin/{}", name), program, 0755));
  }
  for (const char* name :
       {"iptables", "iptables-save", "iptables-restore", "ip6tables",
        "ip6tables-save", "ip6tables-restore"}) {
    LAB_CHECK_OK(layer.AddSymlink(fmt::format("usr/sbin/{}", name),
                                  "xtables-nft-multi"));
  }
  for (const auto& library : libraries) {
    LAB_CHECK_OK(layer.AddFileFrom(
        fmt::format("{}/{}", kLibraries, library.filename().string()), library,
        0755));
  }
  for (const auto& entry :
       fs::directory_iterator(root / kLibraries / "xtables")) {
    LAB_CHECK_OK(
        layer.AddFileFrom(fmt::format("{}/xtables/{}", kLibraries,
                                      entry.path().filename().string()),
                          entry.path(), 0644));
  }
  LAB_CHECK_OK(layer.AddFileFrom(kLoader, root / kLoader, 0755));
  for (const char* name : {"lib", "lib64", "sbin"}) {
    LAB_CHECK_OK(layer.AddSymlink(name, fmt::format("usr/{}", name)));
  }
  return {};
}

// An image of one program under the name that kubeadm asks for.
struct ClusterImage {
  std::string program;  ///< "kube-apiserver", as the image's name has it
  Path file;
  std::string place;  ///< in the image
  std::vector<std::string> env{};
};

// Over TLS etcd answers gRPC through Go's HTTP server, unless HTTP has a port
// of its own; that server refuses the :authority of clients of 3.5.1 and older
// (Kubernetes 1.23: "RST_STREAM with error code: PROTOCOL_ERROR"). etcd takes
// its flags from the environment, too.
constexpr const char* kEtcdHttpApart =
    "ETCD_LISTEN_CLIENT_HTTP_URLS=http://127.0.0.1:2382";

Status WriteClusterImage(const ClusterImage& image, const std::string& tag,
                         const Path& root, const Path& archive) {
  const Path layer = archive.string() + ".layer";
  LAB_TRY(auto writer,
          ArchiveWriter::Create(layer, ArchiveWriter::Format::kTar));
  for (const char* directory : {"etc", "proc", "sys", "dev", "run"}) {
    LAB_CHECK_OK(writer.AddDirectory(directory));
  }
  LAB_CHECK_OK(writer.AddDirectory("tmp", 01777));
  LAB_CHECK_OK(writer.AddFileFrom(image.place, image.file, 0755));
  if (image.program == "kube-proxy") {
    LAB_CHECK_OK(AddProxyPrograms(root, writer));
  }
  LAB_CHECK_OK(writer.Close());
  std::vector<std::string> env = {kPath};
  env.insert(env.end(), image.env.begin(), image.env.end());
  LAB_CHECK_OK(
      WriteImageArchive(archive, tag, layer,
                        {{"Entrypoint", {"/" + image.place}}, {"Env", env}}));
  return RemoveTree(layer);
}

// One archive for each image that kubeadm of this version names.
Result<std::vector<Path>> MakeClusterImages(const KindNodeInputs& in,
                                            const Have& have, const Path& root,
                                            const Path& into) {
  const std::string local = "usr/local/bin/";
  const std::vector<ClusterImage> images = {
      {"kube-apiserver", have.kubernetes / "kube-apiserver",
       local + "kube-apiserver"},
      {"kube-controller-manager", have.kubernetes / "kube-controller-manager",
       local + "kube-controller-manager"},
      {"kube-scheduler", have.kubernetes / "kube-scheduler",
       local + "kube-scheduler"},
      {"kube-proxy", have.kube_proxy / "kube-proxy", local + "kube-proxy"},
      {"etcd", have.etcd / "etcd", local + "etcd", {kEtcdHttpApart}},
      {"coredns", have.coredns / "coredns", "coredns"},
      {"pause", in.probes / "pause", "pause"}};
  LAB_TRY(const auto said,
          RunOk({.argv = {(have.kubernetes / "kubeadm").string(), "config",
                          "images", "list", "--kubernetes-version",
                          "v" + in.kubernetes_version}}));
  std::vector<Path> archives;
  for (const auto& tag : Lines(said)) {
    const std::string name = tag.substr(0, tag.rfind(':'));
    const std::string program = name.substr(name.rfind('/') + 1);
    const auto image = std::find_if(
        images.begin(), images.end(),
        [&](const ClusterImage& one) { return one.program == program; });
    if (image == images.end()) {
      return Error{"kubeadm wants an image that nothing stands for: " + tag};
    }
    archives.push_back(into / (program + ".tar"));
    LAB_CHECK_OK(WriteClusterImage(*image, tag, root, archives.back()));
  }
  return archives;
}

// kind makes /var a volume, which Docker fills with what the image has there:
// a gigabyte for every node, to be written and removed again. What containerd
// only reads there is in the image instead, and /var points to it.
Status KeepOutOfVolume(const Path& root, const Path& what, const Path& home) {
  LAB_CHECK_OK(MakeDirectories((root / home).parent_path()));
  std::error_code code;
  fs::rename(root / what, root / home, code);
  if (code) {
    return Error{fmt::format("move {}: {}", what.string(), code.message())};
  }
  return MakeSymlink(root / what, "/" + home.string());
}

Status KeepImagesOutOfVolume(const Path& root) {
  LAB_CHECK_OK(KeepOutOfVolume(root, kContent, "kind/content"));
  std::vector<Path> snapshots;
  for (const auto& one : fs::directory_iterator(root / kSnapshots)) {
    snapshots.push_back(one.path().filename());
  }
  for (const auto& name : snapshots) {
    LAB_CHECK_OK(
        KeepOutOfVolume(root, kSnapshots / name, "kind/snapshots" / name));
  }
  return {};
}

Status Preload(const KindNodeInputs& in, const Have& have, const Path& root,
               const Path& work, const Path& log) {
  LAB_CHECK_OK(MakeDirectories(work / "cluster"));
  LAB_CHECK_OK(MakeDirectories(work / "suites"));
  LAB_TRY(const auto cluster,
          MakeClusterImages(in, have, root, work / "cluster"));
  LAB_TRY(const auto own,
          MakeImages(ImageInputsIn(root, in.probes), work / "suites"));
  ImageImport import{.archives = cluster,
                     .containerd = have.containerd,
                     .root = root,
                     .pinned = true,
                     .log = log};
  LAB_CHECK_OK(ImportImages(import));
  // A pod with a user namespace needs idmapped mounts of its image's layers,
  // which overlayfs, on which the node's root is, has not.
  import.archives = own;
  import.unpack = false;
  LAB_CHECK_OK(ImportImages(import));
  LAB_CHECK_OK(KeepImagesOutOfVolume(root));
  return RemoveTree(work);
}

Status Build(const KindNodeInputs& in, const std::string& tag, const Path& into,
             const Path& log) {
  LAB_TRY(const auto have, Provide(in));
  const Path root = into / "root";
  LAB_CHECK_OK(ExtractArchive(have.root / "root.tar", root, WantedOnNode));
  LAB_CHECK_OK(PlaceKindFiles(have.kind / "node", root));
  LAB_CHECK_OK(SetUpSystemd(root));
  LAB_CHECK_OK(PlacePrograms(in, have, root));
  LAB_CHECK_OK(WriteConfiguration(in, have, root));
  LAB_CHECK_OK(Preload(in, have, root, into / "images", log));
  const Path layer = into / "layer.tar";
  LAB_TRY(auto writer,
          ArchiveWriter::Create(layer, ArchiveWriter::Format::kTar));
  LAB_CHECK_OK(writer.AddTree(root));
  LAB_CHECK_OK(writer.Close());
  LAB_CHECK_OK(RemoveTree(root));
  // systemd ends on this signal; SIGTERM would make it execute itself anew.
  LAB_CHECK_OK(WriteImageArchive(
      into / kKindNodeFile, tag, layer,
      {{"Entrypoint", {"/usr/local/bin/entrypoint", "/sbin/init"}},
       {"Env", {kPath, "container=docker"}},
       {"StopSignal", "SIGRTMIN+3"}}));
  return RemoveTree(layer);
}

}  // namespace

std::string KindNodeImage(const std::string& kubernetes,
                          const PartRecipe& recipe) {
  const std::string id = PartId(recipe);
  return fmt::format("lab.local/kind-node:v{}-{}", kubernetes,
                     id.substr(id.rfind('-') + 1));
}

Result<KindNodeDifferences> DifferencesOf(const std::string& fixture,
                                          const std::string& kubernetes) {
  LAB_TRY(const auto version, Version::In(kubernetes));
  KindNodeDifferences differences;
  try {
    for (const auto& entry : json::parse(fixture)) {
      LAB_TRY(const auto range,
              VersionRange::Parse(entry.at("kubernetes").get<std::string>()));
      if (!range.Contains(version)) continue;
      if (entry.contains("kubelet-flag")) {
        differences.kubelet_flags.push_back(entry.at("kubelet-flag"));
      } else {
        differences.systemd_cgroups = entry.at("systemd-cgroups");
      }
    }
  } catch (const json::exception& e) {
    return Error{std::string(kVersions) + ": " + e.what()};
  }
  return differences;
}

Result<PartRecipe> KindNodeRecipe(const KindNodeInputs& inputs) {
  std::vector<std::string> key = {"kind-node/4", inputs.kubernetes_version};
  for (const auto* recipe :
       {&inputs.root, &inputs.kubernetes, &inputs.kube_proxy, &inputs.etcd,
        &inputs.containerd, &inputs.kind, &inputs.crictl, &inputs.cni_plugins,
        &inputs.coredns}) {
    key.push_back(PartId(*recipe));
  }
  std::vector<Path> files = {inputs.fixtures / kVersions,
                             inputs.probes / "pause", inputs.probes / "probe",
                             inputs.probes / "loader"};
  for (const auto& file : kFixtures) {
    files.push_back(inputs.fixtures / file.source);
  }
  for (const auto& file : kKindNodeProbes)
    files.push_back(inputs.probes / file.source);
  LAB_TRY(const auto keys, FileKeys(files));
  key.insert(key.end(), keys.begin(), keys.end());
  PartRecipe recipe{.name = "kind-node-" + inputs.kubernetes_version,
                    .inputs = std::move(key),
                    .cold_seconds = 20,
                    .build = {}};
  recipe.build = [inputs,
                  tag = KindNodeImage(inputs.kubernetes_version, recipe)](
                     const Path& into, const Path& log) {
    return Build(inputs, tag, into, log);
  };
  return recipe;
}

}  // namespace lab
