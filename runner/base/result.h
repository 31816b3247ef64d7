// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value or an Error. Spelled like std::expected, owned by the
// project so that it may become std::expected one day.
//
//   Result<UniqueFd> Open(const std::string& path);
//   LAB_TRY(auto fd, Open(path));          // returns the error upwards
//   if (auto r = Open(path); !r) return r.error().Within("load profile");
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace lab {

/// What an error means for the exit code (see cli/exit_code.h). Most are
/// kGeneric; the kind survives Within().
enum class ErrorKind {
  kGeneric,      ///< the lab could not find out
  kUsage,        ///< the person asked for something that does not exist
  kProvision,    ///< a component or a lab could not be provided
  kTimeout,      ///< a deadline passed; the text says what was last seen
  kInterrupted,  ///< SIGINT or SIGTERM
};

struct Error {
  std::string what;
  ErrorKind kind = ErrorKind::kGeneric;

  /// The same error with context in front: "context: what".
  Error Within(const std::string& context) const {
    return Error{context + ": " + what, kind};
  }
};

inline Error UsageError(std::string what) {
  return {std::move(what), ErrorKind::kUsage};
}
inline Error ProvisionError(std::string what) {
  return {std::move(what), ErrorKind::kProvision};
}
inline Error TimeoutError(std::string what) {
  return {std::move(what), ErrorKind::kTimeout};
}

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  bool has_value() const { return state_.index() == 0; }

  T& value() & { return std::get<0>(state_); }
  const T& value() const& { return std::get<0>(state_); }
  T&& value() && { return std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const { return std::get<1>(state_); }
  T value_or(T other) const { return has_value() ? value() : other; }

 private:
  std::variant<T, Error> state_;
};

/// Result<void>: success, or an Error.
template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const { return !error_; }
  bool has_value() const { return !error_; }
  const Error& error() const {
    assert(error_);
    return *error_;
  }

 private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace lab

#define LAB_CONCAT_INNER(a, b) a##b
#define LAB_CONCAT(a, b) LAB_CONCAT_INNER(a, b)
#define LAB_TRY_INNER(result, declaration, ...) \
  auto result = (__VA_ARGS__);                  \
  if (!result) return result.error();           \
  declaration = std::move(result).value()

/// LAB_TRY(auto x, expression): x becomes the value, or the caller returns the
/// error.
#define LAB_TRY(declaration, ...) \
  LAB_TRY_INNER(LAB_CONCAT(lab_try_, __LINE__), declaration, __VA_ARGS__)

/// LAB_CHECK_OK(expression): returns the error of a Status upwards.
#define LAB_CHECK_OK(...)                             \
  do {                                                \
    if (auto lab_status = (__VA_ARGS__); !lab_status) \
      return lab_status.error();                      \
  } while (false)
