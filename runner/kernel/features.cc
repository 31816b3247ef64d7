// SPDX-License-Identifier: Apache-2.0
#include "runner/kernel/features.h"

#include <set>

#include "runner/base/files.h"
#include "runner/base/text.h"

namespace lab {

std::string FeaturesSummary(std::string_view listing) {
  std::set<std::string> lines;
  for (const std::string& line : Lines(listing)) {
    const std::string_view trimmed = Trim(line);
    if (trimmed.find('=') != std::string_view::npos) lines.emplace(trimmed);
  }
  std::string summary;
  for (const std::string& line : lines) summary += line + "\n";
  return summary;
}

std::string FeaturesDigest(std::string_view listing) {
  return Sha256OfText(FeaturesSummary(listing)).substr(0, 12);
}

}  // namespace lab
