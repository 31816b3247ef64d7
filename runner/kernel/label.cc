// SPDX-License-Identifier: Apache-2.0
#include "runner/kernel/label.h"

#include <fmt/format.h>
#include <sys/apparmor.h>

#include <algorithm>

#include "runner/base/text.h"

namespace lab {
namespace {

constexpr std::string_view kUnconfined = "unconfined";
constexpr std::string_view kStacked = "//&";

bool IsMode(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || c == '_' || c == '-';
  });
}

bool HasControlCharacter(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

// Takes "name", ":ns:name" or ":ns://name" off `text`, up to the next "//&";
// the kernel reads both forms of namespace, and writes both.
std::optional<LabelComponent> TakeComponent(std::string_view& text) {
  LabelComponent component;
  if (text.starts_with(':')) {
    const auto colon = text.find(':', 1);
    if (colon == std::string_view::npos || colon == 1) return std::nullopt;
    component.policy_namespace = text.substr(1, colon - 1);
    text.remove_prefix(colon + 1);
    if (text.starts_with("//")) text.remove_prefix(2);
  }
  component.profile = text.substr(0, text.find(kStacked));
  if (component.profile.empty()) return std::nullopt;
  text.remove_prefix(component.profile.size());
  return component;
}

std::optional<std::vector<LabelComponent>> ParseStack(std::string_view text) {
  std::vector<LabelComponent> stack;
  while (true) {
    auto component = TakeComponent(text);
    if (!component) return std::nullopt;
    stack.push_back(std::move(*component));
    if (text.empty()) return stack;
    text.remove_prefix(kStacked.size());
  }
}

Error NoLabel(std::string_view text) {
  return Error{fmt::format(
      "parse AppArmor label \"{}\": neither \"unconfined\" nor "
      "\"NAME (MODE)\"; see /sys/kernel/security/lsm for the security modules "
      "of this kernel",
      Printable(text.substr(0, 200)))};
}

}  // namespace

std::optional<std::pair<std::string, std::string>> SplitMode(
    std::string_view text) {
  // aa_splitcon takes every beginning of "unconfined", also "u" and "", for a
  // label; with a parenthesis at the end that cannot happen.
  if (!text.ends_with(')') || HasControlCharacter(text)) return std::nullopt;
  std::string buffer(text);
  char* mode = nullptr;
  const char* name = ::aa_splitcon(buffer.data(), &mode);
  if (name == nullptr || mode == nullptr || !IsMode(mode)) return std::nullopt;
  return std::pair<std::string, std::string>(name, mode);
}

bool Label::Is(std::string_view profile, std::string_view wanted_mode) const {
  return stack.size() == 1 && stack[0].policy_namespace.empty() &&
         stack[0].profile == profile && mode == wanted_mode;
}

std::string Label::ToString() const {
  std::string text;
  for (const auto& component : stack) {
    if (!text.empty()) text += kStacked;
    if (!component.policy_namespace.empty()) {
      text += ":" + component.policy_namespace + "://";
    }
    text += component.profile;
  }
  if (!mode.empty()) text += " (" + mode + ")";
  return text;
}

Result<Label> ParseLabel(std::string_view text) {
  const std::string_view whole = text;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\0')) {
    text.remove_suffix(1);
  }
  if (HasControlCharacter(text)) return NoLabel(whole);
  const auto split = SplitMode(text);
  auto stack = ParseStack(split ? split->first : text);
  if (!stack) return NoLabel(whole);
  // The kernel leaves the mode out if, and only if, every component is the
  // unconfined profile of its namespace.
  const bool unconfined = std::all_of(stack->begin(), stack->end(),
                                      [](const LabelComponent& component) {
                                        return component.profile == kUnconfined;
                                      });
  if (!split && !unconfined) return NoLabel(whole);
  return Label{std::move(*stack), split ? split->second : ""};
}

}  // namespace lab
