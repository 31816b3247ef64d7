// SPDX-License-Identifier: Apache-2.0
#include "runner/base/version.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "runner/base/text.h"

namespace lab {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

constexpr std::array<const char*, 5> kRelations = {">=", "<=", ">", "<", "="};

constexpr std::size_t kMostDigits = 8;

}  // namespace

Result<Version> Version::In(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!IsDigit(text[at])) continue;
    Version version;
    std::size_t end = at;
    while (end < text.size() && IsDigit(text[end])) {
      std::size_t stop = end;
      int number = 0;
      while (stop < text.size() && IsDigit(text[stop])) {
        if (stop - end >= kMostDigits) {
          return Error{fmt::format("no version in \"{}\"", Printable(text))};
        }
        number = number * 10 + (text[stop++] - '0');
      }
      version.numbers.push_back(number);
      end = stop;
      if (end < text.size() && text[end] == '.') ++end;
    }
    if (version.numbers.size() >= 2) return version;
    at = end;
  }
  return Error{fmt::format("no version in \"{}\"", Printable(text))};
}

std::string Version::ToString() const {
  return fmt::format("{}", fmt::join(numbers, "."));
}

std::weak_ordering Version::Compare(const Version& other) const {
  const auto common = std::min(numbers.size(), other.numbers.size());
  for (std::size_t i = 0; i < common; ++i) {
    if (numbers[i] != other.numbers[i]) return numbers[i] <=> other.numbers[i];
  }
  return std::weak_ordering::equivalent;
}

Result<VersionRange> VersionRange::Parse(std::string_view text) {
  VersionRange range;
  range.text_ = std::string(Trim(text));
  for (const auto& word : Split(range.text_, ' ')) {
    if (word.empty()) continue;
    const auto relation =
        std::find_if(kRelations.begin(), kRelations.end(),
                     [&](const char* one) { return word.starts_with(one); });
    if (relation == kRelations.end()) {
      return Error{
          fmt::format("version range \"{}\": \"{}\" does not begin "
                      "with >=, <=, >, < or =",
                      Printable(text), Printable(word))};
    }
    const auto number = word.substr(std::string_view(*relation).size());
    LAB_TRY(auto bound, Version::In(number));
    if (bound.ToString() != number) {
      return Error{fmt::format("version range \"{}\": \"{}\" is no version",
                               Printable(text), Printable(number))};
    }
    range.terms_.push_back({*relation, std::move(bound)});
  }
  if (range.terms_.empty()) return Error{"empty version range"};
  return range;
}

bool VersionRange::Contains(const Version& version) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) {
    const auto order = version.Compare(term.bound);
    if (term.relation == ">=") return order >= 0;
    if (term.relation == "<=") return order <= 0;
    if (term.relation == ">") return order > 0;
    if (term.relation == "<") return order < 0;
    return order == 0;
  });
}

}  // namespace lab
