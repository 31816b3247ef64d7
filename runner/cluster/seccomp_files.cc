// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/seccomp_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "runner/base/text.h"
#include "runner/components/archive.h"

namespace lab {
namespace {

// The same files once more, to know which are this lab's. Not below /run: the
// files that they stand for outlive the node's boot, too. Its directories stay
// until RemoveAllOwnSeccompFiles, which looks what they stand for.
std::string OwnRoot(const NodeShell& node) {
  return node.directory() + "/seccomp";
}

// There if kSeccompRoot was not, and had to be made.
std::string RootMade(const NodeShell& node) {
  return node.directory() + "/seccomp-root-made";
}

// The entries of one type below a root, by their paths there, and "" for the
// root itself; none if it is not there.
Result<std::set<std::string>> Find(const NodeShell& node,
                                   const std::string& root,
                                   const std::vector<std::string>& type = {}) {
  std::vector<std::string> argv = {"find", root};
  argv.insert(argv.end(), type.begin(), type.end());
  LAB_TRY(const auto found, node.Ask(argv));
  std::set<std::string> paths;
  for (const auto& line : Lines(found.out)) {
    paths.insert(line == root ? "" : line.substr(root.size() + 1));
  }
  return paths;
}

Result<std::set<std::string>> OwnFiles(const NodeShell& node) {
  return Find(node, OwnRoot(node), {"-type", "f"});
}

Status RemoveFiles(const NodeShell& node, const std::set<std::string>& paths) {
  if (paths.empty()) return {};
  std::vector<std::string> argv = {"rm", "-f", "--"};
  for (const auto& path : paths) {
    argv.push_back(fmt::format("{}/{}", kSeccompRoot, path));
    argv.push_back(fmt::format("{}/{}", OwnRoot(node), path));
  }
  LAB_TRY(const auto removed, node.AskOk(argv));
  return {};
}

}  // namespace

Result<ProfileFaults> PlaceSeccompFiles(
    const NodeShell& node, const std::map<std::string, std::string>& files) {
  if (files.empty()) return ProfileFaults();
  LAB_TRY(const auto there, Find(node, kSeccompRoot));
  LAB_TRY(const auto own, OwnFiles(node));
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
  if (wanted.empty()) return faults;
  LAB_TRY(const auto tar, PackTar([&](ArchiveWriter& writer) -> Status {
            for (const auto& [path, text] : wanted) {
              LAB_CHECK_OK(writer.AddFile(path, text));
            }
            return {};
          }));
  std::vector<std::string> make = {"mkdir", "-p", OwnRoot(node), kSeccompRoot};
  if (there.empty()) make.push_back(RootMade(node));
  LAB_TRY(const auto made, node.AskOk(make));
  // First the mark, then the file: what is cut off in between is nobody's.
  for (const std::string& root : {OwnRoot(node), std::string(kSeccompRoot)}) {
    LAB_TRY(const auto said,
            node.AskOk({"tar", "-x", "-C", root, "-f", "-"}, tar));
  }
  return faults;
}

Status RemoveOwnSeccompFiles(const NodeShell& node,
                             const std::vector<std::string>& paths) {
  if (paths.empty()) return {};
  LAB_TRY(auto own, OwnFiles(node));
  std::erase_if(own, [&](const std::string& path) {
    return std::find(paths.begin(), paths.end(), path) == paths.end();
  });
  return RemoveFiles(node, own);
}

Status RemoveAllOwnSeccompFiles(const NodeShell& node) {
  LAB_TRY(const auto own, OwnFiles(node));
  LAB_CHECK_OK(RemoveFiles(node, own));
  LAB_TRY(auto made, Find(node, OwnRoot(node), {"-type", "d"}));
  LAB_TRY(const auto root, Find(node, RootMade(node)));
  if (root.empty()) made.erase("");
  std::vector<std::string> argv = {"rmdir", "--ignore-fail-on-non-empty", "--"};
  // What is below a directory comes behind it in the set.
  for (auto it = made.rbegin(); it != made.rend(); ++it) {
    argv.push_back(std::string(kSeccompRoot) + (it->empty() ? "" : "/" + *it));
  }
  // One of them may be gone: a case may have removed it.
  if (!made.empty()) LAB_CHECK_OK(node.Ask(argv));
  LAB_TRY(const auto forgotten,
          node.AskOk({"rm", "-rf", OwnRoot(node), RootMade(node)}));
  return {};
}

}  // namespace lab
