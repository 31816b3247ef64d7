// SPDX-License-Identifier: Apache-2.0
#include "runner/report/cut.h"

namespace lab {

std::string_view Cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) {
    --most;
  }
  return text.substr(0, most);
}

std::string Capped(std::string text, std::size_t most) {
  constexpr std::string_view kCut = "\n(cut; all of it is in records.jsonl)";
  if (text.size() <= most) return text;
  return std::string(Cut(text, most - kCut.size())).append(kCut);
}

}  // namespace lab
