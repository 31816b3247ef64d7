// SPDX-License-Identifier: Apache-2.0
#include "runner/report/junit.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <pugixml.hpp>
#include <sstream>
#include <string_view>

#include "runner/base/text.h"
#include "runner/report/cut.h"

namespace lab {
namespace {

// Readers keep about this much of an attribute and of a text: testgrid cuts
// texts at 10 000 characters.
constexpr std::size_t kMessageBytes = 200;
constexpr std::size_t kTextBytes = 10'000;

std::string Seconds(double seconds) {
  return fmt::format("{:.3f}", std::max(seconds, 0.0));
}

void Attribute(pugi::xml_node node, const char* name,
               const std::string& value) {
  node.append_attribute(name).set_value(value.c_str());
}

void Text(pugi::xml_node node, const std::string& text) {
  node.text().set(text.c_str());
}

pugi::xml_node AddOutcome(pugi::xml_node testcase, const char* element,
                          const std::string& type, const std::string& message) {
  auto outcome = testcase.append_child(element);
  Attribute(outcome, "type", type);
  const std::string printable = Printable(message);
  Attribute(outcome, "message", std::string(Cut(printable, kMessageBytes)));
  return outcome;
}

pugi::xml_node AddTestcase(pugi::xml_node suite, const std::string& classname,
                           const std::string& name, double seconds) {
  auto testcase = suite.append_child("testcase");
  Attribute(testcase, "classname", Printable(classname));
  Attribute(testcase, "name", Printable(name));
  Attribute(testcase, "time", Seconds(seconds));
  return testcase;
}

// "token: sentence", which is the shape that people search for.
std::string WithToken(const std::string& reason) {
  const auto colon = reason.find(": ");
  const bool has_token = colon != std::string::npos && colon > 0 &&
                         reason.find_first_of(" \t\n") > colon;
  if (has_token) return reason;
  return "skipped: " + (reason.empty() ? "no reason was given" : reason);
}

std::string Explanation(const CaseState& c) {
  std::string text;
  for (const auto& check : c.failed_checks) {
    if (!check.file.empty()) {
      text += fmt::format("{}:{}: ", check.file, check.line);
    }
    text += check.text + "\n";
  }
  if (!c.reason.empty()) text += c.reason + "\n";
  return Capped(Printable(text), kTextBytes);
}

void AddExplained(pugi::xml_node testcase, const RunState& run,
                  const CaseState& c, const char* element,
                  const std::string& type, const std::string& message) {
  auto outcome = AddOutcome(testcase, element, type, message);
  auto text = Explanation(c);
  if (!text.empty() && text.back() != '\n') text += '\n';
  Text(outcome, text + "reproduce: " + Printable(run.Reproduce(c.id)));
}

std::string HeadlineOr(const CaseState& c, const std::string& otherwise) {
  const auto headline = c.Headline();
  return headline.empty() ? otherwise : headline;
}

void AddVerdict(pugi::xml_node testcase, const RunState& run,
                const CaseState& c) {
  if (!c.verdict) {
    AddExplained(testcase, run, c, "error", "not-finished",
                 "the run ended before this case did");
    return;
  }
  switch (*c.verdict) {
    case Verdict::kPass:
      return;
    case Verdict::kFail:
      AddExplained(testcase, run, c, "failure", "fail",
                   HeadlineOr(c, "no check said why"));
      return;
    case Verdict::kError:
      AddExplained(testcase, run, c, "error", "error",
                   HeadlineOr(c, "nothing said why"));
      return;
    case Verdict::kFixed:
      AddExplained(testcase, run, c, "failure", "fixed",
                   HeadlineOr(c, "passed, but is listed as a known issue"));
      return;
    case Verdict::kSkip:
      AddOutcome(testcase, "skipped", "skip", WithToken(c.reason));
      return;
    case Verdict::kKnown:
      AddExplained(testcase, run, c, "skipped", "known",
                   "known-issue: " + HeadlineOr(c, "nothing said why"));
      return;
  }
}

void AddEvidence(pugi::xml_node testcase, const CaseState& c) {
  std::string text;
  if (!c.node.empty()) text += "node: " + c.node + "\n";
  for (const auto& evidence : c.evidence) {
    // One line each, whatever the text.
    text += ReplaceAll(evidence.kind + ": " + evidence.text, "\n", " | ");
    text += '\n';
  }
  if (text.empty()) return;
  Text(testcase.append_child("system-out"),
       Capped(Printable(text), kTextBytes));
}

// `run_name` is empty where the document has one run only.
std::string Named(const std::string& what, const std::string& run_name) {
  return run_name.empty() ? what : fmt::format("{} [{}]", what, run_name);
}

double AddCase(pugi::xml_node suite, const NamedRun& named,
               const CaseState& c) {
  const RunState& run = named.run;
  const auto [group, name] = SplitCaseId(c.id);
  const double seconds = c.running() ? run.last_t - c.started_at : c.seconds;
  auto testcase = AddTestcase(suite, group.empty() ? run.suite : group,
                              Named(name, named.name), seconds);
  AddVerdict(testcase, run, c);
  AddEvidence(testcase, c);
  return seconds;
}

void AddPhase(pugi::xml_node suite, const std::string& run_name,
              const PhaseState& phase) {
  auto testcase =
      AddTestcase(suite, "lab", Named(phase.name, run_name), phase.seconds);
  if (!phase.ok) {
    AddOutcome(testcase, "error", "not-finished",
               "the run ended before this phase did");
  } else if (!*phase.ok) {
    const auto message = phase.text.substr(0, phase.text.find('\n'));
    Text(AddOutcome(testcase, "error", "phase", message),
         Capped(Printable(phase.text), kTextBytes));
  }
}

std::size_t CountWith(pugi::xml_node suite, const char* outcome) {
  const auto cases = suite.children("testcase");
  return static_cast<std::size_t>(
      std::count_if(cases.begin(), cases.end(), [&](pugi::xml_node testcase) {
        return !testcase.child(outcome).empty();
      }));
}

struct Counts {
  std::size_t tests = 0;
  std::size_t failures = 0;
  std::size_t errors = 0;
};

void AddCounts(pugi::xml_node node, const Counts& counts) {
  Attribute(node, "tests", std::to_string(counts.tests));
  Attribute(node, "failures", std::to_string(counts.failures));
  Attribute(node, "errors", std::to_string(counts.errors));
}

// Counted from the elements themselves, so that the numbers cannot disagree
// with them.
Counts FinishSuite(pugi::xml_node suite, double seconds) {
  const auto cases = suite.children("testcase");
  const Counts counts = {
      static_cast<std::size_t>(std::distance(cases.begin(), cases.end())),
      CountWith(suite, "failure"), CountWith(suite, "error")};
  AddCounts(suite, counts);
  Attribute(suite, "skipped", std::to_string(CountWith(suite, "skipped")));
  Attribute(suite, "time", Seconds(seconds));
  return counts;
}

// Readers want this form and no other; a time in another form is left out.
bool IsTimestamp(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; },
      '0');
  return text == "0000-00-00T00:00:00";
}

