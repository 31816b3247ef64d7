// SPDX-License-Identifier: Apache-2.0
#include "runner/base/text.h"

#include <fmt/format.h>
#include <fnmatch.h>
#include <sys/random.h>

#include <algorithm>
#include <cstdint>

namespace lab {
namespace {

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above + 1, row[j - 1] + 1, change});
      diagonal = above;
    }
  }
  return row[b.size()];
}

// Length of the valid UTF-8 sequence at the front of `text`; 0 if none.
std::size_t Utf8Length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint8_t>(text[i]);
  };
  const std::uint8_t first = byte(0);
  std::size_t length = 0;
  std::uint32_t point = 0;
  if (first < 0x80) return 1;
  if ((first & 0xe0) == 0xc0) {
    length = 2;
    point = first & 0x1fu;
  } else if ((first & 0xf0) == 0xe0) {
    length = 3;
    point = first & 0x0fu;
  } else if ((first & 0xf8) == 0xf0) {
    length = 4;
    point = first & 0x07u;
  } else {
    return 0;
  }
  if (text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    point = (point << 6) | (byte(i) & 0x3fu);
  }
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = point >= 0xd800 && point <= 0xdfff;
  const bool noncharacter = point == 0xfffe || point == 0xffff;
  if (point < kSmallest[length] || point > 0x10ffff || surrogate ||
      noncharacter) {
    return 0;
  }
  return length;
}

}  // namespace

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (true) {
    const auto end = text.find(separator, begin);
    parts.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

std::vector<std::string> Lines(std::string_view text) {
  if (text.empty()) return {};
  auto lines = Split(text, '\n');
  if (text.back() == '\n') lines.pop_back();
  return lines;
}

std::string Join(const std::vector<std::string>& parts,
                 std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

std::string ReplaceAll(std::string text, std::string_view from,
                       std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string LastLines(std::string_view text, std::size_t count) {
  auto lines = Lines(text);
  if (lines.size() > count) {
    lines.erase(lines.begin(),
                lines.end() - static_cast<std::ptrdiff_t>(count));
  }
  return Join(lines, "\n");
}

std::string ShellQuote(std::string_view argument) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
      "_-./:=,@%+";
  if (!argument.empty() &&
      argument.find_first_not_of(kPlain) == std::string_view::npos) {
    return std::string(argument);
  }
  return "'" + ReplaceAll(std::string(argument), "'", "'\\''") + "'";
}

std::string ShellQuote(const std::vector<std::string>& argv) {
  std::vector<std::string> quoted;
  for (const auto& argument : argv) quoted.push_back(ShellQuote(argument));
  return Join(quoted, " ");
}

bool GlobMatch(const std::string& pattern, const std::string& text) {
  return ::fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

std::vector<std::string> ClosestTo(const std::string& word,
                                   std::vector<std::string> known,
                                   std::size_t most) {
  std::stable_sort(known.begin(), known.end(),
                   [&](const std::string& a, const std::string& b) {
                     return EditDistance(word, a) < EditDistance(word, b);
                   });
  if (known.size() > most) known.resize(most);
  return known;
}

std::string Printable(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const std::size_t length = Utf8Length(bytes);
    const char first = bytes.front();
    const bool control = length == 1 &&
                         static_cast<unsigned char>(first) < 0x20 &&
                         first != '\t' && first != '\n';
    if (length == 0 || control) {
      out += "\xEF\xBF\xBD";
      bytes.remove_prefix(1);
    } else {
      out += bytes.substr(0, length);
      bytes.remove_prefix(length);
    }
  }
  return out;
}

std::string HumanSeconds(double seconds) {
  if (seconds < 60) return fmt::format("{:.1f} s", seconds);
  const int whole = static_cast<int>(seconds);
  return fmt::format("{} min {:02} s", whole / 60, whole % 60);
}

std::string HumanBytes(double bytes) {
  constexpr const char* kUnits[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < std::size(kUnits)) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", bytes, unit < 2 ? 0 : 1, kUnits[unit]);
}

std::string RandomHex(std::size_t digits) {
  std::string bytes((digits + 1) / 2, '\0');
  while (::getrandom(bytes.data(), bytes.size(), 0) < 0) {
  }
  std::string out;
  for (const char byte : bytes) {
    out += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  }
  out.resize(digits);
  return out;
}

}  // namespace lab
