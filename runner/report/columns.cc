// SPDX-License-Identifier: Apache-2.0
#include "runner/report/columns.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "runner/base/text.h"
#include "runner/report/display.h"

namespace lab {
namespace {

constexpr int kGap = 2;
constexpr int kIndent = 4;
// A last column narrower than this is hard to read.
constexpr int kLeastLast = 40;

std::string Padded(const std::string& cell, int width) {
  const auto missing = std::max(0, width - DisplayWidth(cell));
  return cell + std::string(static_cast<std::size_t>(missing), ' ');
}

std::string Spaces(int count) {
  return std::string(static_cast<std::size_t>(count), ' ');
}

// `text` wrapped behind `head`, its later lines indented by `indent`.
void AppendWrapped(std::string head, int indent, const std::string& text,
                   int columns, std::vector<std::string>& lines) {
  if (columns == 0) {
    lines.push_back(head + text);
    return;
  }
  for (const auto& line : Wrap(text, std::max(columns - indent, 1))) {
    lines.push_back(head + line);
    head = Spaces(indent);
  }
}

using Row = std::vector<std::string>;

std::vector<int> WidthsOf(const std::vector<Row>& rows) {
  std::vector<int> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], DisplayWidth(row[i]));
    }
  }
  return widths;
}

// The first cell, the others behind it if they fit, the last below.
void AppendStacked(const Row& row, int first_width, int columns,
                   std::vector<std::string>& lines) {
  const Row middle(row.begin() + 1, row.end() - 1);
  std::vector<std::string> said;
  for (const auto& cell : middle) {
    if (!cell.empty()) said.push_back(cell);
  }
  const auto rest = Join(said, "  ");
  if (first_width + kGap + DisplayWidth(rest) <= columns) {
    lines.push_back(rest.empty()
                        ? row.front()
                        : Padded(row.front(), first_width + kGap) + rest);
  } else {
    lines.push_back(row.front());
    AppendWrapped(Spaces(kIndent), kIndent, rest, columns, lines);
  }
  AppendWrapped(Spaces(kIndent), kIndent, row.back(), columns, lines);
}

}  // namespace

std::vector<std::string> ColumnLines(const std::vector<Row>& rows,
                                     int columns) {
  const auto widths = WidthsOf(rows);
  int left = 0;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) left += widths[i] + kGap;
  const bool stacked =
      columns > 0 && widths.size() > 1 && columns - left < kLeastLast;
  std::vector<std::string> lines;
  for (const auto& row : rows) {
    if (stacked) {
      AppendStacked(row, widths.front(), columns, lines);
      continue;
    }
    std::string head;
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      head += Padded(row[i], widths[i] + kGap);
    }
    AppendWrapped(head, left, row.back(), columns, lines);
  }
  return lines;
}

int ColumnsOf(int fd) {
  winsize window = {};
  if (::isatty(fd) != 1 || ::ioctl(fd, TIOCGWINSZ, &window) != 0) return 0;
  return window.ws_col;
}

std::vector<std::string> Labelled(const std::string& label,
                                  const std::string& text, int columns) {
  std::vector<std::string> lines;
  AppendWrapped(label, DisplayWidth(label), text, columns, lines);
  return lines;
}

}  // namespace lab
