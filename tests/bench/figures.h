// SPDX-License-Identifier: Apache-2.0
// What `make bench` has measured so far, as a table and as JSON.
#pragma once

#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/result.h"

namespace lab::bench {

struct Figure {
  std::string name;
  double value = 0;
  std::string unit;
  double target = 0;  ///< at most; 0: none
};

class Figures {
 public:
  void Add(const std::string& name, double value, const std::string& unit,
           double target = 0) {
    all_.push_back({name, value, unit, target});
  }
  void Print() const;
  Status WriteJson(const Path& path) const;

 private:
  std::vector<Figure> all_;
};

/// 0 of nothing.
double Median(std::vector<double> values);

/// Seconds that `runner --suite ARGUMENTS...` takes; its report is in `into`.
/// An error if it does not exit with 0.
Result<double> RunSuiteInto(const Path& into,
                            std::vector<std::string> arguments);

/// build/runner with these arguments; an error if it does not exit with 0.
Result<std::string> RunRunner(std::vector<std::string> arguments);

/// The kind lab beside what one would do without this project: kind itself,
/// and five checks with kubectl, and with chainsaw where it is on PATH. Says so
/// on stderr where no kind lab can be had.
Status MeasureKind(Figures& figures);

}  // namespace lab::bench
