// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/behaviours.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace lab {
namespace {

using nlohmann::json;

Result<Behaviour> Read(const json& entry) {
  LAB_TRY(auto versions,
          VersionRange::Parse(entry.at("versions").get<std::string>()));
  if (entry.size() != 5) return Error{"unknown field in " + entry.dump()};
  return Behaviour{entry.at("name"), entry.at("component"), std::move(versions),
                   entry.at("text"), entry.at("source")};
}

}  // namespace

Result<Behaviours> Behaviours::Load(const Path& home) {
  const Path path = home / "suites" / "behaviours.json";
  LAB_TRY(const auto text, ReadFile(path));
  Behaviours behaviours;
  try {
    const auto file = json::parse(text);
    for (const auto& entry : file.at("behaviours")) {
      auto read = Read(entry);
      if (!read) return read.error().Within(path.string());
      behaviours.all_.push_back(std::move(*read));
    }
  } catch (const json::exception& e) {
    return Error{path.string() + ": " + e.what()};
  }
  return behaviours;
}

Result<bool> Behaviours::Holds(const std::string& name, const LabFile& lab,
                               const std::string& node) const {
  const auto known =
      std::find_if(all_.begin(), all_.end(),
                   [&](const Behaviour& one) { return one.name == name; });
  if (known == all_.end()) return Error{"no behaviour \"" + name + "\""};
  auto fact = lab.facts.find(node + "." + known->component);
  if (fact == lab.facts.end()) fact = lab.facts.find(known->component);
  if (fact == lab.facts.end()) {
    return Error{fmt::format("behaviour {}: lab {} has no fact \"{}\"", name,
                             lab.name, known->component)};
  }
  LAB_TRY(const auto version, Version::In(fact->second));
  return known->versions.Contains(version);
}

}  // namespace lab
