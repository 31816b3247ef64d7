// SPDX-License-Identifier: Apache-2.0
#include "runner/kernel/audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <mutex>
#include <set>

// A C header: without linkage of its own, and with a C++ keyword as the name
// of a member.
#define namespace policy_namespace
extern "C" {
#include <aalogparse/aalogparse.h>
}
#undef namespace

#include "runner/base/text.h"

namespace lab {
namespace {

struct EventWord {
  AuditEvent event;
  std::string_view word;
};
constexpr std::array<EventWord, 7> kEvents = {{
    {AuditEvent::kAudit, "AUDIT"},
    {AuditEvent::kAllowed, "ALLOWED"},
    {AuditEvent::kDenied, "DENIED"},
    {AuditEvent::kKilled, "KILLED"},
    {AuditEvent::kHint, "HINT"},
    {AuditEvent::kStatus, "STATUS"},
    {AuditEvent::kError, "ERROR"},
}};

enum class Shape { kQuoted, kQuotedOrHex, kNumber, kSignedNumber };

// What libapparmor gets to see. One field that its grammar lacks makes it give
// up the whole record (3.0.8 does so for class=, which newer kernels write, and
// for addr=none of sockets), and so does a known field with a value of another
// shape.
struct KnownField {
  std::string_view key;
  Shape shape;
};
constexpr std::array<KnownField, 12> kFields = {{
    {"operation", Shape::kQuoted},
    {"profile", Shape::kQuotedOrHex},
    {"name", Shape::kQuotedOrHex},
    {"capname", Shape::kQuoted},
    {"comm", Shape::kQuotedOrHex},
    {"requested_mask", Shape::kQuoted},
    {"denied_mask", Shape::kQuoted},
    {"info", Shape::kQuoted},
    {"peer", Shape::kQuoted},
    {"family", Shape::kQuoted},
    {"pid", Shape::kNumber},
    {"error", Shape::kSignedNumber},
}};

struct Field {
  std::string_view key;
  std::string_view value;  // with its quotes
};

// Takes the first key=value off `text`; words that are none are passed over.
// nullopt at the end, and at a quoted value that the log cut off. There are no
// quotes within quotes: the kernel writes such a value in hexadecimal.
std::optional<Field> TakeField(std::string_view& text) {
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) return std::nullopt;
    const auto key_end = std::min(text.find_first_of(" =\""), text.size());
    const std::string_view key = text.substr(0, key_end);
    text.remove_prefix(key_end);
    if (!text.starts_with('=')) {
      text.remove_prefix(std::min(text.find(' '), text.size()));
      continue;
    }
    text.remove_prefix(1);
    auto value_end = std::min(text.find(' '), text.size());
    if (text.starts_with('"')) {
      const auto quote = text.find('"', 1);
      if (quote == std::string_view::npos) return std::nullopt;
      value_end = quote + 1;
    }
    const Field field{key, text.substr(0, value_end)};
    text.remove_prefix(value_end);
    return field;
  }
}

bool AllOf(std::string_view text, std::string_view set) {
  return !text.empty() && text.find_first_not_of(set) == text.npos;
}

bool HasShape(std::string_view value, Shape shape) {
  switch (shape) {
    case Shape::kSignedNumber:
      if (value.starts_with('-')) value.remove_prefix(1);
      [[fallthrough]];
    case Shape::kNumber:
      return AllOf(value, "0123456789") && value.size() <= 10;
    case Shape::kQuotedOrHex:
      if (AllOf(value, "0123456789ABCDEF")) return value.size() % 2 == 0;
      [[fallthrough]];
    case Shape::kQuoted:
      return value.starts_with('"') &&
             std::none_of(value.begin(), value.end(), [](char c) {
               return static_cast<unsigned char>(c) < 0x20;
             });
  }
  return false;
}

