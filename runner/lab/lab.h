// SPDX-License-Identifier: Apache-2.0
// A lab that this process owns, of whatever kind: it ends with the object, or
// with this process.
#pragma once

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
  /// Ends everything and removes the lab's directory.
  virtual void Down() = 0;

 protected:
  Lab() = default;
  Lab(Lab&&) noexcept = default;
};

}  // namespace lab
