// SPDX-License-Identifier: Apache-2.0
// Reads what report.cc wrote, however it was indented or ordered since: keys
// are looked for where they can be. A JSON library would be too large.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include "suites/probes/seccomp/report.h"

namespace probe {
namespace {

std::string ReadAll(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::string text;
  char buffer[4096];
  ssize_t n = 0;
  while (fd >= 0 && (n = read(fd, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  const int error = errno;
  if (fd >= 0) close(fd);
  if (fd < 0 || n < 0) {
    throw std::runtime_error("control " + path + ": " + std::strerror(error));
  }
  return text;
}

// What stands behind `"key":` and its blanks.
std::string_view Value(std::string_view text, const char* key) {
  const std::string quoted = '"' + std::string(key) + '"';
  auto at = text.find(quoted);
  if (at == std::string_view::npos) return {};
  at = text.find_first_not_of(": \t\n", at + quoted.size());
  return at == std::string_view::npos ? std::string_view() : text.substr(at);
}

std::string Text(std::string_view text, const char* key) {
  const std::string_view value = Value(text, key);
  if (value.empty() || value[0] != '"') return "";
  return std::string(value.substr(1, value.find('"', 1) - 1));
}

// -1 if there is none.
int Number(std::string_view text, const char* key) {
  const std::string value(Value(text, key).substr(0, 8));
  return value.empty() ? -1 : std::atoi(value.c_str());
}

}  // namespace

Control ReadControl(const std::string& path, const Facts& facts) {
  const std::string text = ReadAll(path);
  const auto refuse = [&](const std::string& why) {
    return std::runtime_error("control " + path + ": " + why);
  };
  const std::string kernel = Text(text, "kernel");
  const std::string mode = Text(text, "mode");
  if (kernel.empty() || mode.empty()) {
    throw refuse("not a report of this program");
  }
  if (kernel != facts.kernel) {
    throw refuse("made on kernel " + kernel + ", this is " + facts.kernel);
  }
  if (mode != "disabled") throw refuse("made under a filter");
  Control control;
  // The objects in `calls` hold no others.
  std::string_view rest = Value(text, "calls");
  rest = rest.substr(0, rest.find(']'));
  for (auto begin = rest.find('{'); begin != std::string_view::npos;
       begin = rest.find('{')) {
    rest = rest.substr(begin);
    const auto call = rest.substr(0, rest.find('}'));
    const Answer answer = ParseAnswer(Text(call, "answer"));
    if (answer.kind != Answer::Kind::kNone) {
      control[Number(call, "number")] = answer;
    }
    rest = rest.substr(call.size());
  }
  if (control.empty()) throw refuse("it has no calls");
  return control;
}

}  // namespace probe
