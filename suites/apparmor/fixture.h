// SPDX-License-Identifier: Apache-2.0
// What all AppArmor cases begin with: a world, and names of the profiles.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "suites/support/matchers.h"
#include "suites/support/must.h"
#include "suites/support/records.h"
#include "suites/support/world.h"

namespace lab::suite {

/// The document's own profile (S0-26).
inline constexpr const char* kDenyWrite = "k8s-apparmor-example-deny-write";
/// The profile that the document names and never loads (S0-32).
inline constexpr const char* kUnloaded = "k8s-apparmor-example-allow-write";
/// What containerd gives a container that asks for nothing
/// (containerd: contrib/apparmor, defaultApparmorProfile).
inline constexpr const char* kContainerdDefault = "cri-containerd.apparmor.d";
inline constexpr const char* kEnforce = "enforce";
inline constexpr const char* kComplain = "complain";

/// Before the container's name: the key of the annotation that names its
/// profile.
inline constexpr const char* kProfileKey =
    "container.apparmor.security.beta.kubernetes.io/";
/// What the API server says of an annotation that has a field by now.
inline constexpr const char* kDeprecated =
    ": deprecated since v1.30; use the \"appArmorProfile\" field instead";

/// The manifest of this name in a List.
inline nlohmann::json Item(const nlohmann::json& list,
                           const std::string& name) {
  for (const auto& item : list.at("items")) {
    if (item.at("metadata").at("name") == name) return item;
  }
  ADD_FAILURE() << "no " << name << " in the list";
  return {};
}

/// appArmorProfile of a pod's spec's container, or null.
inline nlohmann::json FieldOf(const nlohmann::json& spec, int container = 0,
                              const char* containers = "containers") {
  return spec.at(containers)
      .at(container)
      .value("/securityContext/appArmorProfile"_json_pointer, nlohmann::json());
}
inline nlohmann::json FieldOf(const Reply& reply, int container = 0) {
  return reply.accepted() ? FieldOf(reply.object.at("spec"), container)
                          : nlohmann::json();
}

/// Those of `acts` among the outcomes.
inline Outcomes Only(const Outcomes& outcomes,
                     const std::vector<std::string>& acts) {
  Outcomes some;
  for (const auto& act : acts) some[act] = At(outcomes, act);
  return some;
}

inline std::vector<std::string> Both(std::vector<std::string> a,
                                     const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// A record of this event, caused under this profile, about this path (or
/// capability).
inline bool Is(const AuditRecord& record, AuditEvent event,
               const std::string& profile, const std::string& name) {
  return record.event == event && record.profile == profile &&
         record.name == name;
}

class AppArmor : public testing::Test {
 protected:
  /// The pod of `file`, running on `node`: the twin whose fate shows that the
  /// check can fail.
  Pod Control(const std::string& file, const NodeShell& node) {
    Pod pod = world.Apply(file, &node);
    pod.control = true;
    return Must(world.AwaitRunning(pod));
  }
  /// The pod of `file`, running on `node`: that it runs is part of the claim.
  Pod ClaimRuns(const std::string& file, const NodeShell& node) {
    return Claim(world.AwaitRunning(world.Apply(file, &node)));
  }

  World world;
};

}  // namespace lab::suite
