// SPDX-License-Identifier: Apache-2.0
// For tests: a terminal that understands what LiveRegion writes, and no more.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

/// ASCII only. Keeps what has scrolled out at the top.
class FakeScreen {
 public:
  FakeScreen(std::size_t columns, std::size_t rows)
      : columns_(columns), rows_(rows) {}

  void Write(std::string_view bytes) {
    pending_ += bytes;
    while (!pending_.empty()) {
      const std::size_t used = Step();
      if (used == 0) return;
      pending_.erase(0, used);
    }
  }

  /// The lines as one sees them, without the blank ones at the end.
  std::vector<std::string> Shown() const {
    auto lines = lines_;
    for (auto& line : lines) line.erase(line.find_last_not_of(' ') + 1);
    while (!lines.empty() && lines.back().empty()) lines.pop_back();
    return lines;
  }
  std::size_t row() const { return row_; }
  std::size_t column() const { return column_; }
  /// How often a text ran over the right edge.
  int overruns() const { return overruns_; }

 private:
  // One character or sequence; 0 if its end has not come yet.
  std::size_t Step() {
    const char c = pending_[0];
    if (c == '\x1b') return Escape();
    if (c == '\r') {
      column_ = 0;
    } else if (c == '\n') {
      MoveTo(row_ + 1);
    } else {
      Put(c);
    }
    return 1;
  }

  std::size_t Escape() {
    const auto end = pending_.find_first_of("AJKm");
    if (end == std::string::npos) return 0;
    if (pending_[end] == 'A') Up(std::stoul(pending_.substr(2)));
    if (pending_[end] == 'K') lines_[row_].resize(column_);
    if (pending_[end] == 'J') {
      lines_[row_].resize(column_);
      lines_.resize(row_ + 1);
    }
    if (pending_[end] != 'm' && pending_.substr(1, 1) != "[") {
      throw std::runtime_error("unknown escape sequence");
    }
    return end + 1;
  }

  void Put(char c) {
    if (column_ == columns_) {
      ++overruns_;
      MoveTo(row_ + 1);
    }
    lines_[row_].resize(std::max(lines_[row_].size(), column_ + 1), ' ');
    lines_[row_][column_++] = c;
  }

  void MoveTo(std::size_t row) {
    row_ = row;
    column_ = 0;
    if (lines_.size() <= row_) lines_.resize(row_ + 1);
    top_ = std::max(top_, row_ + 1 > rows_ ? row_ + 1 - rows_ : 0);
  }

  // The cursor cannot go where the lines have scrolled out.
  void Up(std::size_t count) {
    row_ = row_ > top_ + count ? row_ - count : top_;
  }

  std::size_t columns_;
  std::size_t rows_;
  std::size_t top_ = 0;
  std::size_t row_ = 0;
  std::size_t column_ = 0;
  int overruns_ = 0;
  std::string pending_;
  std::vector<std::string> lines_ = {""};
};

}  // namespace lab
