// SPDX-License-Identifier: Apache-2.0
#include "runner/components/feature_gates.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/base/version.h"

namespace lab {
namespace {

using nlohmann::json;

Result<json> ReadJson(const Path& file) {
  LAB_TRY(const auto text, ReadFile(file));
  auto value = json::parse(text, nullptr, false);
  if (value.is_discarded()) return Error{file.string() + ": no JSON"};
  return value;
}

bool Before(const std::string& a, const std::string& b) {
  const auto left = Version::In(a), right = Version::In(b);
  return left && right && left->Compare(*right) < 0;
}

}  // namespace

Result<FeatureGates> FeatureGates::Load(const Path& home,
                                        const KubernetesVersion& kubernetes) {
  const Path own =
      home / "components" / kubernetes.control_plane / "feature-gates.json";
  const Path history = home / "components" / "feature-gates.json";
  LAB_TRY(const auto gates, ReadJson(own));
  LAB_TRY(const auto lives, ReadJson(history));
  FeatureGates all;
  all.kubernetes_ = kubernetes.version;
  try {
    for (const auto& [name, gate] : gates.at("gates").items()) {
      all.gates_[name] = {gate.at("stage"), gate.at("default"),
                          gate.value("locked", false),
                          gate.value("unknown-to", std::set<std::string>())};
    }
    for (const auto& [name, life] : lives.at("gates").items()) {
      all.lives_[name] = {life.at("since"), life.value("gone", "")};
    }
    all.oldest_ = lives.at("oldest");
  } catch (const json::exception& e) {
    return Error{
        fmt::format("{} or {}: {}", own.string(), history.string(), e.what())};
  }
  return all;
}

const FeatureGate* FeatureGates::Find(const std::string& name) const {
  const auto found = gates_.find(name);
  return found == gates_.end() ? nullptr : &found->second;
}

std::optional<std::string> FeatureGates::Refusal(const std::string& program,
                                                 const std::string& name,
                                                 bool on) const {
  const FeatureGate* gate = Find(name);
  if (gate == nullptr || gate->unknown_to.contains(program)) {
    return Unknown(program, name);
  }
  if (!gate->locked || on == gate->on_by_default) return std::nullopt;
  return fmt::format(
      "feature gate {} is {} and locked to {} in Kubernetes {}; {} ends when "
      "it "
      "is set to {}",
      name, gate->stage, gate->on_by_default, kubernetes_, program, on);
}

std::string FeatureGates::Unknown(const std::string& program,
                                  const std::string& name) const {
  const auto life = lives_.find(name);
  std::string why;
  if (Find(name) != nullptr) {
    why = "other programs of this version know it";
  } else if (life == lives_.end()) {
    std::vector<std::string> known;
    for (const auto& [other, gate] : gates_) known.push_back(other);
    why = fmt::format("no version since {} has it (did you mean {}?)", oldest_,
                      ClosestTo(name, known, 1).front());
  } else if (Before(kubernetes_, life->second.since)) {
    why = fmt::format("it came in {}", life->second.since);
  } else {
    why = fmt::format("it went in {}", life->second.gone);
  }
  return fmt::format(
      "feature gate {} is unknown to {} of Kubernetes {}, which ends when it "
      "is "
      "set: {}",
      Printable(name), program, kubernetes_, why);
}

}  // namespace lab
