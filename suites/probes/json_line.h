// SPDX-License-Identifier: Apache-2.0
// One JSON object on one line of standard output. Probes are small and static;
// a JSON library would be most of their size.
#pragma once

#include <cstdio>
#include <string>

namespace probe {

class JsonLine {
 public:
  JsonLine() : text_("{") {}

  JsonLine& Add(const char* key, const std::string& value) {
    Key(key);
    text_ += '"';
    for (const char c : value) Escape(c);
    text_ += '"';
    return *this;
  }
  JsonLine& Add(const char* key, long long value) {
    Key(key);
    text_ += std::to_string(value);
    return *this;
  }
  void Print() const { std::printf("%s}\n", text_.c_str()); }

 private:
  void Key(const char* key) {
    if (text_.size() > 1) text_ += ',';
    text_ += '"';
    text_ += key;
    text_ += "\":";
  }
  void Escape(char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      text_ += '\\';
      text_ += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      char buffer[8];
      std::snprintf(buffer, sizeof buffer, "\\u%04x", byte);
      text_ += buffer;
    } else {
      text_ += c;
    }
  }
  std::string text_;
};

}  // namespace probe
