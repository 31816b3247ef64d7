// SPDX-License-Identifier: Apache-2.0
// The few lines at the bottom of a terminal that are drawn again and again,
// below the lines that last.
#pragma once

#include <string>
#include <vector>

#include "runner/report/display.h"

namespace lab {

/// Computes the bytes to write; does not write. The cursor always rests at the
/// beginning of the line below the region and is never hidden, so a program
/// that is killed leaves the terminal in order.
class LiveRegion {
 public:
  explicit LiveRegion(bool color) : color_(color) {}

  /// Puts `lasting` above the region and makes `region` its content, on a
  /// terminal `columns` wide. Lines of the region are clipped, lasting lines
  /// are wrapped. Empty if there is nothing to change.
  std::string Render(const std::vector<StyledLine>& lasting,
                     const std::vector<StyledLine>& region, int columns);

 private:
  int DrawnRows(int columns) const;

  bool color_;
  std::vector<StyledLine> drawn_;
};

}  // namespace lab
