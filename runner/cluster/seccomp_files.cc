// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/seccomp_files.h"

#include <fmt/format.h>

#include <set>

#include "runner/base/text.h"
#include "runner/components/archive.h"

namespace lab {
namespace {

// The same files once more, to know which are this lab's. Not below /run: the
// files that they stand for outlive the node's boot, too.
constexpr const char* kOwn = "/var/lib/confinement-lab/seccomp";

Result<std::set<std::string>> FilesBelow(const NodeShell& node,
                                         const std::string& root) {
  LAB_TRY(const auto found,
          node.AskEach({{"mkdir", "-p", root}, {"find", root, "-type", "f"}}));
  if (!found.ended.ok()) {
    return Error{fmt::format("node {}: {}", node.node(), found.err)};
  }
  std::set<std::string> paths;
  for (const auto& line : Lines(found.out)) {
    paths.insert(line.substr(root.size() + 1));
  }
  return paths;
}

Result<std::string> Pack(const std::map<std::string, std::string>& files) {
  LAB_TRY(const auto directory,
          TempDir::In(std::filesystem::temp_directory_path(), "seccomp-"));
  const Path file = directory.path() / "files.tar";
  LAB_TRY(auto tar, ArchiveWriter::Create(file, ArchiveWriter::Format::kTar));
  for (const auto& [path, text] : files) {
    LAB_CHECK_OK(tar.AddFile(path, text));
  }
  LAB_CHECK_OK(tar.Close());
  return ReadFile(file);
}

}  // namespace

Result<ProfileFaults> PlaceSeccompFiles(
    const NodeShell& node, const std::map<std::string, std::string>& files) {
  if (files.empty()) return ProfileFaults();
  LAB_TRY(const auto there, FilesBelow(node, kSeccompRoot));
  LAB_TRY(const auto own, FilesBelow(node, kOwn));
  ProfileFaults faults;
  auto wanted = files;
  for (const auto& [path, text] : files) {
    if (!there.contains(path) || own.contains(path)) continue;
    faults[path] = fmt::format(
        "node {}: {}/{} is there already, and not this lab's; it is not "
        "replaced",
        node.node(), kSeccompRoot, path);
    wanted.erase(path);
  }
  LAB_TRY(const auto tar, Pack(wanted));
  // First the mark, then the file: what is cut off in between is nobody's.
  for (const char* root : {kOwn, kSeccompRoot}) {
    LAB_TRY(const auto said,
            node.AskOk({"tar", "-x", "-C", root, "-f", "-"}, tar));
  }
  return faults;
}

Status RemoveOwnSeccompFiles(const NodeShell& node,
                             const std::vector<std::string>& paths) {
  if (paths.empty()) return {};
  LAB_TRY(const auto own, FilesBelow(node, kOwn));
  std::vector<std::string> argv = {"rm", "-f", "--"};
  for (const auto& path : paths) {
    if (!own.contains(path)) continue;
    argv.push_back(fmt::format("{}/{}", kSeccompRoot, path));
    argv.push_back(fmt::format("{}/{}", kOwn, path));
  }
  LAB_TRY(const auto removed, node.AskOk(argv));
  return {};
}

}  // namespace lab
