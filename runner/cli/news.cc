// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/news.h"

#include <poll.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "runner/base/stop.h"

namespace lab {
namespace {

using nlohmann::json;

// Passes one line of news on; true when it is the last.
bool PassOn(const json& news, Progress& progress, Status& outcome) {
  const std::string what = news.value("news", "");
  const std::string task = news.value("task", "");
  const std::string text = news.value("text", "");
  if (what == "begin") progress.Begin(task, text);
  if (what == "update") progress.Update(task, text);
  if (what == "end") progress.End(task, news.value("ok", false), text);
  if (what == "note") progress.Note(text);
  if (what == "done") outcome = Status();
  if (what == "failed") {
    outcome = Error{text, static_cast<ErrorKind>(news.value("kind", 0))};
  }
  return what == "done" || what == "failed";
}

}  // namespace

void NewsWriter::Begin(const std::string& task, const std::string& text) {
  Tell({{"news", "begin"}, {"task", task}, {"text", text}});
}

void NewsWriter::Update(const std::string& task, const std::string& text) {
  Tell({{"news", "update"}, {"task", task}, {"text", text}});
}

void NewsWriter::End(const std::string& task, bool ok,
                     const std::string& text) {
  Tell({{"news", "end"}, {"task", task}, {"ok", ok}, {"text", text}});
}

void NewsWriter::Note(const std::string& text) {
  Tell({{"news", "note"}, {"text", text}});
}

void NewsWriter::Done() { Tell({{"news", "done"}}); }

void NewsWriter::Failed(const Error& error) {
  Tell({{"news", "failed"},
        {"text", error.what},
        {"kind", static_cast<int>(error.kind)}});
}

void NewsWriter::Tell(const json& news) {
  const std::lock_guard lock(mutex_);
  const std::string line =
      news.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  if (fd_ >= 0 && ::write(fd_, line.data(), line.size()) < 0) fd_ = -1;
}

Status FollowNews(int fd, Progress& progress) {
  std::string text;
  Status outcome = Error{"the keeper of the lab ended without a word"};
  while (true) {
    pollfd fds[] = {{fd, POLLIN, 0}, {stop::Fd(), POLLIN, 0}};
    ::poll(fds, 2, -1);
    if (fds[1].revents != 0) {
      return Error{"interrupted", ErrorKind::kInterrupted};
    }
    char buffer[4096];
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n <= 0) return outcome;
    text.append(buffer, static_cast<std::size_t>(n));
    for (auto end = text.find('\n'); end != std::string::npos;
         end = text.find('\n')) {
      const auto news = json::parse(text.substr(0, end), nullptr, false);
      text.erase(0, end + 1);
      if (news.is_object() && PassOn(news, progress, outcome)) return outcome;
    }
  }
}

}  // namespace lab
