// SPDX-License-Identifier: Apache-2.0
#include "runner/report/record.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <system_error>

#include "runner/base/clock.h"
#include "runner/base/text.h"

namespace lab {
namespace {

using nlohmann::json;

CaseState& CaseOf(RunState& run, const std::string& id) {
  for (auto& known : run.cases) {
    if (known.id == id) return known;
  }
  auto& added = run.cases.emplace_back();
  added.id = id;
  return added;
}

Result<Verdict> VerdictOf(const json& record) {
  const auto text = record.at("verdict").get<std::string>();
  if (const auto verdict = VerdictFrom(text)) return *verdict;
  return Error{fmt::format("unknown verdict '{}'", text)};
}

// The functions below read every field before they change the state.

Status ApplyRun(const json& record, RunState& run) {
  auto id = record.at("id").get<std::string>();
  auto suite = record.at("suite").get<std::string>();
  auto started = record.at("started").get<std::string>();
  auto version = record.value("version", "");
  auto argv = record.value("argv", std::vector<std::string>());
  const auto cases = record.at("cases").get<std::vector<std::string>>();
  run.id = std::move(id);
  run.suite = std::move(suite);
  run.started = std::move(started);
  run.version = std::move(version);
  run.argv = std::move(argv);
  for (const auto& case_id : cases) CaseOf(run, case_id);
  return {};
}

Status ApplyClaim(const json& record, RunState& run) {
  const auto id = record.at("id").get<std::string>();
  auto claim = record.at("text").get<std::string>();
  std::vector<Expectation> expect;
  for (const auto& one : record.value("expect", json::array())) {
    expect.push_back({one.at("kubernetes").get<std::string>(),
                      one.at("text").get<std::string>()});
  }
  std::vector<TestedStatement> statements;
  for (const auto& one : record.value("statements", json::array())) {
    statements.push_back({one.at("id").get<std::string>(),
                          one.at("document").get<std::string>(),
                          one.at("text").get<std::string>()});
  }
  auto& c = CaseOf(run, id);
  c.claim = std::move(claim);
  c.expect = std::move(expect);
  c.statements = std::move(statements);
  return {};
}

Status ApplyFacts(const json& record, RunState& run) {
  auto facts = record.at("facts").get<std::map<std::string, std::string>>();
  for (auto& [name, value] : facts) run.facts[name] = std::move(value);
  return {};
}

Status ApplyPhaseStart(const json& record, RunState& run) {
  run.phases.push_back({record.at("phase").get<std::string>(),
                        record.value("text", ""), std::nullopt, 0});
  return {};
}

Status ApplyPhaseEnd(const json& record, RunState& run) {
  PhaseState ended = {record.at("phase").get<std::string>(),
                      record.value("text", ""), record.at("ok").get<bool>(),
                      record.at("seconds").get<double>()};
  const auto open = std::find_if(run.phases.begin(), run.phases.end(),
                                 [&](const PhaseState& phase) {
                                   return phase.name == ended.name && !phase.ok;
                                 });
  if (open == run.phases.end()) {
    run.phases.push_back(std::move(ended));
  } else {
    *open = std::move(ended);
  }
  return {};
}

Status ApplyCaseStart(const json& record, RunState& run) {
  const auto id = record.at("id").get<std::string>();
  auto node = record.value("node", "");
  const auto at = record.at("t").get<double>();
  auto& started = CaseOf(run, id);
  started.started = true;
  started.verdict.reset();
  started.node = std::move(node);
  started.started_at = at;
  return {};
}

Status ApplyEvidence(const json& record, RunState& run) {
  const auto id = record.at("id").get<std::string>();
  Evidence evidence = {record.at("kind").get<std::string>(),
                       record.at("text").get<std::string>()};
  CaseOf(run, id).evidence.push_back(std::move(evidence));
  return {};
}

Status ApplyCheckFailed(const json& record, RunState& run) {
  const auto id = record.at("id").get<std::string>();
  LAB_TRY(const auto verdict, VerdictOf(record));
  FailedCheck check = {verdict, record.at("text").get<std::string>(),
                       record.value("file", ""), record.value("line", 0)};
  CaseOf(run, id).failed_checks.push_back(std::move(check));
  return {};
}

Status ApplyCaseEnd(const json& record, RunState& run) {
  const auto id = record.at("id").get<std::string>();
  LAB_TRY(const auto verdict, VerdictOf(record));
  auto reason = record.value("reason", "");
  const auto seconds = record.at("seconds").get<double>();
  auto& ended = CaseOf(run, id);
  ended.verdict = verdict;
  ended.reason = std::move(reason);
  ended.seconds = seconds;
  return {};
}

Status ApplyRunEnd(const json& record, RunState& run) {
  run.end =
      RunEnd{record.at("exit").get<int>(), record.at("seconds").get<double>(),
             record.value("interrupted", 0)};
  return {};
}

struct Event {
  std::string_view name;
  Status (*apply)(const json& record, RunState& run);
};

constexpr Event kEvents[] = {
    {"run", ApplyRun},
    {"claim", ApplyClaim},
    {"facts", ApplyFacts},
    {"phase-start", ApplyPhaseStart},
    {"phase-end", ApplyPhaseEnd},
    {"case-start", ApplyCaseStart},
    {"evidence", ApplyEvidence},
    {"check-failed", ApplyCheckFailed},
    {"case-end", ApplyCaseEnd},
    {"run-end", ApplyRunEnd},
};

Status ApplyEvent(const json& record, RunState& run) {
  const auto name = record.at("event").get<std::string>();
  const auto t = record.at("t").get<double>();
  const auto event =
      std::find_if(std::begin(kEvents), std::end(kEvents),
                   [&](const Event& known) { return known.name == name; });
  if (event == std::end(kEvents)) {
    return Error{fmt::format("unknown event '{}'", name)};
  }
  LAB_CHECK_OK(event->apply(record, run));
  if (run.first_t == 0) run.first_t = t;
  run.last_t = t;
  return {};
}

std::string FirstLine(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

// Long enough to recognize a record, short enough for a message.
std::string Excerpt(std::string_view line) {
  constexpr std::size_t kMost = 80;
  return Printable(line.substr(0, kMost)) + (line.size() > kMost ? "..." : "");
}

}  // namespace

Status RecordWriter::Write(const json& record) const {
  json stamped = record;
  stamped["t"] = EpochSeconds();
  return AppendLine(
      path_, stamped.dump(-1, ' ', false, json::error_handler_t::replace));
}

Status RecordWriter::DropTornLine() const {
  LAB_TRY(const auto text, ReadFile(path_));
  const auto newline = text.rfind('\n');
  const auto whole = newline == std::string::npos ? 0 : newline + 1;
  if (whole == text.size()) return {};
  std::error_code code;
  std::filesystem::resize_file(path_, whole, code);
  if (!code) return {};
  return Error{fmt::format("cut the torn last line off {}: {}", path_.string(),
                           code.message())};
}

Result<std::vector<json>> ParseRecords(std::string_view text) {
  const bool whole = text.empty() || text.back() == '\n';
  const auto lines = Lines(text);
  std::vector<json> records;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto record = json::parse(lines[i], nullptr, /*allow_exceptions=*/false);
    if (record.is_object()) {
      records.push_back(std::move(record));
    } else if (whole || i + 1 < lines.size()) {
      return Error{fmt::format("parse records: line {} is not a record: {}",
                               i + 1, Excerpt(lines[i]))};
    }
  }
  return records;
}

CaseName SplitCaseId(const std::string& id) {
  const auto dot = id.find('.');
  if (dot == std::string::npos) return {"", id};
  return {id.substr(0, dot), id.substr(dot + 1)};
}

std::string CaseState::Headline() const {
  for (const auto& check : failed_checks) {
    if (check.verdict == verdict) return FirstLine(check.text);
  }
  if (!reason.empty()) return FirstLine(reason);
  if (!failed_checks.empty()) return FirstLine(failed_checks.front().text);
  return "";
}

Status RunState::Apply(const json& record) {
  Status status;
  try {
    status = ApplyEvent(record, *this);
  } catch (const json::exception& e) {
    status = Error{e.what()};
  }
  if (status) return status;
  return status.error().Within(
      "apply record " +
      Excerpt(record.dump(-1, ' ', false, json::error_handler_t::replace)));
}

const CaseState* RunState::Find(const std::string& case_id) const {
  for (const auto& known : cases) {
    if (known.id == case_id) return &known;
  }
  return nullptr;
}

std::size_t RunState::Count(Verdict verdict) const {
  return static_cast<std::size_t>(
      std::count_if(cases.begin(), cases.end(),
                    [&](const CaseState& c) { return c.verdict == verdict; }));
}

std::size_t RunState::CountUnfinished() const {
  return static_cast<std::size_t>(
      std::count_if(cases.begin(), cases.end(),
                    [](const CaseState& c) { return !c.verdict; }));
}

double RunState::Seconds() const {
  return end ? end->seconds : last_t - first_t;
}

std::string RunState::Reproduce(const std::string& case_id) const {
  auto command = ShellQuote({"build/runner", "--suite", suite, "--filter",
                             SplitCaseId(case_id).name});
  const auto options = facts.find("reproduce-options");
  if (options != facts.end() && !options->second.empty()) {
    command += " " + options->second;
  }
  return command;
}

std::string RunState::Repeat() const {
  auto command = argv;
  command.insert(command.begin(), "build/runner");
  return ShellQuote(command);
}

Result<RunState> ReadRun(std::string_view text) {
  LAB_TRY(const auto records, ParseRecords(text));
  RunState run;
  for (const auto& record : records) LAB_CHECK_OK(run.Apply(record));
  return run;
}

}  // namespace lab
