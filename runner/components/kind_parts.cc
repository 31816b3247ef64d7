// SPDX-License-Identifier: Apache-2.0
#include "runner/components/kind_parts.h"

#include <fmt/format.h>

#include <future>

#include "runner/base/text.h"
#include "runner/components/debian_root.h"
#include "runner/components/go_module.h"
#include "runner/components/kind_extras.h"
#include "runner/components/kind_node.h"
#include "runner/components/parts.h"

namespace lab {
namespace {

struct Recipes {
  KindNodeInputs inputs;
  PartRecipe node;
  PartRecipe extras;
};

Result<Recipes> MakeRecipes(const KindPartsRequest& request,
                            const ComponentTable& table, const Path& home,
                            Cache& cache) {
  KindNodeInputs in;
  const std::pair<PartRecipe*, const std::string*> modules[] = {
      {&in.kubernetes, &request.kubernetes.control_plane},
      {&in.kube_proxy, &request.kubernetes.kube_proxy},
      {&in.etcd, &request.kubernetes.etcd},
      {&in.containerd, &request.kubernetes.containerd},
      {&in.kind, &table.kind.kind},
      {&in.crictl, &request.kubernetes.crictl},
      {&in.cni_plugins, &table.kind.cni_plugins},
      {&in.coredns, &table.kind.coredns}};
  for (const auto& [recipe, name] : modules) {
    LAB_TRY(const auto part, table.FindGoModule(*name));
    LAB_TRY(*recipe, GoModuleRecipe(part, home));
  }
  in.kubernetes_version = request.kubernetes.version;
  in.root = DebianRootRecipe(table.kind.root, request.debian_mirror);
  in.root.name = "kind-root-" + table.kind.root.name;
  in.fixtures = home / "fixtures" / "kind-node";
  LAB_TRY(in.probes, ProbesDirectory());
  in.cache = &cache;
  LAB_TRY(auto node, KindNodeRecipe(in));
  LAB_TRY(auto extras,
          KindExtrasRecipe({in.root, in.fixtures, in.probes, in.cache}));
  return Recipes{std::move(in), std::move(node), std::move(extras)};
}

}  // namespace

Result<std::vector<PartRecipe>> KindPartRecipes(const KindPartsRequest& request,
                                                const ComponentTable& table,
                                                const Path& home,
                                                Cache& cache) {
  LAB_TRY(const auto r, MakeRecipes(request, table, home, cache));
  if (request.extras_only) {
    return std::vector<PartRecipe>{r.inputs.kind, r.inputs.root, r.extras};
  }
  return std::vector<PartRecipe>{r.inputs.kind,        r.inputs.etcd,
                                 r.inputs.containerd,  r.inputs.crictl,
                                 r.inputs.cni_plugins, r.inputs.coredns,
                                 r.inputs.kubernetes,  r.inputs.kube_proxy,
                                 r.inputs.root,        r.node};
}

Result<KindParts> ProvideKindParts(const KindPartsRequest& request,
                                   const ComponentTable& table,
                                   const Path& home, Cache& cache) {
  LAB_TRY(const auto r, MakeRecipes(request, table, home, cache));
  if (request.extras_only) {
    LAB_TRY(const Path kind, cache.Provide(r.inputs.kind));
    LAB_TRY(const Path extras, cache.Provide(r.extras));
    return KindParts{.kind = kind / "kind", .extras = extras};
  }
  // Warm, side by side: only digests are computed.
  const bool warm = cache.Has(r.node) && cache.Has(r.inputs.kubernetes);
  const auto provide = [&](const PartRecipe& recipe) {
    return std::async(warm ? std::launch::async : std::launch::deferred,
                      [&] { return cache.Provide(recipe); });
  };
  auto kind = provide(r.inputs.kind);
  auto kubernetes = provide(r.inputs.kubernetes);
  auto node = provide(r.node);
  LAB_TRY(const Path kind_path, kind.get());
  LAB_TRY(const Path kubernetes_path, kubernetes.get());
  LAB_TRY(const Path node_path, node.get());
  return KindParts{.kind = kind_path / "kind",
                   .kubernetes = kubernetes_path,
                   .node_archive = node_path / kKindNodeFile,
                   .image = KindNodeImage(request.kubernetes.version, r.node)};
}

}  // namespace lab
