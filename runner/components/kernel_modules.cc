// SPDX-License-Identifier: Apache-2.0
#include "runner/components/kernel_modules.h"

#include <algorithm>
#include <map>
#include <set>

#include "runner/base/text.h"

namespace lab {
namespace {

struct Modules {
  std::map<std::string, std::string> file_of;             // name -> file
  std::map<std::string, std::vector<std::string>> needs;  // name -> names
  std::map<std::string, std::vector<std::string>> alias;  // alias -> names
};

std::vector<std::string> Words(std::string_view text) {
  std::vector<std::string> words;
  for (auto& word : Split(text, ' ')) {
    if (!word.empty()) words.push_back(std::move(word));
  }
  return words;
}

Modules Read(const std::string& modules_dep, const std::string& softdep,
             const std::string& aliases) {
  Modules modules;
  for (const auto& line : Lines(aliases)) {
    const auto words = Words(line);  // alias NAME MODULE
    if (words.size() == 3 && words[0] == "alias") {
      modules.alias[ModuleName(words[1])].push_back(ModuleName(words[2]));
    }
  }
  for (const auto& line : Lines(modules_dep)) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string file = line.substr(0, colon);
    const std::string name = ModuleName(file);
    modules.file_of[name] = file;
    for (const auto& word : Words(line.substr(colon + 1))) {
      modules.needs[name].push_back(ModuleName(word));
    }
  }
  for (const auto& line : Lines(softdep)) {
    const auto words = Words(line);  // softdep NAME pre: A B post: C
    if (words.size() < 2 || words[0] != "softdep") continue;
    bool pre = false;
    for (std::size_t i = 2; i < words.size(); ++i) {
      if (words[i].ends_with(':')) {
        pre = words[i] == "pre:";
      } else if (pre) {
        modules.needs[ModuleName(words[1])].push_back(ModuleName(words[i]));
      }
    }
  }
  return modules;
}

void Visit(const Modules& modules, const std::string& name,
           std::set<std::string>& seen, std::vector<std::string>& order) {
  const auto file = modules.file_of.find(name);
  const auto alias = modules.alias.find(name);
  if (file == modules.file_of.end() && alias != modules.alias.end() &&
      seen.insert(name).second) {
    for (const auto& real : alias->second) Visit(modules, real, seen, order);
  }
  if (file == modules.file_of.end() || !seen.insert(name).second) return;
  if (const auto needs = modules.needs.find(name);
      needs != modules.needs.end()) {
    for (const auto& need : needs->second) Visit(modules, need, seen, order);
  }
  order.push_back(file->second);
}

}  // namespace

std::string ModuleName(const std::string& file) {
  std::string name = file.substr(file.rfind('/') + 1);
  name = name.substr(0, name.find(".ko"));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::vector<std::string> ModuleLoadOrder(const std::vector<std::string>& wanted,
                                         const std::string& modules_dep,
                                         const std::string& softdep,
                                         const std::string& aliases) {
  const Modules modules = Read(modules_dep, softdep, aliases);
  std::set<std::string> seen;
  std::vector<std::string> order;
  for (const auto& name : wanted) {
    Visit(modules, ModuleName(name), seen, order);
  }
  return order;
}

}  // namespace lab
