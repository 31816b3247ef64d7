// SPDX-License-Identifier: Apache-2.0
// Text as a terminal shows it: columns, clipping, wrapping, colour.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lab {

/// Foreign text as one harmless line: newlines and tabs become a space;
/// control characters, also those of Unicode that turn or break a line, and
/// invalid bytes become U+FFFD.
std::string OneLine(std::string_view text);

/// Columns that a line of OneLine takes: two for East Asian wide characters
/// and most emoji, none for combining marks.
int DisplayWidth(std::string_view line);

/// The line, or as much of it as fits in `columns`, with ".." for the rest.
std::string Clip(std::string_view line, int columns);

/// The line broken at spaces into lines of at most `columns`. A longer word
/// stays whole: it is a path or an id that someone may want to copy.
std::vector<std::string> Wrap(std::string_view line, int columns);

enum class Style { kPlain, kGood, kBad, kWarning, kDim };

/// One line of output: a mark that carries the style, and a text.
struct StyledLine {
  Style style = Style::kPlain;
  std::string mark;
  std::string text;
  /// A command to copy: the terminal may break it, we do not.
  bool unbroken = false;
};

/// Mark and text, the mark in the escape sequences of its style if `color`.
std::string Paint(const StyledLine& line, bool color);

}  // namespace lab
