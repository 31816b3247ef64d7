// SPDX-License-Identifier: Apache-2.0
#include "suites/probes/seccomp/report.h"

#include <cstdio>

#include "suites/probes/seccomp/amicontained.h"
#include "suites/probes/seccomp/syscalls.h"

namespace probe {
namespace {

constexpr Class kClasses[] = {
    Class::kAllowed,        Class::kErrno,   Class::kTrap,     Class::kKill,
    Class::kNotImplemented, Class::kUnknown, Class::kNotProbed};

std::string Quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      char buffer[8];
      std::snprintf(buffer, sizeof buffer, "\\u%04x", byte);
      quoted += buffer;
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

// Members of an object or elements of an array, in brackets when done.
class Sequence {
 public:
  explicit Sequence(const char* separator = ", ") : separator_(separator) {}

  Sequence& Raw(const std::string& key, const std::string& json) {
    if (!text_.empty()) text_ += separator_;
    if (!key.empty()) text_ += Quoted(key) + ": ";
    text_ += json;
    return *this;
  }
  Sequence& Text(const std::string& key, const std::string& value) {
    return Raw(key, Quoted(value));
  }
  Sequence& Number(const std::string& key, long long value) {
    return Raw(key, std::to_string(value));
  }
  Sequence& Bool(const std::string& key, bool value) {
    return Raw(key, value ? "true" : "false");
  }
  std::string Object() const { return "{" + text_ + "}"; }
  std::string Array() const { return "[" + text_ + "]"; }

 private:
  const char* separator_;
  std::string text_;
};

std::string TextArray(const std::vector<std::string>& texts) {
  Sequence array;
  for (const auto& text : texts) array.Text("", text);
  return array.Array();
}

std::string IdMap(const std::vector<IdRange>& map) {
  Sequence array;
  for (const auto& [inside, outside, count] : map) {
    array.Raw("", Sequence()
                      .Number("inside", inside)
                      .Number("outside", outside)
                      .Number("count", count)
                      .Object());
  }
  return array.Array();
}

std::string Namespaces(const Facts& facts) {
  Sequence all;
  for (const auto& one : facts.namespaces) {
    Sequence fields;
    fields.Text("id", one.id);
    if (!one.initial.empty()) fields.Bool("initial", one.initial == "yes");
    all.Raw(one.name, fields.Object());
  }
  return all.Object();
}

std::string AllCapabilities(const Facts& facts) {
  Sequence sets;
  for (const auto& [name, bits] : facts.capabilities) {
    sets.Raw(name, TextArray(CapabilityNames(bits)));
  }
  return sets.Object();
}

std::string Seccomp(const Facts& facts) {
  Sequence fields;
  fields.Text("mode", facts.seccomp);
  if (facts.filters >= 0) fields.Number("filters", facts.filters);
  fields.Bool("no_new_privs", facts.no_new_privs);
  return fields.Object();
}

std::string Call(const Probed& one) {
  Sequence fields;
  fields.Number("number", one.number)
      .Text("name", SyscallName(one.number))
      .Text("class", ClassName(one.finding.kind));
  if (one.finding.kind == Class::kErrno) {
    fields.Text("errno", ErrnoName(one.finding.error));
  }
  fields.Text("answer", AnswerName(one.seen.call));
  if (!one.finding.why.empty()) fields.Text("why", one.finding.why);
  if (one.finding.why.empty() && !one.seen.why_not_called.empty()) {
    fields.Text("not_called", one.seen.why_not_called);
  }
  return fields.Object();
}

std::string Counts(const Survey& survey) {
  Sequence counts;
  for (const Class kind : kClasses) {
    int n = 0;
    for (const auto& one : survey.calls) n += one.finding.kind == kind ? 1 : 0;
    counts.Number(ClassName(kind), n);
  }
  return counts.Object();
}

std::string Calls(const Survey& survey) {
  Sequence calls(",\n    ");
  for (const auto& one : survey.calls) calls.Raw("", Call(one));
  return "[\n    " + calls.Array().substr(1);
}

}  // namespace

std::string JsonReport(const Facts& facts, const Survey& survey,
                       const std::vector<std::string>& amicontained) {
  Sequence method;
  method.Text("name", survey.method);
  if (!survey.trouble.empty()) method.Text("trouble", survey.trouble);
  Sequence document(",\n  ");
  document.Text("kernel", facts.kernel)
      .Text("machine", facts.machine)
      .Text("runtime", facts.runtime)
      .Raw("namespaces", Namespaces(facts))
      .Raw("uid_map", IdMap(facts.uid_map))
      .Raw("gid_map", IdMap(facts.gid_map))
      .Raw("capabilities", AllCapabilities(facts))
      .Raw("seccomp", Seccomp(facts))
      .Raw("apparmor", facts.apparmor.empty() ? "null" : Quoted(facts.apparmor))
      .Bool("session_leader", facts.session_leader)
      .Raw("method", method.Object())
      .Raw("counts", Counts(survey))
      .Raw("calls", Calls(survey))
      .Raw("beyond", Call(survey.beyond))
      .Raw("amicontained", Sequence()
                               .Raw("blocked", TextArray(amicontained))
                               .Raw("skipped", TextArray(kAmicontainedSkips))
                               .Object());
  return document.Object() + "\n";
}

}  // namespace probe
