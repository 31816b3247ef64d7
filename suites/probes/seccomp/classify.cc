// SPDX-License-Identifier: Apache-2.0
#include "suites/probes/seccomp/classify.h"

#include <cerrno>
#include <csignal>

namespace probe {
namespace {

using Kind = Answer::Kind;

bool IsDenial(const Answer& answer) {
  return answer.IsErrno(EPERM) || answer.IsErrno(EACCES);
}

bool IsSigsys(const Answer& answer) {
  return answer.kind == Kind::kSignal && answer.number == SIGSYS;
}

// What the answer to a call looks like when a filter gave this verdict.
bool Agrees(const Answer& verdict, const Answer& call) {
  switch (verdict.kind) {
    case Kind::kPassed:
      return call.kind != Kind::kTrapped && !IsSigsys(call);
    case Kind::kErrno:
      return verdict.number == 0 ? call.kind == Kind::kReturned
                                 : call == verdict;
    default:
      return call == verdict;
  }
}

Finding Unknown(const std::string& why) { return {Class::kUnknown, 0, why}; }

// A filter's own part in it, from a verdict or an unmistakable answer.
Finding Blocked(const Answer& answer) {
  if (answer.kind == Kind::kErrno) return {Class::kErrno, answer.number, ""};
  return {answer.kind == Kind::kTrapped ? Class::kTrap : Class::kKill, 0, ""};
}

Finding FromVerdict(const Evidence& seen) {
  const bool called = seen.call.kind != Kind::kNone;
  if (called && !Agrees(seen.verdict, seen.call)) {
    return Unknown("the filters' verdict is " + AnswerName(seen.verdict) +
                   ", the call's answer " + AnswerName(seen.call));
  }
  if (seen.verdict.kind != Kind::kPassed) return Blocked(seen.verdict);
  if (!seen.call.IsErrno(ENOSYS)) return {Class::kAllowed, 0, ""};
  // Let through to a tracer or listener that is not there, for example.
  if (seen.control.kind != Kind::kNone && !seen.control.IsErrno(ENOSYS)) {
    return {Class::kErrno, ENOSYS, ""};
  }
  return {Class::kNotImplemented, 0, ""};
}

Finding FromControl(const Evidence& seen) {
  if (seen.call == seen.control) {
    if (seen.call.IsErrno(ENOSYS)) return {Class::kNotImplemented, 0, ""};
    if (IsDenial(seen.call)) {
      return Unknown("without a filter it is " + AnswerName(seen.call) +
                     " as well");
    }
    return {Class::kAllowed, 0, ""};
  }
  if (seen.call.kind == Kind::kHung) return Unknown("it did not come back");
  const bool more_privileged = IsDenial(seen.control) && !IsDenial(seen.call) &&
                               !seen.call.IsErrno(ENOSYS);
  if (seen.call.kind == Kind::kErrno && !more_privileged) {
    return Blocked(seen.call);
  }
  return {Class::kAllowed, 0, ""};
}

}  // namespace

Finding Classify(const Evidence& seen) {
  if (seen.verdict.kind != Kind::kNone) return FromVerdict(seen);
  if (seen.call.kind == Kind::kNone) {
    return {Class::kNotProbed, 0, seen.why_not_called};
  }
  if (seen.call.kind == Kind::kTrapped || IsSigsys(seen.call)) {
    return Blocked(seen.call);
  }
  if (seen.control.kind != Kind::kNone) return FromControl(seen);
  if (IsDenial(seen.call) || seen.call.IsErrno(ENOSYS)) {
    return Unknown("a filter and the kernel both answer " +
                   AnswerName(seen.call));
  }
  if (seen.call.kind == Kind::kHung) return Unknown("it did not come back");
  return {Class::kAllowed, 0, ""};
}

const char* ClassName(Class kind) {
  switch (kind) {
    case Class::kAllowed:
      return "allowed";
    case Class::kErrno:
      return "errno";
    case Class::kTrap:
      return "trap";
    case Class::kKill:
      return "kill";
    case Class::kNotImplemented:
      return "not-implemented";
    case Class::kUnknown:
      return "unknown";
    case Class::kNotProbed:
      return "not-probed";
  }
  return "";
}

}  // namespace probe
