// SPDX-License-Identifier: Apache-2.0
// Profiles as files: OCI's JSON, and the default profiles kept as data.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/seccomp/profile.h"

namespace lab::seccomp {
namespace {

using nlohmann::json;

constexpr std::uint16_t kEperm = 1;  // where a profile names no errno
constexpr int kArguments = 6;

Result<ProfileArgument> ArgumentFrom(const json& from) {
  ProfileArgument argument;
  argument.index = from.at("index").get<int>();
  if (argument.index < 0 || argument.index >= kArguments) {
    return Error{fmt::format("a call has no argument {}", argument.index)};
  }
  argument.mask = std::numeric_limits<std::uint64_t>::max();
  argument.value = from.value("value", std::uint64_t{0});
  const std::string op = from.at("op");
  if (op == "SCMP_CMP_EQ") {
    argument.relation = Relation::kEqual;
  } else if (op == "SCMP_CMP_NE") {
    argument.relation = Relation::kNotEqual;
  } else if (op == "SCMP_CMP_GT") {
    argument.relation = Relation::kGreater;
  } else if (op == "SCMP_CMP_GE") {
    argument.relation = Relation::kNotLess;
  } else if (op == "SCMP_CMP_LT") {
    argument.relation = Relation::kLess;
  } else if (op == "SCMP_CMP_LE") {
    argument.relation = Relation::kNotGreater;
  } else if (op == "SCMP_CMP_MASKED_EQ") {
    argument.mask = argument.value;
    argument.value = from.value("valueTwo", std::uint64_t{0});
  } else {
    return Error{
        fmt::format("\"{}\" is no comparison of the OCI runtime "
                    "specification",
                    op)};
  }
  return argument;
}

// A list that may be missing, or null as Go writes an empty one.
json ListAt(const json& from, const char* field) {
  const auto at = from.find(field);
  return at == from.end() || at->is_null() ? json::array() : *at;
}

Status ReadConditions(const json& from, ProfileRule& rule) {
  const json none = json::object();
  const json& includes = from.contains("includes") ? from["includes"] : none;
  const json& excludes = from.contains("excludes") ? from["excludes"] : none;
  for (const auto& name : ListAt(includes, "caps")) rule.with.insert(name);
  for (const auto& name : ListAt(excludes, "caps")) rule.without.insert(name);
  if (includes.contains("minKernel")) {
    LAB_TRY(rule.kernel, Version::In(includes["minKernel"].get<std::string>()));
  }
  return {};
}

Result<ProfileRule> RuleFrom(const json& from, bool conditions) {
  ProfileRule rule;
  for (const auto& name : ListAt(from, "names")) rule.names.push_back(name);
  const auto data = from.value("errnoRet", kEperm);
  LAB_TRY(rule.action,
          Outcome::FromOci(from.at("action").get<std::string>(), data));
  for (const auto& one : ListAt(from, "args")) {
    LAB_TRY(const auto argument, ArgumentFrom(one));
    rule.arguments.push_back(argument);
  }
  if (conditions) LAB_CHECK_OK(ReadConditions(from, rule));
  return rule;
}

Status ReadOci(const json& from, bool conditions, Profile& profile) {
  LAB_TRY(profile.default_action,
          Outcome::FromOci(from.at("defaultAction").get<std::string>(),
                           from.value("defaultErrnoRet", kEperm)));
  for (const auto& one : ListAt(from, "architectures")) {
    profile.architectures.insert(one);
  }
  for (const auto& one : ListAt(from, "syscalls")) {
    LAB_TRY(auto rule, RuleFrom(one, conditions));
    profile.rules.push_back(std::move(rule));
  }
  return {};
}

// What the JSON library throws becomes an Error here.
template <typename Read>
Result<Profile> Parsed(const std::string& text, const std::string& name,
                       Read read) {
  try {
    Profile profile;
    profile.name = name;
    if (const Status good = read(json::parse(text), profile); !good) {
      return good.error().Within(name);
    }
    return profile;
  } catch (const json::exception& e) {
    return Error{fmt::format("{}: {}", name, e.what())};
  }
}

Result<Profile> ParseDefault(const std::string& text, const std::string& name) {
  return Parsed(text, name, [](const json& from, Profile& profile) -> Status {
    profile.runtime = from.at("runtime");
    profile.source = from.at("source");
    LAB_TRY(profile.version,
            Version::In(from.at("version").get<std::string>()));
    return ReadOci(from, true, profile);
  });
}

}  // namespace

Result<Profile> ParseProfile(const std::string& text, const std::string& name) {
  return Parsed(text, name, [](const json& from, Profile& profile) {
    return ReadOci(from, false, profile);
  });
}

Result<Profile> LoadProfile(const Path& file) {
  LAB_TRY(const auto text, ReadFile(file));
  return ParseProfile(text, file.string());
}

Result<std::vector<Profile>> LoadDefaultProfiles(const Path& home) {
  const Path directory = home / "fixtures" / "seccomp" / "defaults";
  std::vector<Profile> all;
  std::error_code code;
  for (const auto& entry :
       std::filesystem::directory_iterator(directory, code)) {
    if (entry.path().extension() != ".json") continue;
    LAB_TRY(const auto text, ReadFile(entry.path()));
    LAB_TRY(auto profile, ParseDefault(text, entry.path().stem().string()));
    all.push_back(std::move(profile));
  }
  if (all.empty()) return Error{"no default profiles in " + directory.string()};
  std::sort(all.begin(), all.end(), [](const Profile& a, const Profile& b) {
    if (a.runtime != b.runtime) return a.runtime < b.runtime;
    return a.version.Compare(b.version) < 0;
  });
  return all;
}

Result<Profile> LoadDefaultProfile(const Path& home, const std::string& runtime,
                                   const Version& version) {
  LAB_TRY(const auto all, LoadDefaultProfiles(home));
  const Profile* found = nullptr;
  std::vector<std::string> names;
  for (const auto& profile : all) {
    names.push_back(profile.name);
    if (profile.runtime != runtime) continue;
    if (profile.version.Compare(version) == 0) return profile;
    Version minor = version;
    minor.numbers.resize(std::min<std::size_t>(minor.numbers.size(), 2));
    if (profile.version.Compare(minor) == 0) found = &profile;
  }
  if (found != nullptr) return *found;
  return UsageError(
      fmt::format("the default profile of {} {} is not known; "
                  "known are {}",
                  runtime, version.ToString(), Join(names, ", ")));
}

}  // namespace lab::seccomp