// The known fields of `text`, each once (a second one would leak in the
// library), in the library's language.
std::string KnownFields(std::string_view text) {
  std::string known;
  std::set<std::string_view> seen;
  while (const auto field = TakeField(text)) {
    const auto entry = std::find_if(
        kFields.begin(), kFields.end(),
        [&](const KnownField& one) { return one.key == field->key; });
    if (entry == kFields.end() || !HasShape(field->value, entry->shape)) {
      continue;
    }
    // The library keeps both in one place.
    const std::string_view slot = field->key == "capname" ? "name" : field->key;
    if (!seen.insert(slot).second) continue;
    // A backslash is an ordinary character to the kernel and an escape to the
    // library.
    known += fmt::format(" {}={}", field->key,
                         ReplaceAll(std::string(field->value), "\\", "\\\\"));
  }
  return known;
}

// Takes "audit(SECONDS.MILLISECONDS:SERIAL):" and what is in front of it off
// `line`.
bool TakeAuditId(std::string_view& line, AuditRecord& record) {
  constexpr std::string_view kBefore = "audit(";
  const auto begin = line.find(kBefore);
  if (begin == line.npos) return false;
  const char* at = line.data() + begin + kBefore.size();
  const char* const end = line.data() + line.size();
  const auto take = [&](auto& number, std::string_view after) {
    const auto [stop, error] = std::from_chars(at, end, number);
    const std::string_view rest(stop, static_cast<std::size_t>(end - stop));
    if (error != std::errc() || !rest.starts_with(after)) return false;
    at = stop + after.size();
    return true;
  };
  std::uint32_t seconds = 0;
  std::uint16_t milliseconds = 0;
  if (!take(seconds, ".") || !take(milliseconds, ":") ||
      !take(record.serial, "):")) {
    return false;
  }
  record.epoch_ms = std::int64_t{seconds} * 1000 + milliseconds;
  line = std::string_view(at, static_cast<std::size_t>(end - at));
  return true;
}

bool TakeEvent(std::string_view& line, AuditRecord& record) {
  const auto field = TakeField(line);
  if (!field || field->key != "apparmor") return false;
  for (const auto& [event, word] : kEvents) {
    if (field->value == fmt::format("\"{}\"", word)) {
      record.event = event;
      return true;
    }
  }
  return false;
}

using LibraryRecord = std::unique_ptr<aa_log_record, decltype(&::free_record)>;

// The event and the id are ours: the library has no KILLED, and its serial
// number overflows.
LibraryRecord ParseByLibrary(const std::string& fields) {
  std::string line =
      "type=AVC msg=audit(0.000:0): apparmor=\"DENIED\"" + fields;
  // The library's parser writes to a global variable.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  return LibraryRecord(::parse_record(line.data()), &::free_record);
}

std::string TextOf(const char* text) { return text == nullptr ? "" : text; }

}  // namespace

std::string_view AuditEventName(AuditEvent event) {
  return kEvents[static_cast<std::size_t>(event)].word;
}

std::optional<AuditRecord> ParseAuditLine(std::string_view line) {
  AuditRecord record;
  if (!TakeAuditId(line, record) || !TakeEvent(line, record)) {
    return std::nullopt;
  }
  const LibraryRecord parsed = ParseByLibrary(KnownFields(line));
  if (!parsed || parsed->event != AA_RECORD_DENIED) return std::nullopt;
  record.operation = TextOf(parsed->operation);
  record.profile = TextOf(parsed->profile);
  record.name = TextOf(parsed->name);
  record.comm = TextOf(parsed->comm);
  record.requested_mask = TextOf(parsed->requested_mask);
  record.denied_mask = TextOf(parsed->denied_mask);
  record.info = TextOf(parsed->info);
  record.peer = TextOf(parsed->peer);
  record.family = TextOf(parsed->net_family);
  record.pid = static_cast<std::int64_t>(parsed->pid);
  record.error = parsed->error_code;
  return record;
}

}  // namespace lab
