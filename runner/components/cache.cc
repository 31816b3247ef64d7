// SPDX-License-Identifier: Apache-2.0
#include "runner/components/cache.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cstdlib>
#include <ctime>
#include <future>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/base/wait.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr const char* kSeal = "part.json";
// How each file was when its digest was last computed.
constexpr const char* kChecked = "checked.json";

// As long as these are the same, nobody has written to the file: nothing but
// the kernel sets the time of the last change of its inode (inode(7), ctime).
// Null if that time is so recent that a further change could bear the same
// (a tick of the kernel's clock; two seconds on old file systems), or if there
// is no such file.
json MarksOf(const Path& path) {
  struct stat about {};
  if (::stat(path.c_str(), &about) != 0) return nullptr;
  if (::time(nullptr) - about.st_ctim.tv_sec < 3) return nullptr;
  return {about.st_dev,         about.st_ino,          about.st_size,
          about.st_mtim.tv_sec, about.st_mtim.tv_nsec, about.st_ctim.tv_sec,
          about.st_ctim.tv_nsec};
}

Status VerifyFile(const Path& path, const json& expected) try {
  std::error_code code;
  const auto size = fs::file_size(path, code);
  if (code) return Error{fmt::format("{} is missing", path.string())};
  if (size != expected.at("size").get<std::uintmax_t>()) {
    return Error{fmt::format("{} has {} bytes, should have {}", path.string(),
                             size, expected.at("size").dump())};
  }
  LAB_TRY(const auto digest, Sha256OfFile(path));
  if (digest != expected.at("sha256").get<std::string>()) {
    return Error{fmt::format("{} has changed (sha256)", path.string())};
  }
  return {};
} catch (const json::exception&) {
  return Error{fmt::format("{} is not described in {}", path.string(), kSeal)};
}

}  // namespace

std::string PartId(const PartRecipe& recipe) {
  std::string all = recipe.name;
  for (const auto& input : recipe.inputs) {
    all += fmt::format("\n{}\n{}", input.size(), input);
  }
  return recipe.name + "-" + Sha256OfText(all).substr(0, 12);
}

Result<Path> DefaultCacheRoot() {
  if (const char* own = std::getenv("CONFINEMENT_LAB_CACHE");
      own != nullptr && *own != '\0') {
    return fs::absolute(own);
  }
  if (const char* xdg = std::getenv("XDG_CACHE_HOME");
      xdg != nullptr && *xdg == '/') {
    return Path(xdg) / "confinement-lab";
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return Path(home) / ".cache" / "confinement-lab";
  }
  return Error{
      "neither HOME nor XDG_CACHE_HOME is set; set CONFINEMENT_LAB_CACHE to a "
      "directory for the parts"};
}

Status SealPart(const Path& directory, const std::string& name) {
  json seal = {{"name", name}, {"created", TimestampUtc()}};
  json& files = seal["files"] = json::object();
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file() || entry.is_symlink()) continue;
    LAB_TRY(const auto digest, Sha256OfFile(entry.path()));
    files[fs::relative(entry.path(), directory).string()] = {
        {"size", entry.file_size()}, {"sha256", digest}};
  }
  return WriteFile(directory / kSeal, seal.dump(2) + "\n");
}

Status VerifyPart(const Path& directory) {
  LAB_TRY(const auto text, ReadFile(directory / kSeal));
  const auto seal = json::parse(text, nullptr, false);
  if (seal.is_discarded() || !seal.contains("files")) {
    return Error{(directory / kSeal).string() + " is not readable"};
  }
  json checked =
      json::parse(ReadFile(directory / kChecked).value_or(""), nullptr, false);
  if (!checked.is_object()) checked = json::object();
  json marks = json::object();
  std::vector<std::future<Status>> checks;
  for (const auto& [file, expected] : seal.at("files").items()) {
    const Path path = directory / file;
    // Taken before the content is read: what is written meanwhile changes them.
    const json& now = marks[file] = MarksOf(path);
    const bool same =
        !now.is_null() && checked.contains(file) && checked.at(file) == now;
    if (same) continue;
    checks.push_back(std::async(std::launch::async, [path, wanted = expected] {
      return VerifyFile(path, wanted);
    }));
  }
  Status result;
  for (auto& check : checks) {
    if (auto status = check.get(); !status && result) result = status;
  }
  // Without it the next use computes the digests again.
  if (result && marks != checked) {
    (void)WriteFileAtomically(directory / kChecked, marks.dump()).has_value();
  }
  return result;
}

