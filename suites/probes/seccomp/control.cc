// SPDX-License-Identifier: Apache-2.0
// Reads what report.cc wrote, however it was indented since: keys are looked
// for in the order in which it writes them. A JSON library would be a third of
// the program.
#include <fcntl.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

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

class Scanner {
 public:
  explicit Scanner(const std::string& text) : text_(text) {}

  /// Moves behind `"key":` and its blanks.
  bool Find(const char* key) {
    const std::string quoted = '"' + std::string(key) + '"';
    const auto found = text_.find(quoted, at_);
    if (found == std::string::npos) return false;
    at_ = found + quoted.size();
    while (at_ < text_.size() &&
           (text_[at_] == ':' ||
            std::isspace(static_cast<unsigned char>(text_[at_])) != 0)) {
      ++at_;
    }
    return true;
  }
  int Number() const { return std::atoi(text_.c_str() + at_); }
  /// The string that begins here.
  std::string Text() const {
    if (at_ >= text_.size() || text_[at_] != '"') return "";
    return text_.substr(at_ + 1, text_.find('"', at_ + 1) - at_ - 1);
  }

 private:
  const std::string& text_;
  std::size_t at_ = 0;
};

}  // namespace

Control ReadControl(const std::string& path, const Facts& facts) {
  const std::string text = ReadAll(path);
  const auto refuse = [&](const std::string& why) {
    return std::runtime_error("control " + path + ": " + why);
  };
  Scanner scanner(text);
  if (!scanner.Find("kernel")) throw refuse("not a report of this program");
  if (scanner.Text() != facts.kernel) {
    throw refuse("made on kernel " + scanner.Text() + ", this is " +
                 facts.kernel);
  }
  if (!scanner.Find("mode")) throw refuse("not a report of this program");
  if (scanner.Text() != "disabled") throw refuse("made under a filter");
  Control control;
  if (scanner.Find("calls")) {
    while (scanner.Find("number")) {
      const int number = scanner.Number();
      if (!scanner.Find("answer")) break;
      const Answer answer = ParseAnswer(scanner.Text());
      if (answer.kind != Answer::Kind::kNone) control[number] = answer;
    }
  }
  if (control.empty()) throw refuse("it has no calls");
  return control;
}

}  // namespace probe
