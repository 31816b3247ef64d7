// SPDX-License-Identifier: Apache-2.0
// What can be said about one case: a closed set.
#pragma once

#include <optional>
#include <string_view>

namespace lab {

enum class Verdict {
  kPass,   ///< the claim held, and its control too
  kFail,   ///< the system disagreed with the claim
  kSkip,   ///< a required feature is absent; the reason says what was looked at
  kError,  ///< the lab could not find out
  kKnown,  ///< failed, as the list of known issues says
  kFixed,  ///< passed, although the list of known issues says otherwise
};

/// The spelling of the records: "pass", "fail", "skip", ...
std::string_view ToString(Verdict verdict);
std::optional<Verdict> VerdictFrom(std::string_view text);

/// True for the verdicts that make a run fail: fail, error, fixed.
bool IsBad(Verdict verdict);

}  // namespace lab
