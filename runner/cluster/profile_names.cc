// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/profile_names.h"

#include <algorithm>

#include "runner/base/text.h"

namespace lab {
namespace {

bool MayStandInName(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

bool IsWord(std::string_view text, std::size_t at, std::size_t size) {
  const auto end = at + size;
  return (at == 0 || !MayStandInName(text[at - 1])) &&
         (end == text.size() || !MayStandInName(text[end]));
}

}  // namespace

ProfileNames::ProfileNames(std::string mark, const std::set<std::string>& names)
    : mark_(std::move(mark)), names_(names.begin(), names.end()) {
  std::stable_sort(
      names_.begin(), names_.end(),
      [](const auto& a, const auto& b) { return a.size() > b.size(); });
}

Result<ProfileNames> ProfileNames::MarkAnew(const Path& directory) {
  std::set<std::string> names;
  std::error_code code;
  std::filesystem::recursive_directory_iterator files(directory, code), end;
  if (code) return Error{directory.string() + ": " + code.message()};
  for (; files != end; ++files) {
    if (!files->is_regular_file()) continue;
    LAB_TRY(const auto text, ReadFile(files->path()));
    names.merge(DeclaredProfiles(text));
  }
  return ProfileNames(".lab-" + RandomHex(6), names);
}

std::string ProfileNames::OnNodes(std::string_view text) const {
  if (!marked()) return std::string(text);
  std::string marked;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto rest = text.substr(at);
    const auto name =
        std::find_if(names_.begin(), names_.end(), [&](const auto& one) {
          return rest.starts_with(one) && IsWord(text, at, one.size());
        });
    if (name == names_.end()) {
      marked += text[at++];
    } else {
      marked += *name + mark_;
      at += name->size();
    }
  }
  return marked;
}

std::string ProfileNames::InDocuments(std::string_view text) const {
  return marked() ? ReplaceAll(std::string(text), mark_, "")
                  : std::string(text);
}

bool ProfileNames::IsNamesake(std::string_view profile) const {
  if (!marked()) return false;
  const auto parent = profile.substr(0, profile.find("//"));
  return std::find(names_.begin(), names_.end(), parent) != names_.end();
}

std::string ProfileNames::ListInDocuments(std::string_view list) const {
  if (!marked()) return std::string(list);
  std::string own;
  for (const auto& line : Lines(list)) {
    if (IsNamesake(line.substr(0, line.rfind(" (")))) continue;
    own += InDocuments(line) + "\n";
  }
  return own;
}

std::set<std::string> DeclaredProfiles(std::string_view text) {
  constexpr std::string_view kKeyword = "profile ";
  std::set<std::string> names;
  for (const auto& line : Lines(text)) {
    if (!line.starts_with(kKeyword)) continue;
    const std::string rest = line.substr(kKeyword.size());
    const bool quoted = rest.starts_with('"');
    const auto begin = quoted ? 1u : 0u;
    names.insert(
        rest.substr(begin, rest.find(quoted ? '"' : ' ', begin) - begin));
  }
  // A template's, whose name is put in later.
  names.erase("@PROFILE@");
  return names;
}

}  // namespace lab
