// SPDX-License-Identifier: Apache-2.0
// suites/behaviours.json: which behaviour holds for which versions of which
// component. Expectations are chosen by it and by what was measured of a lab,
// never by what was asked for.
#pragma once

#include <string>
#include <vector>

#include "runner/base/version.h"
#include "runner/cluster/lab_file.h"

namespace lab {

struct Behaviour {
  std::string name;  ///< "kubelet.checks-profile"
  std::string
      component;  ///< apiserver, kubelet, kernel, runtime, crun, runc...
  VersionRange versions;
  std::string text;
  std::string source;
};

class Behaviours {
 public:
  /// Fields that are missing or unknown are errors. `home` is the project's
  /// root.
  static Result<Behaviours> Load(const Path& home);

  const std::vector<Behaviour>& all() const { return all_; }

  /// Whether it holds in a lab, by the measured facts: those of `node` where
  /// there are some, else the lab's. An error if there is no such behaviour or
  /// nothing was measured of the component.
  Result<bool> Holds(const std::string& name, const LabFile& lab,
                     const std::string& node = "") const;

 private:
  std::vector<Behaviour> all_;
};

}  // namespace lab
