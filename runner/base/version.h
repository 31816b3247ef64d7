// SPDX-License-Identifier: Apache-2.0
// Version numbers as components report them, and ranges of them.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "runner/base/result.h"

namespace lab {

/// The leading numbers of a version. What follows them ("-rc.1", "+deb13") is
/// not compared: the facts that depend on versions do not depend on it.
struct Version {
  std::vector<int> numbers;

  /// The first dotted number in `text`: "v1.23.17", "containerd://2.4.2",
  /// "crun version 1.21", "6.12.43+deb13-amd64".
  static Result<Version> In(std::string_view text);
  std::string ToString() const;  ///< "1.23.17"

  /// Compares as many numbers as both have: 1.23.17 is equivalent to 1.23.
  std::weak_ordering Compare(const Version& other) const;
};

/// Terms that must all hold, separated by spaces: ">=1.24 <1.31", "<1.5",
/// "=1.30", ">=6.12". A term is compared by as many numbers as it has, so
/// "<=1.30" holds for 1.30.4.
class VersionRange {
 public:
  static Result<VersionRange> Parse(std::string_view text);

  bool Contains(const Version& version) const;
  const std::string& text() const { return text_; }

 private:
  struct Term {
    std::string relation;
    Version bound;
  };
  std::string text_;
  std::vector<Term> terms_;
};

}  // namespace lab
