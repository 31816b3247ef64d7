// SPDX-License-Identifier: Apache-2.0
// All calls of all architectures with what becomes of them, from whatever side:
// filters that were read, or a profile that was promised; and two such views,
// name by name.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runner/seccomp/filter.h"
#include "runner/seccomp/profile.h"

namespace lab::seccomp {

struct CallView {
  std::string name;
  std::uint32_t number = 0;
  Decisions decisions;

  /// The outcome, if it does not depend on the arguments.
  std::optional<Outcome> always() const;
};

struct ArchitectureView {
  const Architecture* architecture = nullptr;
  std::vector<CallView> calls;  ///< by number
  /// Numbers that no kernel has used, below and above those that it has.
  Decisions unassigned;
  Decisions beyond;
};

/// One for each of Architectures(), in their order.
using View = std::vector<ArchitectureView>;

/// What filters do; without any, everything is allowed.
Result<View> ViewOf(const Programs& programs);
/// What a profile promises.
View ViewOf(const Expectation& expectation);

/// A call of which two views tell different things, and for which arguments.
struct Difference {
  const Architecture* architecture = nullptr;
  std::string name;
  std::uint32_t number = 0;
  Decisions left;
  Decisions right;
  CallData at;  ///< one call that shows it

  /// "x86_64 socket: errno 1 (EPERM), not allow", with the arguments that show
  /// it where they matter.
  std::string ToString() const;
};

/// Every call that is not decided alike everywhere that Samples() looks, in
/// the order of architectures and numbers. Empty: the views are the same.
std::vector<Difference> Compare(const View& left, const View& right);

/// Names of the calls of one architecture that are never allowed, whatever
/// their arguments, and those for which it depends.
std::vector<std::string> NamesWhere(
    const ArchitectureView& view,
    const std::function<bool(const CallView&)>& wanted);

}  // namespace lab::seccomp
