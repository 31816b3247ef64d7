// SPDX-License-Identifier: Apache-2.0
#include "runner/report/journal.h"

#include <nlohmann/json.hpp>

#include "runner/report/html.h"
#include "runner/report/junit.h"

namespace lab {
Result<Journal> Journal::Create(const Path& directory, const Path& junit) {
  LAB_CHECK_OK(MakeDirectories(directory));
  Journal journal(directory / "records.jsonl",
                  junit.empty() ? directory / "junit.xml" : junit);
  LAB_CHECK_OK(WriteFile(journal.records(), ""));
  LAB_CHECK_OK(RemoveTree(journal.html()));
  if (const Path parent = journal.junit_.parent_path(); !parent.empty()) {
    LAB_CHECK_OK(MakeDirectories(parent));
  }
  return journal;
}

Status Journal::Write(const nlohmann::json& record) {
  LAB_CHECK_OK(writer_.Write(record));
  return Catch();
}

Status Journal::Catch() {
  LAB_TRY(const auto text, ReadFile(writer_.path()));
  // A line is taken once, whatever comes of it.
  while (true) {
    const auto end = text.find('\n', taken_);
    if (end == std::string::npos) return {};
    const auto line = std::string_view(text).substr(taken_, end + 1 - taken_);
    taken_ = end + 1;
    LAB_TRY(const auto records, ParseRecords(line));
    for (const auto& record : records) LAB_CHECK_OK(state_.Apply(record));
  }
}

Status Journal::SaveJunit() const {
  return WriteFileAtomically(junit_, DeriveJunit(state_, ThisHost()));
}

Status Journal::SaveHtml(const Path& frame) const {
  LAB_TRY(const auto text, ReadFile(frame));
  LAB_TRY(const auto page, DeriveHtml(state_, text));
  return WriteFileAtomically(html(), page);
}

Status Journal::Phase(const std::string& name, const std::string& text) {
  return Write({{"event", "phase-start"}, {"phase", name}, {"text", text}});
}

Status Journal::PhaseEnd(const std::string& name, double seconds,
                         const Status& outcome, const std::string& text) {
  LAB_CHECK_OK(Write({{"event", "phase-end"},
                      {"phase", name},
                      {"ok", outcome.has_value()},
                      {"seconds", seconds},
                      {"text", outcome ? text : outcome.error().what}}));
  return SaveJunit();
}

}  // namespace lab
