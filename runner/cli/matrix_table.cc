// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/matrix_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "runner/base/text.h"
#include "runner/report/summary.h"

namespace lab {
namespace {

constexpr int kGap = 2;

// "a" ... "z", "aa", "ab" ...
std::string Label(std::size_t index) {
  std::string label(1, static_cast<char>('a' + index % 26));
  return index < 26 ? label : Label(index / 26 - 1) + label;
}

std::string Padded(const std::string& text, int width) {
  const int missing = std::max(width - DisplayWidth(text), 0);
  return text + std::string(static_cast<std::size_t>(missing), ' ');
}

// The spaces at the end of a line are of no use.
std::string Trimmed(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

class Table {
 public:
  Table(const std::vector<std::string>& cases,
        const std::vector<MatrixColumn>& matrix, int columns, bool color)
      : cases_(cases), matrix_(matrix), columns_(columns), color_(color) {
    for (const auto& id : cases_) {
      row_head_ = std::max(row_head_, DisplayWidth(RowName(id)));
    }
    row_head_ = std::min(row_head_, std::max(columns_ / 2, 8));
    for (std::size_t i = 0; i < matrix_.size(); ++i) {
      heads_.push_back(OneLine(matrix_[i].name));
    }
    words_ = Width(0, heads_.size()) <= columns_;
    if (words_) return;
    for (std::size_t i = 0; i < heads_.size(); ++i) heads_[i] = Label(i);
  }

  std::vector<std::string> Lines() {
    if (!words_) AddNames();
    for (std::size_t from = 0; from < heads_.size();) {
      std::size_t to = from + 1;
      while (to < heads_.size() && Width(from, to + 1) <= columns_) ++to;
      AddBlock(from, to);
      from = to;
    }
    AddLegend();
    return std::move(lines_);
  }

 private:
  static std::string RowName(const std::string& id) {
    return OneLine(SplitCaseId(id).name);
  }

  int CellWidth(std::size_t column) const {
    constexpr int kLongestWord = 7;  // "not run"
    const int head = DisplayWidth(heads_[column]);
    return words_ ? std::max(head, kLongestWord) : head;
  }

  int Width(std::size_t from, std::size_t to) const {
    int width = row_head_;
    for (std::size_t i = from; i < to; ++i) width += kGap + CellWidth(i);
    return width;
  }

  void AddNames() {
    for (std::size_t i = 0; i < heads_.size(); ++i) {
      lines_.push_back(
          Clip(fmt::format("  {}  {}", heads_[i], OneLine(matrix_[i].name)),
               columns_));
    }
    lines_.emplace_back();
  }

  std::string Cell(std::size_t column, const MatrixMark& mark) const {
    const std::string& text = words_ ? mark.word : mark.letter;
    return Paint(
        {mark.style, text, Padded("", CellWidth(column) - DisplayWidth(text))},
        color_);
  }

  void AddBlock(std::size_t from, std::size_t to) {
    if (from > 0) lines_.emplace_back();
    const std::string gap(kGap, ' ');
    std::string head = Padded("", row_head_);
    for (std::size_t i = from; i < to; ++i) {
      head += gap + Padded(heads_[i], CellWidth(i));
    }
    lines_.push_back(Trimmed(head));
    for (const auto& id : cases_) {
      std::string row = Padded(Clip(RowName(id), row_head_), row_head_);
      for (std::size_t i = from; i < to; ++i) {
        const auto mark = MarkOf(matrix_[i], id);
        Note(mark);
        row += gap + Cell(i, mark);
      }
      lines_.push_back(Trimmed(row));
    }
  }

  void Note(const MatrixMark& mark) {
    const bool known = std::any_of(
        seen_.begin(), seen_.end(),
        [&](const MatrixMark& one) { return one.word == mark.word; });
    if (!known) seen_.push_back(mark);
  }

  void AddLegend() {
    std::vector<std::string> parts;
    for (const auto& mark : seen_) {
      const std::string& text = words_ ? mark.word : mark.letter;
      parts.push_back(text + " = " + mark.meaning);
    }
    if (parts.empty()) return;
    lines_.emplace_back();
    for (auto& line : Wrap(Join(parts, ", "), columns_)) {
      lines_.push_back(std::move(line));
    }
  }

  const std::vector<std::string>& cases_;
  const std::vector<MatrixColumn>& matrix_;
  const int columns_;
  const bool color_;
  bool words_ = true;
  int row_head_ = 0;
  std::vector<std::string> heads_;
  std::vector<MatrixMark> seen_;
  std::vector<std::string> lines_;
};

}  // namespace

MatrixMark MarkOf(const MatrixColumn& column, const std::string& id) {
  const CaseState* state = column.run.Find(id);
  if (state == nullptr) return {"-", "-", "not selected", Style::kDim};
  if (!state->verdict) return {"?", "not run", "not finished", Style::kBad};
  const Style style = StyleOf(*state->verdict);
  switch (*state->verdict) {
    case Verdict::kPass:
      return {".", "pass", "passed", style};
    case Verdict::kFail:
      return {"F", "FAIL", "the system disagreed", style};
    case Verdict::kError:
      return {"E", "ERROR", "the lab could not find out", style};
    case Verdict::kSkip:
      return {"s", "skip", "skipped", style};
    case Verdict::kKnown:
      return {"k", "known", "failed as a known issue", style};
    case Verdict::kFixed:
      return {"X", "FIXED", "passed, but listed as a known issue", style};
  }
  return {};
}

std::vector<std::string> MatrixTable(const std::vector<std::string>& cases,
                                     const std::vector<MatrixColumn>& matrix,
                                     int columns, bool color) {
  return Table(cases, matrix, columns, color).Lines();
}

}  // namespace lab
