// SPDX-License-Identifier: Apache-2.0
// What AppArmor profiles are called on the nodes of a lab. A kernel has one set
// of them, whoever uses it. Where it is the nodes' own they are called as in
// the documents. Where others use it too (kind's nodes share the host's; a
// cluster that exists is somebody's), every name carries the mark of the lab:
// two labs never meet there, and nobody's profile is ever replaced.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/result.h"

namespace lab {

class ProfileNames {
 public:
  /// As in the documents: both directions leave a text as it is.
  ProfileNames() = default;
  /// `mark` goes behind each of `names`. It begins with a character that may
  /// stand in a name, so that a marked name is not marked again.
  ProfileNames(std::string mark, const std::set<std::string>& names);
  /// A new mark, ".lab-4be1f0", for all that the files in `directory` declare.
  static Result<ProfileNames> MarkAnew(const Path& directory);

  const std::string& mark() const { return mark_; }
  const std::vector<std::string>& names() const { return names_; }
  bool marked() const { return !mark_.empty(); }

  /// `text` for a node or the API: every name that stands in it as a whole
  /// word gets the mark. Texts of profiles, manifests, command lines.
  std::string OnNodes(std::string_view text) const;
  /// A node's or the API's words for the suite: without the mark.
  std::string InDocuments(std::string_view text) const;

  /// Whether a node's profile is this lab's, by its mark.
  bool IsMarked(std::string_view profile) const {
    return marked() && profile.find(mark_) != std::string_view::npos;
  }
  /// Whether a node's profile (or the parent of it) is called like one of the
  /// documents, and is somebody else's.
  bool IsNamesake(std::string_view profile) const;
  /// The kernel's list, "NAME (MODE)" a line, as the suite may know it: without
  /// namesakes, and without the mark.
  std::string ListInDocuments(std::string_view list) const;

 private:
  std::string mark_;
  std::vector<std::string> names_;  // longest first
};

/// The names of the profiles that stand at the left of a profile file's text;
/// those of children, which are indented, begin with their parent's.
std::set<std::string> DeclaredProfiles(std::string_view text);

}  // namespace lab
