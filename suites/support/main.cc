// SPDX-License-Identifier: Apache-2.0
// main of every suite. Besides GoogleTest's own listeners there are two: one
// writes records, one turns fatal failures into exceptions, so that helpers may
// end a test from any depth.
#include <gtest/gtest.h>

#include <cstdlib>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runner/base/clock.h"
#include "runner/base/files.h"
#include "runner/base/stop.h"
#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "runner/report/record.h"
#include "suites/support/must.h"
#include "suites/support/records.h"

namespace lab::suite {
namespace {

using nlohmann::json;

bool g_next_failure_is_ours = false;
std::string g_case_id;
std::vector<std::function<void()>> g_after_verdict;

void Write(const json& record) {
  const char* path = std::getenv("LAB_RECORDS");
  if (path == nullptr || *path == '\0') {
    // By hand: the person reads along.
    std::printf("%s\n", record.dump().c_str());
    return;
  }
  const auto written = RecordWriter(path).Write(record);
  if (!written) std::fprintf(stderr, "%s\n", written.error().what.c_str());
}

// GoogleTest's message as one line: what is seen first must say it all, as far
// as a person reads a line.
std::string Headline(const std::string& text) {
  constexpr std::size_t kLongest = 600;
  std::vector<std::string> parts;
  for (const auto& line : Lines(text)) {
    if (!Trim(line).empty()) parts.emplace_back(Trim(line));
  }
  const auto line = Join(parts, " ");
  return line.size() <= kLongest ? line : line.substr(0, kLongest) + " ...";
}

std::string RelativeFile(const char* file) {
  std::string path = file != nullptr ? file : "";
  const std::string root = std::string(LAB_SOURCE_DIR) + "/";
  return path.starts_with(root) ? path.substr(root.size()) : path;
}

// Shared by the cases whose verdicts are due, where the runner asks for it.
std::optional<FileLock> g_verdict_due;

Path VerdictsDue() {
  const char* path = std::getenv("LAB_VERDICTS_DUE");
  return path != nullptr ? path : "";
}

void NoteVerdictDue() {
  if (VerdictsDue().empty()) return;
  auto share = FileLock::TryShare(VerdictsDue());
  if (share && share->held()) g_verdict_due.emplace(std::move(*share));
}

// Tidying up costs nodes about as much as a case; it waits for the verdicts of
// the others, but not for one that takes long.
void AwaitOthers() {
  g_verdict_due.reset();
  if (VerdictsDue().empty()) return;
  const auto waited =
      WaitUntil("the verdicts of other cases", Deadline::In(2s), 10ms, [] {
        const auto all = FileLock::TryTake(VerdictsDue());
        return !all || all->held();
      });
  (void)waited.has_value();
}

class Recorder : public testing::EmptyTestEventListener {
 public:
  void OnTestStart(const testing::TestInfo& info) override {
    const char* id = std::getenv("LAB_CASE");
    g_case_id = id != nullptr
                    ? id
                    : std::string(info.test_suite_name()) + "." + info.name();
    verdict_ = "pass";
    reason_.clear();
    watch_ = Stopwatch();
    Write({{"event", "case-start"}, {"id", g_case_id}});
  }

  void OnTestPartResult(const testing::TestPartResult& part) override {
    const std::string text = part.message();
    if (part.skipped()) {
      verdict_ = "skip";
      reason_ = std::string(Trim(text));
      return;
    }
    if (!part.failed()) return;
    const std::string verdict = g_next_failure_is_ours ? "error" : "fail";
    g_next_failure_is_ours = false;
    // The first failure decides: what comes after may be its consequence.
    if (verdict_ == "pass") {
      verdict_ = verdict;
      reason_ = Headline(text);
    }
    Write({{"event", "check-failed"},
           {"id", g_case_id},
           {"verdict", verdict},
           {"text", Headline(text) + "\n" + std::string(Trim(text))},
           {"file", RelativeFile(part.file_name())},
           {"line", part.line_number()}});
  }

  void OnTestEnd(const testing::TestInfo&) override {
    Write({{"event", "case-end"},
           {"id", g_case_id},
           {"verdict", verdict_},
           {"reason", reason_},
           {"seconds", watch_.Seconds()}});
    const auto works = std::exchange(g_after_verdict, {});
    if (!works.empty()) AwaitOthers();
    for (const auto& work : works) work();
  }

 private:
  std::string verdict_;
  std::string reason_;
  Stopwatch watch_;
};

// GoogleTest's docs/advanced.md, "Using a listener to throw". An exception that
// leaves a test body is reported as one more failure; throwing again there
// would end the whole program.
class Thrower : public testing::EmptyTestEventListener {
 public:
  void OnTestPartResult(const testing::TestPartResult& part) override {
    if (part.type() != testing::TestPartResult::kFatalFailure &&
        !part.skipped()) {
      return;
    }
    if (std::uncaught_exceptions() > 0 || std::current_exception()) return;
    throw testing::AssertionException(part);
  }
};

void FailAt(const std::string& text, const std::source_location& where) {
  GTEST_MESSAGE_AT_(where.file_name(), static_cast<int>(where.line()),
                    text.c_str(), testing::TestPartResult::kFatalFailure);
}

}  // namespace

void EndAsError(const Error& error, const std::source_location& where) {
  g_next_failure_is_ours = true;
  FailAt(error.what, where);
  std::abort();  // the Thrower has thrown
}

void EndAsFail(const Error& error, const std::source_location& where) {
  FailAt(error.what, where);
  std::abort();
}

void EndAsSkip(const std::string& reason, const std::source_location& where) {
  GTEST_MESSAGE_AT_(where.file_name(), static_cast<int>(where.line()),
                    reason.c_str(), testing::TestPartResult::kSkip);
  std::abort();
}

std::string CaseId() { return g_case_id; }

void AfterVerdict(std::function<void()> work) {
  g_after_verdict.push_back(std::move(work));
}

void Evidence(Kind kind, const std::string& text) {
  constexpr const char* kNames[] = {"control", "label", "effect", "trace",
                                    "filter",  "api",   "node",   "note"};
  Write({{"event", "evidence"},
         {"id", g_case_id},
         {"kind", kNames[static_cast<int>(kind)]},
         {"text", text}});
}

}  // namespace lab::suite

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const bool only_lists = testing::GTEST_FLAG(list_tests);
  if (!only_lists && std::getenv("LAB_FILE") == nullptr) {
    std::fprintf(stderr,
                 "LAB_FILE must name the lab.json of a lab that is up "
                 "(`runner lab ls --json`); `runner --suite NAME` sets it.\n");
    return 2;
  }
  lab::stop::Install();
  lab::suite::NoteVerdictDue();
  auto& listeners = testing::UnitTest::GetInstance()->listeners();
  listeners.Append(new lab::suite::Recorder);
  listeners.Append(new lab::suite::Thrower);  // must be the last
  return RUN_ALL_TESTS();
}
