// SPDX-License-Identifier: Apache-2.0
// Random input for property tests, the same in every run.
#pragma once

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}

  /// 0 .. `bound` - 1.
  std::size_t Below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(engine_);
  }
  bool OneIn(std::size_t n) { return Below(n) == 0; }

  template <typename T>
  const T& Of(const std::vector<T>& choices) {
    return choices[Below(choices.size())];
  }

  /// `least` to `most` characters of `alphabet`.
  std::string Text(std::string_view alphabet, std::size_t least,
                   std::size_t most) {
    std::string text(least + Below(most - least + 1), '\0');
    for (char& c : text) c = alphabet[Below(alphabet.size())];
    return text;
  }

  /// Up to `most` bytes of any value.
  std::string Bytes(std::size_t most) {
    std::string bytes(Below(most + 1), '\0');
    for (char& c : bytes) c = static_cast<char>(Below(256));
    return bytes;
  }

  /// `text` with a few bytes changed, removed, inserted, repeated or cut off.
  std::string Mutated(std::string text) {
    for (std::size_t times = 1 + Below(4); times > 0; --times) MutateOnce(text);
    return text;
  }

 private:
  void MutateOnce(std::string& text) {
    const std::size_t at = Below(text.size() + 1);
    switch (Below(5)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(Below(256));
        break;
      case 1:
        text.erase(at, 1 + Below(8));
        break;
      case 2:
        text.insert(at, Text(" \"'()/&:=\\\n{}[]-|>*&!#%,A0", 1, 3));
        break;
      case 3:
        text.insert(at, text.substr(Below(text.size() + 1), 1 + Below(20)));
        break;
      default:
        if (OneIn(4)) text.resize(at);
    }
  }

  std::mt19937 engine_;
};

}  // namespace lab
