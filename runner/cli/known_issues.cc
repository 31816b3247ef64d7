// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/known_issues.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <set>

#include "runner/base/text.h"
#include "runner/cli/catalog.h"

namespace lab {
namespace {

using nlohmann::json;

constexpr std::array<const char*, 3> kRuntimes = {"containerd", "crun", "runc"};
const std::set<std::string> kFields = {"scenario", "kubernetes", "kernel",
                                       "runtime",  "node-os",    "reason",
                                       "link",     "expires"};

// "2027-03-31" and no other form, so that dates compare as text.
bool IsDate(const std::string& text) {
  std::string shape = text;
  std::replace_if(
      shape.begin(), shape.end(), [](char c) { return c >= '0' && c <= '9'; },
      '0');
  if (shape != "0000-00-00") return false;
  const auto number = [&](std::size_t at, std::size_t length) {
    return std::stoi(text.substr(at, length));
  };
  return std::chrono::year_month_day(
             std::chrono::year(number(0, 4)),
             std::chrono::month(static_cast<unsigned>(number(5, 2))),
             std::chrono::day(static_cast<unsigned>(number(8, 2))))
      .ok();
}

Result<std::string> Text(const json& entry, const std::string& field) {
  if (!entry.contains(field)) {
    return Error{fmt::format("\"{}\" is missing", field)};
  }
  if (!entry.at(field).is_string()) {
    return Error{fmt::format("\"{}\" is no text", field)};
  }
  const std::string text(Trim(entry.at(field).get<std::string>()));
  if (text.empty()) return Error{fmt::format("\"{}\" is empty", field)};
  return text;
}

Result<std::optional<VersionRange>> Range(const json& entry,
                                          const std::string& field) {
  if (!entry.contains(field)) return std::optional<VersionRange>();
  LAB_TRY(const auto text, Text(entry, field));
  auto range = VersionRange::Parse(text);
  if (!range) return range.error().Within(fmt::format("\"{}\"", field));
  return std::optional<VersionRange>(std::move(*range));
}

// "crun >=1.8", or "crun" for all its versions.
Status ReadRuntime(const json& entry, KnownIssue& issue) {
  if (!entry.contains("runtime")) return {};
  LAB_TRY(const auto text, Text(entry, "runtime"));
  const auto space = text.find(' ');
  issue.runtime = text.substr(0, space);
  if (std::count(kRuntimes.begin(), kRuntimes.end(), issue.runtime) == 0) {
    return Error{fmt::format("\"runtime\": unknown \"{}\"; known: {}",
                             issue.runtime, fmt::join(kRuntimes, ", "))};
  }
  if (space == std::string::npos) return {};
  auto range = VersionRange::Parse(text.substr(space));
  if (!range) return range.error().Within("\"runtime\"");
  issue.runtime_versions = std::move(*range);
  return {};
}

Result<KnownIssue> ReadIssue(const json& entry,
                             const std::vector<std::string>& scenarios) {
  if (!entry.is_object()) return Error{"is no object"};
  for (const auto& [field, value] : entry.items()) {
    if (!kFields.contains(field)) {
      return Error{fmt::format("unknown field \"{}\"", field)};
    }
  }
  KnownIssue issue;
  LAB_TRY(issue.scenario, Text(entry, "scenario"));
  if (std::count(scenarios.begin(), scenarios.end(), issue.scenario) == 0) {
    return Error{
        fmt::format("unknown scenario \"{}\"; closest: {}", issue.scenario,
                    Join(ClosestTo(issue.scenario, scenarios, 3), ", "))};
  }
  LAB_TRY(issue.kubernetes, Range(entry, "kubernetes"));
  LAB_TRY(issue.kernel, Range(entry, "kernel"));
  LAB_CHECK_OK(ReadRuntime(entry, issue));
  if (entry.contains("node-os")) {
    LAB_TRY(issue.node_os, Text(entry, "node-os"));
  }
  LAB_TRY(issue.reason, Text(entry, "reason"));
  LAB_TRY(issue.link, Text(entry, "link"));
  LAB_TRY(issue.expires, Text(entry, "expires"));
  if (!IsDate(issue.expires)) {
    return Error{fmt::format("\"expires\": \"{}\" is no date (YYYY-MM-DD)",
                             issue.expires)};
  }
  return issue;
}

std::string FactOf(const Facts& facts, const std::string& node,
                   const std::string& name) {
  auto fact = facts.find(node + "." + name);
  if (fact == facts.end()) fact = facts.find(name);
  return fact == facts.end() ? "" : fact->second;
}

// What was not measured is in no range.
bool InRange(const std::optional<VersionRange>& range,
             const std::string& fact) {
  if (!range) return true;
  const auto version = Version::In(fact);
  return version && range->Contains(*version);
}

bool RuntimeFits(const KnownIssue& issue, const Facts& facts,
                 const std::string& node) {
  if (issue.runtime.empty()) return true;
  if (issue.runtime == "containerd") {
    const auto runtime = FactOf(facts, node, "runtime");
    return runtime.starts_with("containerd://") &&
           InRange(issue.runtime_versions, runtime);
  }
  return FactOf(facts, node, "default-runtime") == issue.runtime &&
         InRange(issue.runtime_versions, FactOf(facts, node, issue.runtime));
}

}  // namespace

Result<std::vector<KnownIssue>> LoadKnownIssues(
    const Path& file, const std::vector<std::string>& scenarios) {
  const auto text = ReadFile(file);
  if (!text) return UsageError("known issues: " + text.error().what);
  const auto parsed = json::parse(*text, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("issues") ||
      !parsed.at("issues").is_array()) {
    return UsageError(file.string() +
                      ": no known issues: an object with \"issues\", a list, "
                      "is wanted (docs/known-issues.md)");
  }
  for (const auto& [field, value] : parsed.items()) {
    if (field == "issues" || field == "about") continue;
    return UsageError(
        fmt::format("{}: unknown field \"{}\"", file.string(), field));
  }
  std::vector<KnownIssue> issues;
  for (const auto& entry : parsed.at("issues")) {
    auto issue = ReadIssue(entry, scenarios);
    if (!issue) {
      return UsageError(fmt::format("{}: entry {}: {}", file.string(),
                                    issues.size() + 1, issue.error().what));
    }
    issue->file = file;
    issues.push_back(std::move(*issue));
  }
  return issues;
}

Result<std::vector<KnownIssue>> LoadKnownIssuesFor(const Path& home,
                                                   const std::string& suite,
                                                   const std::string& more) {
  std::vector<std::string> scenarios;
  for (const auto& name : SuiteNames(home)) {
    LAB_TRY(const auto catalog, LoadCatalog(home, name));
    for (const auto& one : catalog.scenarios) scenarios.push_back(one.id);
  }
  std::vector<Path> files;
  const Path own = home / "suites" / suite / "known-issues.json";
  if (std::filesystem::exists(own)) files.push_back(own);
  if (!more.empty()) files.push_back(more);
  std::vector<KnownIssue> issues;
  for (const auto& file : files) {
    LAB_TRY(const auto some, LoadKnownIssues(file, scenarios));
    issues.insert(issues.end(), some.begin(), some.end());
  }
  return issues;
}

bool HasExpired(const KnownIssue& issue, const std::string& today) {
  return issue.expires < today;
}

bool HoldsIn(const KnownIssue& issue, const Facts& facts,
             const std::string& node) {
  return InRange(issue.kubernetes, FactOf(facts, node, "kubelet")) &&
         InRange(issue.kernel, FactOf(facts, node, "kernel")) &&
         RuntimeFits(issue, facts, node) &&
         (issue.node_os.empty() ||
          FactOf(facts, node, "node-os") == issue.node_os);
}

std::optional<Ruling> RuleOn(const std::vector<KnownIssue>& issues,
                             const std::string& scenario, Verdict verdict,
                             const std::string& saw, const Facts& facts,
                             const std::string& node,
                             const std::string& today) {
  const KnownIssue* expired = nullptr;
  for (const auto& issue : issues) {
    if (issue.scenario != scenario || !HoldsIn(issue, facts, node)) continue;
    if (HasExpired(issue, today)) {
      expired = &issue;
    } else if (verdict == Verdict::kFail) {
      return Ruling{Verdict::kKnown,
                    fmt::format("{} ({}, until {}); seen: {}", issue.reason,
                                issue.link, issue.expires, saw)};
    } else if (verdict == Verdict::kPass) {
      return Ruling{Verdict::kFixed,
                    fmt::format("passed, although listed as a known issue "
                                "({}, {}): remove its entry from {}",
                                issue.reason, issue.link, issue.file.string())};
    }
  }
  if (expired == nullptr || verdict != Verdict::kFail) return std::nullopt;
  return Ruling{Verdict::kFail,
                fmt::format("the known issue {} of {} expired on {}: the "
                            "failure counts; saw: {}",
                            expired->link, expired->file.string(),
                            expired->expires, saw)};
}

}  // namespace lab
