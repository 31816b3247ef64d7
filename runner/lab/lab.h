// SPDX-License-Identifier: Apache-2.0
// A lab that this process owns, of whatever kind: it ends with the object, or
// with this process.
#pragma once

#include <functional>
#include <string>

#include "runner/base/progress.h"
#include "runner/cluster/lab_file.h"

namespace lab {

class Lab {
 public:
  virtual ~Lab() = default;
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  virtual const LabFile& file() const = 0;
  /// Saves the lab as `name`, and lets it go on. A usage error where its kind
  /// cannot be saved.
  virtual Status Save(const Path& cache, const Path& home,
                      const std::string& name, Progress& progress);
  /// Whether nodes and cluster end with the lab, so that nothing in them need
  /// be tidied up.
  virtual bool throwaway() const { return true; }
  /// Ends everything and removes the lab's directory. An error says what is
  /// left, and how it goes; `runner lab gc` finds it by the directory, which
  /// then stays, with a state in lab.json that says so (kLeftState).
  virtual Status Down() = 0;

 protected:
  Lab() = default;
  Lab(Lab&&) noexcept = default;
};

/// A step with a name for people; how long it took becomes the fact `fact` of
/// `lab`.
Status TimedStep(LabFile& lab, Progress& progress, const std::string& name,
                 const std::string& fact, const std::function<Status()>& step);

}  // namespace lab
