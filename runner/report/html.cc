// SPDX-License-Identifier: Apache-2.0
#include "runner/report/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "runner/base/text.h"
#include "runner/base/version.h"
#include "runner/report/cut.h"
#include "runner/report/page.h"
#include "runner/report/summary.h"

namespace lab {
namespace {

using Node = pugi::xml_node;

// A case is to be read, and a page of them to be loaded by a phone.
constexpr std::size_t kTextBytes = 4000;
constexpr std::size_t kHeadlineBytes = 300;
constexpr std::size_t kTextsOfACase = 40;
// More of them than this are shown closed, each with its headline.
constexpr std::size_t kMostOpen = 20;

struct Group {
  const char* heading;
  std::optional<Verdict> verdict;  ///< none: the case has no end
  const char* meaning;
  const char* count;  ///< what stands behind the number in the totals
};

constexpr Group kGroups[] = {
    {"Failed", Verdict::kFail, "The system disagreed with the claim.",
     "failed"},
    {"In error", Verdict::kError, "The lab could not find out.", "in error"},
    {"Not finished", std::nullopt, "The run ended before these cases did.",
     "not finished"},
    {"Fixed", Verdict::kFixed, "Passed, though listed as a known issue.",
     "fixed"},
    {"Known", Verdict::kKnown, "Failed, and is listed as a known issue.",
     "known"},
    {"Skipped", Verdict::kSkip, "Something that is needed is absent.",
     "skipped"},
    {"Passed", Verdict::kPass, "The claim held, and so did its control.",
     "passed"},
};

struct Fact {
  const char* name;
  const char* label;
};

// What people ask for first, in this order.
constexpr Fact kFacts[] = {
    {"lab", "Lab"},
    {"kubernetes", "Kubernetes"},
    {"kubelet", "kubelet"},
    {"runtime", "Container runtime"},
    {"default-runtime", "OCI runtime"},
    {"crun", "crun"},
    {"runc", "runc"},
    {"libseccomp", "libseccomp of runc"},
    {"os", "Node system"},
    {"kernel", "Kernel"},
    {"lsm", "Security modules"},
    {"apparmor", "AppArmor enabled"},
    {"apparmor-features", "AppArmor features"},
    {"apparmor-parser", "AppArmor parser"},
    {"accelerator", "Accelerator"},
    {"accelerator.reason", "Accelerator, why"},
    {"engine", "Container engine"},
    {"kind", "kind"},
    {"node-image", "Node image"},
    {"sabotage", "Sabotage"},
};

bool IsBadEnd(std::optional<Verdict> verdict) {
  return !verdict || IsBad(*verdict);
}

// Whether a case that ended so has something to explain.
bool IsExplained(std::optional<Verdict> verdict) {
  return IsBadEnd(verdict) || verdict == Verdict::kKnown;
}

std::string FactOf(const RunState& run, const std::string& name) {
  const auto fact = run.facts.find(name);
  if (fact == run.facts.end()) return "";
  if (fact->second != "mixed") return fact->second;
  // Nodes differ: the fact NODE.name of each.
  std::vector<std::string> values;
  for (const auto& [key, value] : run.facts) {
    if (!key.ends_with("." + name)) continue;
    values.push_back(key.substr(0, key.size() - name.size() - 1) + ": " +
                     value);
  }
  return values.empty() ? fact->second : Join(values, "\n");
}

std::string Counted(std::size_t count, const char* what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

// A table with these heads; its body.
Node AddTable(Node parent, const char* css,
              std::initializer_list<const char*> heads) {
  auto table = Add(parent, "table", css);
  auto row = Add(Add(table, "thead", ""), "tr", "");
  for (const char* head : heads) {
    SetAttribute(Add(row, "th", "", head), "scope", "col");
  }
  return Add(table, "tbody", "");
}

// A command to copy.
void AddCommand(Node parent, const char* label, const std::string& command) {
  auto line = Add(parent, "p", "command");
  Add(line, "span", "label", label);
  AddText(line, " ");
  Add(line, "code", "", command);
}

void AddPreformatted(Node parent, std::string_view text) {
  Add(parent, "pre", "", Capped(PageText(text), kTextBytes));
}

void AddPair(Node list, std::string_view name, std::string_view value) {
  auto pair = Add(list, "div", "");
  Add(pair, "dt", "", name);
  Add(pair, "dd", "", value);
}

// --- the head

void AddTotals(Node header, const RunState& run) {
  auto nav = Add(header, "nav", "totals");
  SetAttribute(nav, "aria-label", "Totals, and where to find them");
  for (const auto& group : kGroups) {
    const auto count =
        group.verdict ? run.Count(*group.verdict) : run.CountUnfinished();
    if (count == 0) continue;
    auto link =
        AddLink(nav, CssOf(group.verdict), "#" + CssOf(group.verdict), "");
    Add(link, "b", "", std::to_string(count));
    AddText(link, std::string(" ") + group.count);
  }
  AddLink(nav, "plain", "#lab", "Lab");
  AddLink(nav, "plain", "#statements", "Statements");
}

std::string ExitText(const RunState& run) {
  if (!run.end) return "none: the run goes on or was killed";
  auto text = std::to_string(run.end->exit);
  if (run.end->interrupted != 0) {
    text += fmt::format(", interrupted by signal {}", run.end->interrupted);
  }
  return text;
}

void AddHeader(Node body, const RunState& run) {
  auto header = Add(body, "header", "");
  Add(header, "h1", "", run.suite + " suite");
  Add(header, "p", "outcome " + OutcomeCss(StyleOf(run)),
      CountsText(run) + " in " + HumanSeconds(run.Seconds()));
  AddTotals(header, run);
  auto list = Add(header, "dl", "pairs");
  AddPair(list, "Run", run.id);
  AddPair(list, "Started", run.started + " UTC");
  AddPair(list, "Exit status", ExitText(run));
  AddPair(list, "Runner", run.version);
  const auto kubernetes = FactOf(run, "kubernetes");
  if (!kubernetes.empty()) {
    AddPair(list, "Lab",
            fmt::format("{}, Kubernetes {}", FactOf(run, "lab"), kubernetes));
  }
  AddCommand(header, "Run again:", run.Repeat());
}

// --- the lab

void AddFailedPhases(Node main, const RunState& run) {
  Node section;
  for (const auto& phase : run.phases) {
    if (phase.ok.value_or(false)) continue;
    if (!section) section = AddSection(main, "lab-failed", "The lab failed");
    Add(section, "h3", "", phase.name);
    AddPreformatted(section, phase.ok ? phase.text : "did not end");
  }
}

void AddSteps(Node section, const RunState& run) {
  if (run.phases.empty()) return;
  Add(section, "h3", "", "Steps");
  auto rows = AddTable(section, "steps", {"step", "took", "came to"});
  for (const auto& phase : run.phases) {
    auto row = Add(rows, "tr", "");
    SetAttribute(Add(row, "th", "", phase.name), "scope", "row");
    Add(row, "td", "number", phase.ok ? HumanSeconds(phase.seconds) : "");
    Add(row, "td", phase.ok.value_or(false) ? "pass" : "fail",
        !phase.ok   ? "did not end"
        : *phase.ok ? phase.text
                    : "failed");
  }
}

void AddAllFacts(Node section, const RunState& run) {
  if (run.facts.empty()) return;
  auto details = Add(section, "details", "");
  Add(details, "summary", "",
      fmt::format("All facts, node by node ({})", run.facts.size()));
  auto rows = Add(Add(details, "table", "facts"), "tbody", "");
  for (const auto& [name, value] : run.facts) {
    auto row = Add(rows, "tr", "");
    SetAttribute(Add(row, "th", "", name), "scope", "row");
    Add(row, "td", "", Capped(PageText(value), kTextBytes));
  }
}

void AddLab(Node main, const RunState& run) {
  auto section = AddSection(main, "lab", "Lab");
  Add(section, "p", "meaning",
      run.facts.contains("kernel") ? "As measured, not as asked for."
                                   : "Nothing was measured.");
  auto list = Add(section, "dl", "pairs");
  for (const auto& [name, label] : kFacts) {
    const auto value = FactOf(run, name);
    if (!value.empty()) AddPair(list, label, Capped(value, kTextBytes));
  }
  AddSteps(section, run);
  AddAllFacts(section, run);
}

// --- cases

// What the catalog expects of the Kubernetes that ran; all of it, with its
// versions, if that is not known.
std::vector<std::string> ExpectedOf(const RunState& run, const CaseState& c) {
  const auto fact = run.facts.find("kubernetes");
  const auto version = Version::In(fact == run.facts.end() ? "" : fact->second);
  std::vector<std::string> expected;
  for (const auto& one : c.expect) {
    const auto range = VersionRange::Parse(one.kubernetes);
    if (!version || !range) {
      expected.push_back(
          fmt::format("Kubernetes {}: {}", one.kubernetes, one.text));
    } else if (range->Contains(*version)) {
      expected.push_back(one.text);
    }
  }
  return expected;
}

void AddExpected(Node parent, const RunState& run, const CaseState& c) {
  const auto expected = ExpectedOf(run, c);
  if (expected.empty()) return;
  Add(parent, "h4", "", "Expected");
  auto list = Add(parent, "ul", "");
  for (const auto& text : expected) Add(list, "li", "", text);
}

std::string MoreInRecords(std::size_t count) {
  return fmt::format("{} more in records.jsonl", count);
}

// The text of a check below its headline, which repeats how the text begins;
// the headline itself if it is all there is.
std::string_view WithoutHeadline(std::string_view text) {
  const auto newline = text.find('\n');
  return newline == std::string_view::npos ? text : text.substr(newline + 1);
}

void AddSeen(Node parent, const CaseState& c) {
  if (c.failed_checks.empty() && c.reason.empty()) return;
  Add(parent, "h4", "", "Seen");
  for (std::size_t i = 0; i < c.failed_checks.size(); ++i) {
    if (i == kTextsOfACase) {
      Add(parent, "p", "", MoreInRecords(c.failed_checks.size() - i));
      break;
    }
    const auto& check = c.failed_checks[i];
    AddPreformatted(parent, WithoutHeadline(check.text));
    if (check.file.empty()) continue;
    Add(parent, "p", "place", fmt::format("{}:{}", check.file, check.line));
  }
  // Of a failed check the reason is the headline.
  const bool said = !c.failed_checks.empty() &&
                    c.failed_checks.front().text.starts_with(c.reason);
  if (!said) AddPreformatted(parent, c.reason);
}

void AddEvidence(Node parent, const CaseState& c) {
  if (c.evidence.empty()) return;
  Add(parent, "h4", "", "Evidence");
  auto rows = Add(Add(parent, "table", "evidence"), "tbody", "");
  for (std::size_t i = 0; i < c.evidence.size(); ++i) {
    auto row = Add(rows, "tr", "");
    auto head = Add(row, "th", "");
    SetAttribute(head, "scope", "row");
    auto cell = Add(row, "td", "");
    if (i == kTextsOfACase) {
      AddText(cell, MoreInRecords(c.evidence.size() - i));
      break;
    }
    AddText(head, c.evidence[i].kind);
    AddPreformatted(cell, c.evidence[i].text);
  }
}

void AddStatementsOf(Node parent, const CaseState& c) {
  if (c.statements.empty()) return;
  Add(parent, "h4", "", "Statements of the documents");
  auto list = Add(parent, "ul", "");
  for (const auto& one : c.statements) {
    auto item = Add(list, "li", "");
    Add(item, "b", "", one.id);
    AddText(item, fmt::format(" {} ({})", one.text, one.document));
  }
}

std::string WordOfEnd(const CaseState& c) {
  if (c.verdict) return WordOf(*c.verdict);
  return c.started ? "DID NOT END" : "NOT STARTED";
}

double SecondsOf(const RunState& run, const CaseState& c) {
  return c.running() ? run.last_t - c.started_at : c.seconds;
}

void AddCase(Node section, const RunState& run, const CaseState& c, bool open) {
  auto details = Add(section, "details", "case");
  SetAttribute(details, "id", AnchorOf(c.id));
  if (open) SetAttribute(details, "open", "open");

  auto summary = Add(details, "summary", "");
  Add(summary, "span", "word " + CssOf(c.verdict), WordOfEnd(c));
  AddText(summary, " ");
  Add(summary, "h3", "", c.id);
  AddText(summary, " ");
  Add(summary, "span", "number", HumanSeconds(SecondsOf(run, c)));
  if (!c.claim.empty()) Add(summary, "span", "claim", c.claim);
  const bool explained = IsExplained(c.verdict);
  const bool passed = c.verdict == Verdict::kPass;
  if (const auto why = c.Headline(); !passed && !why.empty()) {
    // An open case says it again, as a whole.
    Add(summary, "span", explained ? "why again" : "why",
        Cut(PageText(why), kHeadlineBytes));
  }

  auto body = Add(details, "div", "body");
  AddExpected(body, run, c);
  if (explained) AddSeen(body, c);
  AddEvidence(body, c);
  AddStatementsOf(body, c);
  AddCommand(body, "Reproduce:", run.Reproduce(c.id));
  auto where = Add(body, "p", "place", c.node.empty() ? "" : "Node " + c.node);
  if (!c.started) return;
  AddText(where, c.node.empty() ? "" : ", ");
  AddLink(where, "", HrefTo("cases/" + SplitCaseId(c.id).name + ".log"),
          "log of the case");
}

void AddGroup(Node main, const RunState& run, const Group& group) {
  std::vector<const CaseState*> cases;
  for (const auto& c : run.cases) {
    if (c.verdict == group.verdict) cases.push_back(&c);
  }
  if (cases.empty()) return;
  std::sort(cases.begin(), cases.end(),
            [](const auto* a, const auto* b) { return a->id < b->id; });
  auto section =
      AddSection(main, CssOf(group.verdict),
                 fmt::format("{} ({})", group.heading, cases.size()));
  Add(section, "p", "meaning", group.meaning);
  const bool open = IsBadEnd(group.verdict) && cases.size() <= kMostOpen;
  for (const auto* c : cases) AddCase(section, run, *c, open);
}

// --- statements

// S0-9 before S0-10.
struct ByNumber {
  bool operator()(const std::string& a, const std::string& b) const {
    return ::strverscmp(a.c_str(), b.c_str()) < 0;
  }
};

struct TestedBy {
  const TestedStatement* statement;
  std::vector<const CaseState*> cases;
};

void AddStatements(Node main, const RunState& run) {
  std::map<std::string, TestedBy, ByNumber> statements;
  std::set<std::string> documents;
  for (const auto& c : run.cases) {
    for (const auto& one : c.statements) {
      auto& tested = statements[one.id];
      tested.statement = &one;
      tested.cases.push_back(&c);
      documents.insert(one.document);
    }
  }
  auto section = AddSection(main, "statements", "Statements of the documents");
  auto meaning = Add(section, "p", "meaning",
                     fmt::format("Put to the test: {} of {}. ",
                                 Counted(statements.size(), "statement"),
                                 Counted(documents.size(), "document")));
  Add(meaning, "code", "", "runner list --coverage");
  AddText(meaning, " shows all that there are.");
  if (statements.empty()) return;
  auto details = Add(section, "details", "");
  Add(details, "summary", "", "Which, and by what");
  auto rows = AddTable(details, "statements", {"id", "statement", "cases"});
  for (const auto& [id, tested] : statements) {
    auto row = Add(rows, "tr", "");
    SetAttribute(Add(row, "th", "", id), "scope", "row");
    auto text = Add(row, "td", "", tested.statement->text);
    Add(text, "span", "place", tested.statement->document);
    auto cases = Add(row, "td", "");
    for (const auto* c : tested.cases) {
      auto line = Add(cases, "div", "");
      Add(line, "span", "word " + CssOf(c->verdict), WordOfEnd(*c));
      AddText(line, " ");
      AddLink(line, "", "#" + HrefTo(AnchorOf(c->id)), c->id);
    }
  }
}

void AddFooter(Node body) {
  auto footer = Add(body, "footer", "");
  auto text = Add(footer, "p", "", "Derived from ");
  AddLink(text, "", "records.jsonl", "records.jsonl");
  AddText(text, ", which holds all of it.");
}

}  // namespace

std::string CssOf(std::optional<Verdict> verdict) {
  return verdict ? std::string(ToString(*verdict)) : "unfinished";
}

std::string OutcomeCss(Style style) {
  return style == Style::kGood  ? "pass"
         : style == Style::kBad ? "fail"
                                : "skip";
}

std::string AnchorOf(const std::string& case_id) {
  return "case-" + ReplaceAll(OneLine(case_id), " ", "_");
}

Result<std::string> DeriveHtml(const RunState& run, std::string_view frame) {
  Page page(fmt::format("{}: {}", run.suite, CountsText(run)));
  AddHeader(page.body(), run);
  auto main = Add(page.body(), "main", "");
  AddFailedPhases(main, run);
  for (const auto& group : kGroups) AddGroup(main, run, group);
  AddLab(main, run);
  AddStatements(main, run);
  AddFooter(page.body());
  return page.In(frame);
}

}  // namespace lab
