// SPDX-License-Identifier: Apache-2.0
// A quicker way onto a node that is a container of this machine: into its
// namespaces, by nsenter(1). `docker exec` has client, daemon, shim and runc at
// work for the same, each time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runner/base/unique_fd.h"
#include "runner/cluster/lab_file.h"

namespace lab {

/// Namespaces that are held open: the way leads into these or nowhere, and
/// never to another process that got the node's process number.
class NamespaceEntry {
 public:
  /// The namespaces of the first process of the node that `login` leads to.
  /// Empty where they are not to be had: without root's rights, or when the
  /// container is another machine's.
  static std::optional<NamespaceEntry> Into(const NodeLogin& login);

  /// As NodeLogin::command, as long as this object and its process live.
  std::vector<std::string> Command() const;

 private:
  std::map<std::string, UniqueFd> namespaces_;  ///< by nsenter's option
};

}  // namespace lab
