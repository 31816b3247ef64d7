// SPDX-License-Identifier: Apache-2.0
#include "suites/probes/seccomp/survey.h"

#include "suites/probes/seccomp/attempt.h"
#include "suites/probes/seccomp/stacked_filter.h"
#include "suites/probes/seccomp/syscalls.h"

namespace probe {
namespace {

bool SameFinding(const Probed& a, const Probed& b) {
  return a.finding.kind == b.finding.kind && a.finding.error == b.finding.error;
}

Answer ControlOf(const Control& control, int number) {
  const auto it = control.find(number);
  return it == control.end() ? Answer{} : it->second;
}

}  // namespace

Survey Probe(const Facts& facts, const Control& control) {
  std::vector<int> numbers;
  for (int number = 0; number <= kLastTriedSyscall; ++number) {
    numbers.push_back(number);
  }
  numbers.push_back(kNoSuchSyscall);

  Survey survey;
  Verdicts verdicts;
  if (facts.seccomp == "disabled") {
    survey.method = "no filter";
    verdicts.answers.assign(numbers.size(), {Answer::Kind::kPassed, 0});
  } else {
    verdicts = AskFilters(numbers);
    survey.trouble = verdicts.trouble;
    survey.method = survey.trouble.empty() ? "verdict"
                    : control.empty()      ? "answers"
                                           : "control";
  }
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    Probed one{numbers[i], {}, {}};
    if (const char* why = WhyNotCalled(one.number); why != nullptr) {
      one.seen.why_not_called = why;
    } else {
      one.seen.call = Attempt(one.number, HarmlessArguments(one.number));
    }
    if (!verdicts.answers.empty()) one.seen.verdict = verdicts.answers[i];
    one.seen.control = ControlOf(control, one.number);
    one.finding = Classify(one.seen);
    survey.calls.push_back(std::move(one));
  }
  survey.beyond = std::move(survey.calls.back());
  survey.calls.pop_back();
  while (survey.calls.back().number > kLastKnownSyscall &&
         SameFinding(survey.calls.back(), survey.beyond)) {
    survey.calls.pop_back();
  }
  return survey;
}

const Probed& FindCall(const Survey& survey, int number) {
  return survey.calls[static_cast<std::size_t>(number)];
}

}  // namespace probe
