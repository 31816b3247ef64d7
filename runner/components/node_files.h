// SPDX-License-Identifier: Apache-2.0
// Files of a node's root, whatever the node is: a disk or a container's image.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/result.h"

namespace lab {

/// A file of this project, and where a node has it.
struct PlacedFile {
  const char* source;  ///< below the directory of fixtures or probes
  const char* target;  ///< below the node's root
  int mode;
};

/// Copies one file, and makes the directory that it is to lie in.
Status CopyFile(const Path& from, const Path& to, int mode);

/// Copies `files` from below `directory` to below `root`.
template <typename Files>
Status PlaceFiles(const Files& files, const Path& directory, const Path& root) {
  for (const PlacedFile& file : files) {
    LAB_CHECK_OK(
        CopyFile(directory / file.source, root / file.target, file.mode));
  }
  return {};
}

/// Writes the files that the first programs of a root read before anybody could
/// have written them, and makes the directories that are mounted over.
Status PlaceFirstFiles(const Path& root);

/// Makes `at` a symbolic link to `target`, in place of what was there, and the
/// directory that it is to lie in.
Status MakeSymlink(const Path& at, const std::string& target);

/// Below a Debian root: what finds the libraries of its programs.
inline constexpr const char* kLoader = "usr/lib64/ld-linux-x86-64.so.2";
inline constexpr const char* kLibraries = "usr/lib/x86_64-linux-gnu";

/// The libraries that a program of `root` is linked with, below `root`.
Result<std::set<Path>> LibrariesOf(const Path& root, const Path& program);

/// Probes of every kind node.
inline constexpr PlacedFile kKindNodeProbes[] = {
    {"node", "usr/local/bin/lab-node", 0755},
    {"seccomp", "usr/local/bin/lab-seccomp", 0755},
};

/// Whether a node has use for the file `name` of a Debian root. Nobody reads
/// documentation there, and every byte more is hashed at every use.
bool WantedOnNode(const std::string& name);

/// "NAME=DIGEST" of each file, for the key of a part.
Result<std::vector<std::string>> FileKeys(const std::vector<Path>& files);

}  // namespace lab
