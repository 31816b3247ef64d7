// SPDX-License-Identifier: Apache-2.0
#include "runner/components/parts.h"

#include <future>

#include "runner/components/debian_root.h"
#include "runner/components/go_module.h"
#include "runner/components/node_disk.h"
#include "runner/process/own_program.h"

namespace lab {
namespace {

struct NodeRecipes {
  std::string node_os;
  PartRecipe root, disk;
};

struct Recipes {
  PartRecipe kubernetes, etcd, containerd, crictl;
  std::vector<NodeRecipes> nodes;
};

Result<Recipes> MakeRecipes(const PartsRequest& request,
                            const ComponentTable& table, const Path& home,
                            Cache& cache) {
  const auto go = [&](const std::string& name) -> Result<PartRecipe> {
    LAB_TRY(const auto part, table.FindGoModule(name));
    return GoModuleRecipe(part, home);
  };
  LAB_TRY(auto kubernetes, go(request.kubernetes.control_plane));
  LAB_TRY(auto etcd, go(request.kubernetes.etcd));
  LAB_TRY(auto containerd, go(request.kubernetes.containerd));
  LAB_TRY(auto crictl, go(request.kubernetes.crictl));
  LAB_TRY(const Path probes, ProbesDirectory());
  Recipes recipes{kubernetes, etcd, containerd, crictl, {}};
  for (const auto& name : request.node_os) {
    LAB_TRY(const auto node_os, table.FindNodeOs(name));
    auto root = DebianRootRecipe(node_os, request.debian_mirror);
    LAB_TRY(auto disk, NodeDiskRecipe({.name = "node-" + name + "-" +
                                               request.kubernetes.version,
                                       .root = root,
                                       .kubernetes = kubernetes,
                                       .containerd = containerd,
                                       .crictl = crictl,
                                       .fixtures = home / "fixtures" / "node",
                                       .probes = probes,
                                       .cache = &cache}));
    recipes.nodes.push_back({name, std::move(root), std::move(disk)});
  }
  return recipes;
}

}  // namespace

Result<Path> ProbesDirectory() {
  const Path self = OwnProgram();
  for (Path at = self.parent_path(); !at.empty() && at != at.root_path();
       at = at.parent_path()) {
    if (std::filesystem::exists(at / "probes" / "probe")) return at / "probes";
  }
  return Error{"no probes beside " + self.string() +
               "; `make build` makes them"};
}

Result<std::vector<PartRecipe>> PartRecipes(const PartsRequest& request,
                                            const ComponentTable& table,
                                            const Path& home, Cache& cache) {
  LAB_TRY(const auto r, MakeRecipes(request, table, home, cache));
  std::vector<PartRecipe> all = {r.etcd, r.containerd, r.crictl, r.kubernetes};
  for (const auto& node : r.nodes) {
    all.push_back(node.root);
    all.push_back(node.disk);
  }
  return all;
}

Result<Parts> ProvideParts(const PartsRequest& request,
                           const ComponentTable& table, const Path& home,
                           Cache& cache) {
  LAB_TRY(const auto recipes, MakeRecipes(request, table, home, cache));
  // Cold, one after the other: each Go build uses every core anyway. Warm,
  // side by side: only digests are computed.
  bool warm = cache.Has(recipes.kubernetes) && cache.Has(recipes.etcd);
  for (const auto& node : recipes.nodes) warm = warm && cache.Has(node.disk);
  const auto provide = [&](const PartRecipe& recipe) {
    return std::async(warm ? std::launch::async : std::launch::deferred,
                      [&] { return cache.Provide(recipe); });
  };
  auto etcd = provide(recipes.etcd);
  auto kubernetes = provide(recipes.kubernetes);
  std::vector<std::future<Result<Path>>> disks;
  for (const auto& node : recipes.nodes) disks.push_back(provide(node.disk));
  LAB_TRY(const Path etcd_path, etcd.get());
  LAB_TRY(const Path kubernetes_path, kubernetes.get());
  Parts parts{kubernetes_path, etcd_path, {}};
  for (std::size_t i = 0; i < disks.size(); ++i) {
    LAB_TRY(const Path disk, disks[i].get());
    parts.node_os[recipes.nodes[i].node_os] = {
        disk / kDiskFile, disk / kKernelFile, disk / kInitramfsFile};
  }
  return parts;
}

}  // namespace lab
