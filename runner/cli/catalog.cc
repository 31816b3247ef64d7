// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "runner/base/text.h"
#include "runner/process/own_program.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

Status CheckFields(const json& object, const std::set<std::string>& known,
                   const std::string& where) {
  for (const auto& [key, value] : object.items()) {
    if (!known.contains(key)) {
      return Error{fmt::format("{}: unknown field \"{}\"", where, key)};
    }
  }
  return {};
}

Result<Scenario> ReadScenario(const json& j) {
  LAB_CHECK_OK(
      CheckFields(j,
                  {"id", "statements", "claim", "document", "expect",
                   "evidence", "why", "fixtures", "profiles", "seccomp",
                   "withheld", "exclusive", "seconds", "deadline_seconds"},
                  j.value("id", "case")));
  Scenario scenario;
  scenario.id = j.at("id");
  scenario.statements = j.at("statements");
  scenario.claim = j.at("claim");
  scenario.document = j.at("document");
  for (const auto& era : j.at("expect")) {
    scenario.expect.emplace_back(era.at("kubernetes"), era.at("text"));
  }
  scenario.evidence = j.at("evidence");
  scenario.why = j.at("why");
  scenario.fixtures = j.at("fixtures");
  scenario.profiles = j.at("profiles");
  scenario.seccomp = j.value("seccomp", scenario.seccomp);
  scenario.withheld = j.value("withheld", scenario.withheld);
  scenario.exclusive = j.at("exclusive");
  scenario.seconds = j.at("seconds");
  scenario.deadline = std::chrono::seconds(j.at("deadline_seconds").get<int>());
  return scenario;
}

Result<Catalog> ReadCatalog(const json& j) {
  LAB_CHECK_OK(CheckFields(j, {"suite", "cases"}, "catalog"));
  Catalog catalog;
  catalog.suite = j.at("suite");
  for (const auto& entry : j.at("cases")) {
    LAB_TRY(auto scenario, ReadScenario(entry));
    scenario.suite = catalog.suite;
    catalog.scenarios.push_back(std::move(scenario));
  }
  return catalog;
}

// Reads one JSON file and gives it to `read`; errors name the file.
template <typename T>
Result<T> ReadJson(const Path& path, Result<T> (*read)(const json&)) {
  LAB_TRY(const auto text, ReadFile(path));
  try {
    auto value = read(json::parse(text));
    if (!value) return value.error().Within(path.string());
    return value;
  } catch (const json::exception& e) {
    return Error{path.string() + ": " + e.what()};
  }
}

std::vector<std::string> Ids(const std::vector<Scenario>& scenarios) {
  std::vector<std::string> ids;
  for (const auto& scenario : scenarios) ids.push_back(scenario.id);
  return ids;
}

// Without an area, a word is compared to names, which are shorter than ids.
std::vector<std::string> ClosestIds(const std::string& word,
                                    const std::vector<std::string>& ids) {
  constexpr std::size_t kShown = 3;
  if (word.find('.') != std::string::npos) return ClosestTo(word, ids, kShown);
  std::map<std::string, std::string> ids_by_name;
  std::vector<std::string> names;
  for (const auto& id : ids) {
    names.push_back(id.substr(id.find('.') + 1));
    ids_by_name[names.back()] = id;
  }
  std::vector<std::string> closest;
  for (const auto& name : ClosestTo(word, names, kShown)) {
    closest.push_back(ids_by_name[name]);
  }
  return closest;
}

Error UnknownScenario(const std::string& id,
                      const std::vector<std::string>& known) {
  return UsageError(
      fmt::format("no scenario \"{}\"; closest: {}; `runner list` shows all",
                  id, Join(ClosestIds(id, known), ", ")));
}

}  // namespace

std::string Scenario::Name() const { return id.substr(id.find('.') + 1); }

std::string Scenario::TestName() const {
  std::string name;
  for (auto word : Split(Name(), '-')) {
    if (!word.empty() && word[0] >= 'a' && word[0] <= 'z') {
      word[0] = static_cast<char>(word[0] - 'a' + 'A');
    }
    name += word;
  }
  return name;
}

