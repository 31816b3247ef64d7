// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/profile_loading.h"

#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "runner/base/text.h"
#include "runner/components/archive.h"

namespace lab {
namespace {

// '/' may not stand in the name of a file, nor '%' for two things.
std::string Escaped(const std::string& profile) {
  return ReplaceAll(ReplaceAll(profile, "%", "%25"), "/", "%2F");
}

std::string Unescaped(const std::string& file) {
  return ReplaceAll(ReplaceAll(file, "%2F", "/"), "%25", "%");
}

// Of "NAME (MODE)"; a name may hold a parenthesis.
std::string NameOf(const std::string& line) {
  return line.substr(0, line.rfind(" ("));
}

// "AppArmor parser error for FILE in profile FILE at line 3: WHY" as
// "profiles/apparmor/NAME:3: WHY"; other complaints about a file keep their
// words.
std::string Told(const std::string& complaint, const std::string& profile) {
  static const std::regex kError(
      R"(AppArmor parser error for (\S+)(?: in (?:profile )?(\S+))? at line (\d+): (.*))");
  const std::string own = "profiles/apparmor/" + profile;
  std::smatch match;
  if (std::regex_match(complaint, match, kError)) {
    // What an included file has wrong is wrong there.
    const bool included =
        match[2].matched && match[2].str() != OwnProfileFile(profile);
    return fmt::format("{}{}:{}: {}", included ? own + ": " : "",
                       included ? match[2].str() : own, match[3].str(),
                       match[4].str());
  }
  return ReplaceAll(complaint, OwnProfileFile(profile), own);
}

// Whether the line names this file, and not one whose name begins alike.
bool Mentions(const std::string& line, const std::string& file) {
  for (auto at = line.find(file); at != std::string::npos;
       at = line.find(file, at + 1)) {
    const auto end = at + file.size();
    if (end == line.size() ||
        std::string_view(" :\n),'\"").find(line[end]) != std::string::npos) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string OwnProfileFile(const std::string& profile) {
  return std::string(kOwnProfiles) + "/" + Escaped(profile);
}

ProfileState ParseProfileState(std::string_view text,
                               const ProfileNames& names) {
  const std::string listed = std::string(kKernelProfiles) + ":";
  const std::string own = std::string(kOwnProfiles) + "/";
  ProfileState state;
  for (const auto& line : Lines(text)) {
    if (line.starts_with(listed)) {
      const std::string profile = NameOf(line.substr(listed.size()));
      if (names.IsNamesake(profile)) continue;
      state.loaded.insert(names.InDocuments(profile));
      if (!names.IsMarked(profile)) continue;
      state.own[names.InDocuments(profile)].insert(names.InDocuments(profile));
    } else if (line.starts_with(own)) {
      const auto end = line.find(':');
      const auto file = Unescaped(line.substr(own.size(), end - own.size()));
      auto& declared = state.own[names.InDocuments(file)];
      declared.merge(
          DeclaredProfiles(names.InDocuments(line.substr(end + 1))));
    }
  }
  return state;
}

std::set<std::string> LoadedNames(std::string_view list) {
  std::set<std::string> names;
  for (const auto& line : Lines(list)) names.insert(NameOf(line));
  return names;
}

Result<ProfileFaults> FindFaults(const std::set<std::string>& wanted,
                                 std::string_view complaints,
                                 std::string_view list) {
  const auto loaded = LoadedNames(list);
  ProfileFaults faults;
  std::vector<std::string> others;
  for (const auto& line : Lines(Trim(complaints))) {
    const auto about =
        std::find_if(wanted.begin(), wanted.end(), [&](const auto& profile) {
          return Mentions(line, OwnProfileFile(profile));
        });
    if (about == wanted.end()) {
      others.push_back(line);
      continue;
    }
    auto& fault = faults[*about];
    fault += (fault.empty() ? "" : "; ") + Told(line, *about);
  }
  const auto rest = Join(others, "; ");
  bool explained = others.empty();
  for (const auto& profile : wanted) {
    if (loaded.contains(profile) || faults.contains(profile)) continue;
    faults[profile] = fmt::format(
        "profiles/apparmor/{}: the kernel does not list it; the parser said: "
        "{}",
        profile, rest.empty() ? "nothing" : rest);
    explained = true;
  }
  if (!explained) return Error{"apparmor_parser: " + rest};
  return faults;
}

Result<std::string> PackProfiles(
    const std::map<std::string, std::string>& profiles,
    const ProfileNames& names) {
  LAB_TRY(const auto directory,
          TempDir::In(std::filesystem::temp_directory_path(), "profiles-"));
  const Path file = directory.path() / "profiles.tar";
  LAB_TRY(auto tar, ArchiveWriter::Create(file, ArchiveWriter::Format::kTar));
  const Path run("/run");
  for (const auto& [name, text] : profiles) {
    const Path place(OwnProfileFile(names.OnNodes(name)));
    LAB_CHECK_OK(tar.AddFile(place.lexically_relative(run).string(),
                             names.OnNodes(text)));
  }
  LAB_CHECK_OK(tar.Close());
  return ReadFile(file);
}

}  // namespace lab
