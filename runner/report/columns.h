// SPDX-License-Identifier: Apache-2.0
// Tables for people: cells side by side, the last column wrapped.
#pragma once

#include <string>
#include <vector>

namespace lab {

/// The rows as lines of at most `columns`; 0: as long as they get, one line a
/// row, which is what a pipe is given. Where the last column would be left
/// with little room, it goes below the others, indented.
std::vector<std::string> ColumnLines(
    const std::vector<std::vector<std::string>>& rows, int columns);

/// Width of the terminal on `fd`; 0 if it is none.
int ColumnsOf(int fd);

/// The text wrapped behind `label`, later lines below its beginning.
std::vector<std::string> Labelled(const std::string& label,
                                  const std::string& text, int columns);

}  // namespace lab
