// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/kind_derived_image.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "runner/base/text.h"
#include "runner/base/version.h"
#include "runner/components/kind_extras.h"
#include "runner/components/kind_node.h"

namespace lab {
namespace {

namespace fs = std::filesystem;

constexpr const char* kName = "lab.local/kind-derived";
constexpr const char* kKubeletDefaults = "etc/default/kubelet";
constexpr const char* kContainerdConfig = "etc/containerd/config.toml";
// An hour for a gigabyte on a slow line.
constexpr Duration kPullTimeout = 60min;

// A container that is never started, to copy files from and to.
class Vessel {
 public:
  static Result<Vessel> Of(const ContainerEngine& engine,
                           const std::string& image,
                           const std::string& network) {
    LAB_TRY(const auto id, engine.Run({"create", "--network", network, image}));
    return Vessel(engine, std::string(Trim(id)));
  }
  Vessel(Vessel&& other) noexcept
      : engine_(other.engine_), id_(std::exchange(other.id_, "")) {}
  ~Vessel() {
    if (!id_.empty()) {
      (void)engine_.Run({"rm", "--force", "--volumes", id_}).has_value();
    }
  }

  Status CopyOut(const std::string& file, const Path& to) const {
    LAB_CHECK_OK(MakeDirectories(to.parent_path()));
    LAB_TRY(const auto said,
            engine_.Run({"cp", id_ + ":/" + file, to.string()}));
    return {};
  }
  Result<std::string> Read(const std::string& file, const Path& work) const {
    const Path to = work / Path(file).filename();
    LAB_CHECK_OK(CopyOut(file, to));
    return ReadFile(to);
  }
  /// What is in `tree`, over the root.
  Status LayOver(const Path& tree) const {
    LAB_TRY(const auto said,
            engine_.Run({"cp", tree.string() + "/.", id_ + ":/"}));
    return {};
  }
  Status Commit(const std::string& image) const {
    LAB_TRY(const auto said, engine_.Run({"commit", id_, image}, 5min));
    return {};
  }

 private:
  Vessel(const ContainerEngine& engine, std::string id)
      : engine_(engine), id_(std::move(id)) {}
  const ContainerEngine& engine_;
  std::string id_;
};

// The daemon's id of an image; nothing if it does not have it.
std::string IdOf(const ContainerEngine& engine, const std::string& image) {
  const auto id =
      engine.Run({"image", "inspect", "--format", "{{.Id}}", image});
  return id ? std::string(Trim(*id)) : "";
}

Result<std::string> ProvideBase(const ContainerEngine& engine,
                                const DerivedImageRequest& request) {
  if (const auto id = IdOf(engine, request.base); !id.empty()) return id;
  const std::string way_out =
      "; --node-image built makes one without any registry";
  if (request.offline) {
    return Error{
        fmt::format("the daemon has no image {}, and --offline forbids "
                    "pulling it{}",
                    request.base, way_out)};
  }
  const auto pulled =
      engine.Run({"pull", "--quiet", request.base}, kPullTimeout);
  if (!pulled) {
    if (pulled.error().kind == ErrorKind::kInterrupted) return pulled.error();
    return Error{pulled.error().what + way_out};
  }
  return IdOf(engine, request.base);
}

Result<std::string> VersionOf(const Vessel& vessel,
                              const DerivedImageRequest& request,
                              const Path& work) {
  const auto text = vessel.Read("kind/version", work);
  if (!text) {
    return Error{fmt::format("{} is no image of kind's nodes: {}", request.base,
                             text.error().what)};
  }
  LAB_TRY(const auto version, Version::In(*text));
  LAB_TRY(const auto wanted, Version::In(request.kubernetes));
  if (version.numbers.size() > 1 && wanted.numbers.size() > 1 &&
      version.numbers[0] == wanted.numbers[0] &&
      version.numbers[1] == wanted.numbers[1]) {
    return version.ToString();
  }
  return UsageError(fmt::format(
      "{} has Kubernetes {}, not {}; say --kubernetes {}.{}", request.base,
      version.ToString(), request.kubernetes, version.numbers.at(0),
      version.numbers.size() > 1 ? version.numbers[1] : 0));
}

// What differs from one base to the next: files of its own, changed.
Status AdaptFiles(const Vessel& vessel, const DerivedImageRequest& request,
                  const std::string& kubernetes, const Path& work,
                  const Path& tree) {
  LAB_TRY(const auto versions, ReadFile(request.extras / kExtrasVersions));
  LAB_TRY(const auto differs, DifferencesOf(versions, kubernetes));
  LAB_TRY(const auto defaults, vessel.Read(kKubeletDefaults, work));
  LAB_TRY(const auto config, vessel.Read(kContainerdConfig, work));
  for (const char* file : {kKubeletDefaults, kContainerdConfig}) {
    LAB_CHECK_OK(MakeDirectories((tree / file).parent_path()));
  }
  LAB_CHECK_OK(WriteFile(tree / kKubeletDefaults,
                         AddKubeletFlags(defaults, differs.kubelet_flags)));
  return WriteFile(tree / kContainerdConfig, WithoutOomScores(config));
}

}  // namespace

std::string AddKubeletFlags(const std::string& defaults,
                            const std::vector<std::string>& flags) {
  std::string line(Trim(defaults));
  for (const auto& flag : flags) {
    if (line.find(flag) == std::string::npos) line += " " + flag;
  }
  return line + "\n";
}

std::string WithoutOomScores(const std::string& config) {
  return ReplaceAll(config, "restrict_oom_score_adj = false",
                    "restrict_oom_score_adj = true");
}

Result<DerivedImage> ProvideDerivedImage(const ContainerEngine& engine,
                                         const DerivedImageRequest& request) {
  LAB_TRY(const auto base, ProvideBase(engine, request));
  LAB_TRY(const auto work, TempDir::In(request.directory, "image-"));
  LAB_TRY(const auto vessel, Vessel::Of(engine, request.base, request.network));
  DerivedImage derived;
  LAB_TRY(derived.kubernetes, VersionOf(vessel, request, work.path()));
  derived.kubectl = request.directory / "kubectl";
  LAB_CHECK_OK(vessel.CopyOut("usr/bin/kubectl", derived.kubectl));
  // The part is named by a digest of all that is in it.
  const std::string key =
      Sha256OfText(base + request.extras.filename().string()).substr(0, 12);
  derived.image = fmt::format("{}:v{}-{}", kName, derived.kubernetes, key);
  if (!IdOf(engine, derived.image).empty()) return derived;
  LAB_CHECK_OK(vessel.LayOver(request.extras / kExtrasLayer));
  const Path tree = work.path() / "tree";
  LAB_CHECK_OK(
      AdaptFiles(vessel, request, derived.kubernetes, work.path(), tree));
  LAB_CHECK_OK(vessel.LayOver(tree));
  LAB_CHECK_OK(vessel.Commit(derived.image));
  engine.RemoveOthers(derived.image);
  return derived;
}

}  // namespace lab
