// SPDX-License-Identifier: Apache-2.0
// Progress from one process to another: JSON lines on a descriptor.
#pragma once

#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "runner/base/progress.h"
#include "runner/base/result.h"

namespace lab {

/// Writes progress; whoever reads it may be gone, which is no matter.
class NewsWriter : public Progress {
 public:
  /// `fd` stays the caller's.
  explicit NewsWriter(int fd) : fd_(fd) {}

  void Begin(const std::string& task, const std::string& text) override;
  void Update(const std::string& task, const std::string& text) override;
  void End(const std::string& task, bool ok, const std::string& text) override;
  void Note(const std::string& text) override;
  /// The last news: it is done.
  void Done();
  /// The last news: why not.
  void Failed(const Error& error);

 private:
  void Tell(const nlohmann::json& news);

  std::mutex mutex_;
  int fd_;
};

/// Shows the news from `fd` until the last; its outcome, or an error of kind
/// kInterrupted when the person interrupts.
Status FollowNews(int fd, Progress& progress);

}  // namespace lab
