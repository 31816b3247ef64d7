// SPDX-License-Identifier: Apache-2.0
// Known issues: failures that are expected where and as long as an entry says
// so. suites/SUITE/known-issues.json, and lists of one's own. Format and
// meaning: docs/known-issues.md.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/version.h"
#include "runner/report/verdict.h"

namespace lab {

struct KnownIssue {
  std::string scenario;
  /// Where it holds; each empty: everywhere.
  std::optional<VersionRange> kubernetes;  ///< of the node's kubelet
  std::optional<VersionRange> kernel;
  std::string runtime;  ///< "crun", "runc" or "containerd"
  std::optional<VersionRange> runtime_versions;
  std::string node_os;  ///< "trixie"
  std::string reason;
  std::string link;
  std::string expires;  ///< "2027-03-31": the last day on which it applies
  Path file;            ///< where it stands, for messages
};

/// Every entry of `file`. Anything that is wrong with it is a usage error that
/// names the file and the entry: fields that are missing or unknown, a
/// scenario that is not among `scenarios`, a date that is none.
Result<std::vector<KnownIssue>> LoadKnownIssues(
    const Path& file, const std::vector<std::string>& scenarios);

/// Those of the suite and, if `more` is not empty, those of that file.
Result<std::vector<KnownIssue>> LoadKnownIssuesFor(const Path& home,
                                                   const std::string& suite,
                                                   const std::string& more);

/// Whether the issue was expected no longer on `today` ("2026-11-21").
bool HasExpired(const KnownIssue& issue, const std::string& today);

/// Measured facts of a lab (see LabFile); of `node`, if it is not empty, where
/// the node has its own.
using Facts = std::map<std::string, std::string>;
bool HoldsIn(const KnownIssue& issue, const Facts& facts,
             const std::string& node);

/// What the list makes of a verdict.
struct Ruling {
  Verdict verdict;
  std::string reason;
};

/// kFail becomes kKnown, kPass kFixed, where an entry holds; a failure whose
/// entry has expired stays one, and the reason says so. Empty if the list has
/// nothing to say. `saw` is why the case failed.
std::optional<Ruling> RuleOn(const std::vector<KnownIssue>& issues,
                             const std::string& scenario, Verdict verdict,
                             const std::string& saw, const Facts& facts,
                             const std::string& node, const std::string& today);

}  // namespace lab
