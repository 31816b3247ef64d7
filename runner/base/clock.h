// SPDX-License-Identifier: Apache-2.0
// Time: deadlines on the monotonic clock, timestamps in UTC.
#pragma once

#include <chrono>
#include <string>

namespace lab {

using namespace std::chrono_literals;
using Duration = std::chrono::milliseconds;

/// A moment on the monotonic clock after which nobody waits any longer.
class Deadline {
 public:
  static Deadline In(Duration d) {
    return Deadline(std::chrono::steady_clock::now() + d);
  }
  /// What is left, never negative.
  Duration Left() const {
    const auto left = std::chrono::duration_cast<Duration>(
        at_ - std::chrono::steady_clock::now());
    return left > Duration::zero() ? left : Duration::zero();
  }
  bool Passed() const { return Left() == Duration::zero(); }

 private:
  explicit Deadline(std::chrono::steady_clock::time_point at) : at_(at) {}
  std::chrono::steady_clock::time_point at_;
};

/// Seconds since construction.
class Stopwatch {
 public:
  double Seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() -
                                         start_)
        .count();
  }

 private:
  std::chrono::steady_clock::time_point start_ =
      std::chrono::steady_clock::now();
};

/// "2026-05-04T03:02:01", UTC; the form that JUnit consumers accept.
std::string TimestampUtc();
/// Seconds since the epoch, for records.
double EpochSeconds();

}  // namespace lab