std::vector<std::string> SuiteNames(const Path& home) {
  std::vector<std::string> names;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(home / "suites", code)) {
    if (fs::is_directory(entry.path() / "catalog")) {
      names.push_back(entry.path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<Catalog> LoadCatalog(const Path& home, const std::string& suite) {
  const auto names = SuiteNames(home);
  if (std::find(names.begin(), names.end(), suite) == names.end()) {
    return UsageError(fmt::format("unknown suite \"{}\"; known: {}", suite,
                                  Join(names, ", ")));
  }
  std::vector<Path> files;
  for (const auto& entry :
       fs::directory_iterator(home / "suites" / suite / "catalog")) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  Catalog catalog{suite, "", {}};
  std::string all;
  for (const auto& file : files) {
    LAB_TRY(const auto text, ReadFile(file));
    all += text;
    LAB_TRY(auto part, ReadJson<Catalog>(file, &ReadCatalog));
    if (part.suite != suite) {
      return Error{
          fmt::format("{}: of suite \"{}\", in the directory of \"{}\"",
                      file.string(), part.suite, suite)};
    }
    std::move(part.scenarios.begin(), part.scenarios.end(),
              std::back_inserter(catalog.scenarios));
  }
  catalog.sha256 = Sha256OfText(all);
  std::stable_sort(catalog.scenarios.begin(), catalog.scenarios.end(),
                   [](const Scenario& a, const Scenario& b) {
                     if (a.exclusive != b.exclusive) return b.exclusive;
                     return a.seconds > b.seconds;
                   });
  // One short case first: whoever waits sees soon that all is well.
  const auto shortest =
      std::find_if(catalog.scenarios.rbegin(), catalog.scenarios.rend(),
                   [](const Scenario& s) { return !s.exclusive; });
  if (shortest != catalog.scenarios.rend()) {
    std::rotate(catalog.scenarios.begin(), std::prev(shortest.base()),
                shortest.base());
  }
  return catalog;
}

std::vector<std::string> ProfilesOf(const std::vector<Scenario>& scenarios) {
  std::set<std::string> profiles;
  for (const auto& scenario : scenarios) {
    profiles.insert(scenario.profiles.begin(), scenario.profiles.end());
  }
  return {profiles.begin(), profiles.end()};
}

Result<Scenario> FindScenario(const Path& home, const std::string& id) {
  std::vector<std::string> known;
  std::vector<Scenario> found;
  for (const auto& suite : SuiteNames(home)) {
    LAB_TRY(const auto catalog, LoadCatalog(home, suite));
    for (const auto& scenario : catalog.scenarios) {
      known.push_back(scenario.id);
      if (scenario.id == id || scenario.Name() == id) found.push_back(scenario);
    }
  }
  if (found.size() == 1) return found.front();
  return UnknownScenario(id, known);
}

Result<std::vector<Scenario>> SelectScenarios(const Catalog& catalog,
                                              const std::string& filter) {
  if (filter.empty()) return catalog.scenarios;
  std::set<std::string> ids;
  for (const auto& glob : Split(filter, ',')) {
    bool matched = false;
    for (const auto& scenario : catalog.scenarios) {
      if (GlobMatch(glob, scenario.id) || GlobMatch(glob, scenario.Name())) {
        ids.insert(scenario.id);
        matched = true;
      }
    }
    const bool is_pattern = glob.find_first_of("*?[") != std::string::npos;
    if (!matched && !is_pattern) {
      return UnknownScenario(glob, Ids(catalog.scenarios));
    }
  }
  std::vector<Scenario> selected;
  for (const auto& scenario : catalog.scenarios) {
    if (ids.contains(scenario.id)) selected.push_back(scenario);
  }
  return selected;
}

Result<Path> FindHome() {
  const Path mark = Path("components") / "components.json";
  if (const char* home = std::getenv("CONFINEMENT_LAB_HOME");
      home != nullptr && *home != '\0') {
    if (fs::exists(Path(home) / mark)) return fs::absolute(home);
    return UsageError(fmt::format("CONFINEMENT_LAB_HOME={}: no {} there", home,
                                  mark.string()));
  }
  const Path self = OwnProgram();
  for (Path at = self.parent_path(); at != at.root_path();
       at = at.parent_path()) {
    if (fs::exists(at / mark)) return at;
  }
  return Error{
      fmt::format("{} found neither beside nor above {}; set "
                  "CONFINEMENT_LAB_HOME to the project's root",
                  mark.string(), self.string())};
}

}  // namespace lab
