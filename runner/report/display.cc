// SPDX-License-Identifier: Apache-2.0
#include "runner/report/display.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "runner/base/text.h"

namespace lab {
namespace {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

// DEL, C1 (U+009B begins an escape sequence), line and paragraph separators,
// and the marks that reverse the direction of what follows.
constexpr Range kUnsafe[] = {
    {0x00, 0x1f}, {0x7f, 0x9f}, {0x2028, 0x202e}, {0x2066, 0x2069}};

constexpr Range kNoWidth[] = {
    {0x0300, 0x036f}, {0x200b, 0x200f}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}};

constexpr Range kWide[] = {
    {0x1100, 0x115f},   {0x2e80, 0xa4cf},   {0xac00, 0xd7a3},
    {0xf900, 0xfaff},   {0xfe30, 0xfe6f},   {0xff00, 0xff60},
    {0xffe0, 0xffe6},   {0x1f300, 0x1f64f}, {0x1f680, 0x1f6ff},
    {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};

template <std::size_t kCount>
bool In(const Range (&ranges)[kCount], std::uint32_t point) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [point](const Range& range) {
                       return point >= range.first && point <= range.last;
                     });
}

struct Character {
  std::string_view bytes;
  std::uint32_t point = 0;

  int width() const {
    if (In(kNoWidth, point)) return 0;
    return In(kWide, point) ? 2 : 1;
  }
};

// The first character of `text`, which is not empty and valid UTF-8.
Character FirstOf(std::string_view text) {
  const auto lead = static_cast<std::uint8_t>(text[0]);
  const std::size_t size = lead < 0x80   ? 1
                           : lead < 0xe0 ? 2
                           : lead < 0xf0 ? 3
                                         : 4;
  std::uint32_t point = size == 1 ? lead : lead & (0x7fu >> size);
  for (const char next : text.substr(1, size - 1)) {
    point = (point << 6) | (static_cast<std::uint8_t>(next) & 0x3fu);
  }
  return {text.substr(0, size), point};
}

const char* EscapeOf(Style style) {
  switch (style) {
    case Style::kPlain:
      return "";
    case Style::kGood:
      return "\x1b[32m";
    case Style::kBad:
      return "\x1b[1;31m";
    case Style::kWarning:
      return "\x1b[33m";
    case Style::kDim:
      return "\x1b[2m";
  }
  return "";
}

}  // namespace

std::string OneLine(std::string_view text) {
  // Most texts are harmless already.
  const bool plain = std::all_of(text.begin(), text.end(),
                                 [](char c) { return c >= ' ' && c <= '~'; });
  if (plain) return std::string(text);
  const std::string printable = Printable(text);
  std::string line;
  for (std::string_view rest = printable; !rest.empty();) {
    const auto character = FirstOf(rest);
    if (character.bytes == "\n" || character.bytes == "\t") {
      line += ' ';
    } else if (In(kUnsafe, character.point)) {
      line += "\xEF\xBF\xBD";
    } else {
      line += character.bytes;
    }
    rest.remove_prefix(character.bytes.size());
  }
  return line;
}

int DisplayWidth(std::string_view line) {
  int width = 0;
  while (!line.empty()) {
    const auto character = FirstOf(line);
    width += character.width();
    line.remove_prefix(character.bytes.size());
  }
  return width;
}

std::string Clip(std::string_view line, int columns) {
  if (DisplayWidth(line) <= columns) return std::string(line);
  constexpr std::string_view kMore = "..";
  const auto more =
      kMore.substr(0, static_cast<std::size_t>(std::clamp(columns, 0, 2)));
  int left = columns - static_cast<int>(more.size());
  std::string clipped;
  while (!line.empty()) {
    const auto character = FirstOf(line);
    left -= character.width();
    if (left < 0) break;
    clipped += character.bytes;
    line.remove_prefix(character.bytes.size());
  }
  return clipped.append(more);
}

std::vector<std::string> Wrap(std::string_view line, int columns) {
  std::vector<std::string> lines;
  std::string current;
  bool fresh = true;
  for (const auto& word : Split(line, ' ')) {
    const bool fits = DisplayWidth(current) + 1 + DisplayWidth(word) <= columns;
    if (fresh || fits || Trim(current).empty()) {
      current += (fresh ? "" : " ") + word;
    } else {
      lines.push_back(std::exchange(current, word));
    }
    fresh = false;
  }
  lines.push_back(current);
  return lines;
}

std::string Paint(const StyledLine& line, bool color) {
  if (!color || line.style == Style::kPlain || line.mark.empty()) {
    return line.mark + line.text;
  }
  return EscapeOf(line.style) + line.mark + "\x1b[0m" + line.text;
}

}  // namespace lab
