// SPDX-License-Identifier: Apache-2.0
#include "runner/report/live_region.h"

#include <fmt/format.h>

#include <algorithm>

namespace lab {
namespace {

// "\x1b[K" wipes what an earlier, longer line left behind.
constexpr const char* kEndOfLine = "\x1b[K\n";

bool SameText(const StyledLine& a, const StyledLine& b) {
  return a.style == b.style && a.mark == b.mark && a.text == b.text;
}

StyledLine Clipped(const StyledLine& line, int columns) {
  auto mark = Clip(line.mark, columns);
  auto text = Clip(line.text, columns - DisplayWidth(mark));
  return {line.style, std::move(mark), std::move(text)};
}

// The text in as many lines as it needs, all of them indented by the mark.
std::vector<StyledLine> Wrapped(const StyledLine& line, int columns) {
  if (line.unbroken) return {line};
  const int indent = DisplayWidth(line.mark);
  std::vector<StyledLine> lines;
  for (auto& text : Wrap(line.text, columns - indent)) {
    const bool first = lines.empty();
    lines.push_back(
        {first ? line.style : Style::kPlain,
         first ? line.mark : std::string(static_cast<std::size_t>(indent), ' '),
         std::move(text)});
  }
  return lines;
}

}  // namespace

// A terminal that has become narrower since has broken the drawn lines.
int LiveRegion::DrawnRows(int columns) const {
  int rows = 0;
  for (const auto& line : drawn_) {
    const int width = DisplayWidth(line.mark) + DisplayWidth(line.text);
    rows += std::max(1, (width + columns - 1) / columns);
  }
  return rows;
}

std::string LiveRegion::Render(const std::vector<StyledLine>& lasting,
                               const std::vector<StyledLine>& region,
                               int columns) {
  // The last column stays free: terminals differ in what they do after it.
  const int usable = std::max(1, columns - 1);
  std::vector<StyledLine> wanted;
  for (const auto& line : region) wanted.push_back(Clipped(line, usable));
  if (lasting.empty() && std::equal(wanted.begin(), wanted.end(),
                                    drawn_.begin(), drawn_.end(), SameText)) {
    return "";
  }
  std::string bytes = "\r";
  if (const int rows = DrawnRows(columns); rows > 0) {
    bytes += fmt::format("\x1b[{}A", rows);
  }
  for (const auto& line : lasting) {
    for (const auto& row : Wrapped(line, usable)) {
      bytes += Paint(row, color_) + kEndOfLine;
    }
  }
  for (const auto& line : wanted) bytes += Paint(line, color_) + kEndOfLine;
  bytes += "\x1b[J";
  drawn_ = std::move(wanted);
  return bytes;
}

}  // namespace lab
