// SPDX-License-Identifier: Apache-2.0
// suites/SUITE/catalog/*.json: what a suite claims, case by case, and what it
// needs. `runner list` and `runner explain` show it.
#pragma once

#include <string>
#include <vector>

#include "runner/base/clock.h"
#include "runner/base/files.h"
#include "runner/base/result.h"

namespace lab {

struct Scenario {
  std::string suite;                    ///< "apparmor"
  std::string id;                       ///< "apparmor.enforce-deny-write"
  std::vector<std::string> statements;  ///< of the documents: "S0-26"
  std::string claim;
  std::string document;
  /// By Kubernetes version range: what is expected.
  std::vector<std::pair<std::string, std::string>> expect;
  std::vector<std::string> evidence;
  std::string why;
  std::vector<std::string> fixtures;  ///< below the project's root
  /// Files of profiles/apparmor, loaded on every worker beforehand.
  std::vector<std::string> profiles;
  /// Files of profiles/seccomp, below the kubelet's directory for them on every
  /// worker.
  std::vector<std::string> seccomp;
  /// Those of `profiles/apparmor` that no node may hold when the case begins.
  std::vector<std::string> withheld;
  /// Runs alone, because it changes what others look at.
  bool exclusive = false;
  /// How long it takes on two cores under emulation, other cases beside it.
  int seconds = 0;
  Duration deadline = 60s;

  /// "enforce-deny-write"
  std::string Name() const;
  /// "EnforceDenyWrite": the GoogleTest case that implements it.
  std::string TestName() const;
};

struct Catalog {
  std::string suite;
  std::string sha256;  ///< of its files
  /// In the order in which they start: a short one, for whoever waits; then
  /// the longest first, so that none is begun when all others are done; those
  /// that run alone at the end.
  std::vector<Scenario> scenarios;
};

/// A usage error names the suites that exist. Unknown fields are errors.
Result<Catalog> LoadCatalog(const Path& home, const std::string& suite);

/// The suites that have a catalog.
std::vector<std::string> SuiteNames(const Path& home);

/// The profiles of all these scenarios, each once.
std::vector<std::string> ProfilesOf(const std::vector<Scenario>& scenarios);

/// The scenario with this id, or the closest ids in a usage error. The suite
/// may be left out where the name is unique.
Result<Scenario> FindScenario(const Path& home, const std::string& id);

/// Those whose id or name matches one of the globs, which commas separate; all
/// if there is none. A pattern may match nothing; a plain word that does is a
/// usage error with the closest ids.
Result<std::vector<Scenario>> SelectScenarios(const Catalog& catalog,
                                              const std::string& filter);

/// The project's root: CONFINEMENT_LAB_HOME, or the directory above the
/// program that holds components/components.json.
Result<Path> FindHome();

}  // namespace lab
