// SPDX-License-Identifier: Apache-2.0
// What all seccomp cases begin with: a world, and what its kubelets do with
// pods that ask for no filter.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "suites/support/matchers.h"
#include "suites/support/must.h"
#include "suites/support/records.h"
#include "suites/support/world.h"

namespace lab::suite {

/// An act that containerd's default filter refuses whatever capabilities there
/// are (contrib/seccomp/seccomp_default.go has no rule for keyctl).
inline constexpr const char* kKeyctl = "syscall:keyctl";
/// What the kernel itself says to it with zeroes: zero is no key
/// (lookup_user_key(), security/keys/process_keys.c).
inline constexpr int kReachesKernel = EINVAL;

class Seccomp : public testing::Test {
 protected:
  /// Whether SeccompDefault is on in the kubelet that runs on `node`: by the
  /// flag with which it was started or, without that, by its file. Its /configz
  /// is not to be trusted: it does not know of the flag.
  bool DefaultsOn(const NodeShell& node) const;

  /// The first worker whose kubelet has SeccompDefault on, or off. The case
  /// ends as skipped if there is none.
  NodeShell NodeWithDefault(bool on) const;
  /// Any worker; which one is fixed by the case's name.
  NodeShell AnyNode() const;

  /// The pod of fixtures/pods/seccomp/FILE, running on `node`: that it runs is
  /// part of the claim.
  Pod ClaimRuns(const std::string& file, const NodeShell& node) {
    return Claim(world.AwaitRunning(Apply(file, node)));
  }
  /// What was said of a container that was refused, before or after the runtime
  /// was asked; empty as long as nothing was.
  static std::string Refusal(const Pod& pod);
  /// Waits until the pod's container is refused; that it is, is the claim.
  Pod ClaimRefused(const Pod& pod) {
    return Claim(world.Await(pod, "to be refused",
                             [](const Pod& p) { return !Refusal(p).empty(); }));
  }
  /// The pod of nil.yaml twice, running.
  struct Rollout {
    Pod on;   ///< where SeccompDefault is on
    Pod off;  ///< where it is not: the control
  };
  /// The case ends as skipped in a lab that has only one kind of kubelet.
  Rollout ClaimNilOnBoth();
  Pod Apply(const std::string& file, const NodeShell& node) {
    return world.Apply("seccomp/" + file, &node);
  }

  World world;
};

}  // namespace lab::suite
