// SPDX-License-Identifier: Apache-2.0
#include "suites/probes/seccomp/answer.h"

#include <cstdlib>
#include <cstring>

namespace probe {
namespace {

using Kind = Answer::Kind;

struct Word {
  Kind kind;
  const char* word;
};

constexpr Word kWords[] = {{Kind::kReturned, "ok"},
                           {Kind::kTrapped, "trap"},
                           {Kind::kExited, "exit"},
                           {Kind::kHung, "hang"},
                           {Kind::kPassed, "passed"}};

constexpr int kMaxErrno = 4095;  // MAX_ERRNO of the kernel
constexpr int kMaxSignal = 64;

std::string SignalName(int signal) {
  const char* name = sigabbrev_np(signal);
  return name != nullptr ? "SIG" + std::string(name)
                         : "SIG" + std::to_string(signal);
}

}  // namespace

std::string ErrnoName(int error) {
  const char* name = strerrorname_np(error);
  return name != nullptr ? name : "errno " + std::to_string(error);
}

std::string AnswerName(const Answer& answer) {
  if (answer.kind == Kind::kErrno) return ErrnoName(answer.number);
  if (answer.kind == Kind::kSignal) return SignalName(answer.number);
  for (const auto& [kind, word] : kWords) {
    if (kind == answer.kind) return word;
  }
  return "";
}

Answer ParseAnswer(const std::string& text) {
  for (const auto& [kind, word] : kWords) {
    if (text == word) return {kind, 0};
  }
  for (int error = 0; error <= kMaxErrno; ++error) {
    if (text == ErrnoName(error)) return {Kind::kErrno, error};
  }
  for (int signal = 1; signal <= kMaxSignal; ++signal) {
    if (text == SignalName(signal)) return {Kind::kSignal, signal};
  }
  return {};
}

}  // namespace probe
