// SPDX-License-Identifier: Apache-2.0
#include "runner/report/verdict.h"

#include <array>
#include <cassert>

namespace lab {
namespace {

struct Spelling {
  Verdict verdict;
  std::string_view text;
};

constexpr std::array kSpellings = {
    Spelling{Verdict::kPass, "pass"},   Spelling{Verdict::kFail, "fail"},
    Spelling{Verdict::kSkip, "skip"},   Spelling{Verdict::kError, "error"},
    Spelling{Verdict::kKnown, "known"}, Spelling{Verdict::kFixed, "fixed"},
};

}  // namespace

std::string_view ToString(Verdict verdict) {
  for (const auto& spelling : kSpellings) {
    if (spelling.verdict == verdict) return spelling.text;
  }
  assert(false);
  return {};
}

std::optional<Verdict> VerdictFrom(std::string_view text) {
  for (const auto& spelling : kSpellings) {
    if (spelling.text == text) return spelling.verdict;
  }
  return std::nullopt;
}

bool IsBad(Verdict verdict) {
  return verdict == Verdict::kFail || verdict == Verdict::kError ||
         verdict == Verdict::kFixed;
}

}  // namespace lab