pugi::xml_node AddSuite(pugi::xml_node root, const std::string& name,
                        const RunState& run, const std::string& hostname) {
  auto suite = root.append_child("testsuite");
  Attribute(suite, "name", Printable(name));
  Attribute(suite, "hostname", Printable(hostname));
  if (IsTimestamp(run.started)) Attribute(suite, "timestamp", run.started);
  return suite;
}

void AddProperties(pugi::xml_node suite, const RunState& run) {
  auto properties = suite.append_child("properties");
  const auto add = [&](const std::string& name, const std::string& value) {
    auto property = properties.append_child("property");
    Attribute(property, "name", Printable(name));
    Attribute(property, "value", Printable(value));
  };
  add("run-id", run.id);
  for (const auto& [name, value] : run.facts) add(name, value);
}

Counts AddLabSuite(pugi::xml_node root, const NamedRun& named,
                   const std::string& hostname) {
  auto suite = AddSuite(root, Named("lab", named.name), named.run, hostname);
  double seconds = 0;
  for (const auto& phase : named.run.phases) {
    AddPhase(suite, named.name, phase);
    seconds += phase.seconds;
  }
  return FinishSuite(suite, seconds);
}

Counts AddCaseSuite(pugi::xml_node root, const NamedRun& named,
                    const std::string& hostname) {
  const RunState& run = named.run;
  auto suite = AddSuite(root, Named(run.suite, named.name), run, hostname);
  AddProperties(suite, run);
  double seconds = 0;
  for (const auto& c : run.cases) seconds += AddCase(suite, named, c);
  return FinishSuite(suite, seconds);
}

}  // namespace

std::string DeriveJunit(const std::vector<NamedRun>& runs,
                        const std::string& title, const std::string& hostname) {
  pugi::xml_document document;
  auto declaration = document.append_child(pugi::node_declaration);
  Attribute(declaration, "version", "1.0");
  Attribute(declaration, "encoding", "UTF-8");
  auto root = document.append_child("testsuites");
  Attribute(root, "name", Printable(title));
  Counts all;
  double seconds = 0;
  for (const auto& named : runs) {
    for (const auto& add : {AddLabSuite, AddCaseSuite}) {
      const Counts counts = add(root, named, hostname);
      all.tests += counts.tests;
      all.failures += counts.failures;
      all.errors += counts.errors;
    }
    seconds += named.run.Seconds();
  }
  AddCounts(root, all);
  Attribute(root, "time", Seconds(seconds));
  std::ostringstream out;
  document.save(out, "  ", pugi::format_indent, pugi::encoding_utf8);
  return out.str();
}

std::string DeriveJunit(const RunState& run, const std::string& hostname) {
  return DeriveJunit({{"", run}}, run.suite, hostname);
}

std::string ThisHost() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

}  // namespace lab
