// SPDX-License-Identifier: Apache-2.0
#include "runner/kernel/seccomp_record.h"

#include <auparse.h>

#include <charconv>
#include <memory>

namespace lab {
namespace {

struct EndsParser {
  void operator()(auparse_state_t* parser) const { auparse_destroy(parser); }
};
using Parser = std::unique_ptr<auparse_state_t, EndsParser>;

// The kernel writes "audit: type=1326 audit(...): ..." into its log, and the
// audit daemon "type=SECCOMP msg=audit(...): ...", which is what libauparse
// reads.
std::optional<std::string> AsAuditDaemonWrites(std::string_view line) {
  constexpr std::string_view kKernel = "type=1326 audit(";
  constexpr std::string_view kDaemon = "type=SECCOMP msg=audit(";
  for (const auto start : {kKernel, kDaemon}) {
    const auto at = line.find(start);
    if (at == std::string_view::npos) continue;
    return std::string(kDaemon) + std::string(line.substr(at + start.size())) +
           "\n";
  }
  return std::nullopt;
}

template <typename Number>
bool Read(auparse_state_t* parser, const char* field, int base,
          Number* number) {
  auparse_first_field(parser);
  const char* text = auparse_find_field(parser, field);
  if (text == nullptr) return false;
  std::string_view digits = text;
  if (digits.starts_with("0x")) digits.remove_prefix(2);
  const auto end = digits.data() + digits.size();
  const auto read = std::from_chars(digits.data(), end, *number, base);
  return read.ec == std::errc() && read.ptr == end;
}

}  // namespace

std::optional<SeccompRecord> ParseSeccompLine(std::string_view line) {
  const auto text = AsAuditDaemonWrites(line);
  if (!text) return std::nullopt;
  const Parser parser(auparse_init(AUSOURCE_BUFFER, text->c_str()));
  if (parser == nullptr || auparse_first_record(parser.get()) != 1) {
    return std::nullopt;
  }
  SeccompRecord record;
  const bool whole = Read(parser.get(), "pid", 10, &record.pid) &&
                     Read(parser.get(), "sig", 10, &record.signal) &&
                     Read(parser.get(), "arch", 16, &record.arch) &&
                     Read(parser.get(), "syscall", 10, &record.syscall) &&
                     Read(parser.get(), "code", 16, &record.code);
  if (!whole) return std::nullopt;
  auparse_first_field(parser.get());
  if (auparse_find_field(parser.get(), "comm") != nullptr) {
    // Decoded, where the kernel wrote it in hexadecimal.
    const char* comm = auparse_interpret_field(parser.get());
    if (comm != nullptr) record.comm = comm;
  }
  return record;
}

}  // namespace lab