Path Cache::PartDirectory(const PartRecipe& recipe) const {
  return root_ / "parts" / PartId(recipe);
}

bool Cache::Has(const PartRecipe& recipe) const {
  return fs::exists(PartDirectory(recipe) / kSeal);
}

Result<FileLock> Cache::Lock(const PartRecipe& recipe) {
  LAB_CHECK_OK(MakeDirectories(root_ / "locks"));
  const Path path = root_ / "locks" / (PartId(recipe) + ".lock");
  auto lock = FileLock::TryTake(path);
  if (!lock || lock->held()) return lock;
  progress_.Update(recipe.name, "another runner is building it, waiting");
  LAB_CHECK_OK(WaitUntil("lock " + path.string(), Deadline::In(1h), 100ms, [&] {
    lock = FileLock::TryTake(path);
    return !lock || lock->held();
  }));
  return lock;
}

Result<Path> Cache::Provide(const PartRecipe& recipe) {
  const Path directory = PartDirectory(recipe);
  if (Has(recipe)) {
    const auto verified = VerifyPart(directory);
    if (verified) return directory;
    progress_.Note(
        fmt::format("{}: damaged in the cache, building it again: {}",
                    recipe.name, verified.error().what));
  }
  progress_.Begin(recipe.name, "waiting for the cache");
  auto built = Build(recipe);
  progress_.End(recipe.name, built.has_value(),
                built ? "ready" : built.error().what);
  if (built || built.error().kind == ErrorKind::kInterrupted) return built;
  return ProvisionError("part " + recipe.name + ": " + built.error().what);
}

Result<Path> Cache::Build(const PartRecipe& recipe) {
  const std::string id = PartId(recipe);
  const Path directory = PartDirectory(recipe);
  LAB_TRY(const auto lock, Lock(recipe));
  // Somebody else may have built it while this process waited.
  if (Has(recipe) && VerifyPart(directory)) return directory;
  if (offline_) {
    return Error{
        "not in the cache, and --offline forbids building it; "
        "`runner fetch` gets all parts ahead of time"};
  }
  progress_.Update(recipe.name,
                   recipe.cold_seconds == 0
                       ? "building"
                       : fmt::format("building, about {} on two cores",
                                     HumanSeconds(recipe.cold_seconds)));
  const Path into = root_ / "tmp" / id;
  const Path log = root_ / "logs" / (id + ".log");
  LAB_CHECK_OK(RemoveTree(into));
  LAB_CHECK_OK(MakeDirectories(into));
  LAB_CHECK_OK(MakeDirectories(log.parent_path()));
  LAB_CHECK_OK(MakeDirectories(root_ / "parts"));
  LAB_CHECK_OK(WriteFile(log, ""));
  auto built = recipe.build(into, log);
  if (built) built = SealPart(into, recipe.name);
  if (!built) {
    (void)RemoveTree(into).has_value();
    if (built.error().kind == ErrorKind::kInterrupted) return built.error();
    return Error{built.error().what + "\n  log: " + log.string()};
  }
  LAB_CHECK_OK(RemoveTree(directory));
  std::error_code code;
  fs::rename(into, directory, code);
  if (code) return Error{"move into the cache: " + code.message()};
  return directory;
}

}  // namespace lab
