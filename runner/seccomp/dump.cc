// SPDX-License-Identifier: Apache-2.0
#include "runner/seccomp/dump.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"

namespace lab::seccomp {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;

// linux/capability.h, in the order of the bits.
constexpr std::array kCapabilities = {"CHOWN",
                                      "DAC_OVERRIDE",
                                      "DAC_READ_SEARCH",
                                      "FOWNER",
                                      "FSETID",
                                      "KILL",
                                      "SETGID",
                                      "SETUID",
                                      "SETPCAP",
                                      "LINUX_IMMUTABLE",
                                      "NET_BIND_SERVICE",
                                      "NET_BROADCAST",
                                      "NET_ADMIN",
                                      "NET_RAW",
                                      "IPC_LOCK",
                                      "IPC_OWNER",
                                      "SYS_MODULE",
                                      "SYS_RAWIO",
                                      "SYS_CHROOT",
                                      "SYS_PTRACE",
                                      "SYS_PACCT",
                                      "SYS_ADMIN",
                                      "SYS_BOOT",
                                      "SYS_NICE",
                                      "SYS_RESOURCE",
                                      "SYS_TIME",
                                      "SYS_TTY_CONFIG",
                                      "MKNOD",
                                      "LEASE",
                                      "AUDIT_WRITE",
                                      "AUDIT_CONTROL",
                                      "SETFCAP",
                                      "MAC_OVERRIDE",
                                      "MAC_ADMIN",
                                      "SYSLOG",
                                      "WAKE_ALARM",
                                      "BLOCK_SUSPEND",
                                      "AUDIT_READ",
                                      "PERFMON",
                                      "BPF",
                                      "CHECKPOINT_RESTORE"};

Result<InstalledFilter> FilterFrom(const json& from) {
  InstalledFilter filter;
  LAB_TRY(filter.program, ParseProgram(from.at("program").get<std::string>()));
  LAB_CHECK_OK(Validate(filter.program));
  filter.log = from.at("log").get<bool>();
  return filter;
}

json ToJson(const CallView& call) {
  json out = {{"name", call.name}, {"number", call.number}};
  if (const auto always = call.always()) {
    out["outcome"] = always->ToString();
    return out;
  }
  out["outcome"] = "conditional";
  for (const auto& decision : call.decisions) {
    std::vector<std::string> when;
    for (const auto& one : decision.when) when.push_back(one.ToString());
    out["decisions"].push_back(
        {{"when", when}, {"outcome", decision.then.ToString()}});
  }
  return out;
}

}  // namespace

Programs Dump::programs() const {
  Programs all;
  for (const auto& filter : filters) all.push_back(filter.program);
  return all;
}

Error FiltersError(int status, const std::string& said) {
  constexpr std::string_view kProgram = "lab-node: ";
  std::string_view why = Trim(said);
  if (why.starts_with(kProgram)) why.remove_prefix(kProgram.size());
  if (why.empty()) {
    return Error{fmt::format("lab-node ended with status {}", status)};
  }
  return status == 2 ? UsageError(std::string(why)) : Error{std::string(why)};
}

Result<Dump> ParseFilters(const std::string& lines,
                          const std::string& subject) {
  Dump dump;
  dump.subject = subject;
  try {
    for (const auto& line : Lines(lines)) {
      const json read = json::parse(line);
      if (read.contains("program")) {
        LAB_TRY(auto filter, FilterFrom({{"program", read.at("program")},
                                         {"log", read.at("log") == 1}}));
        dump.filters.push_back(std::move(filter));
        continue;
      }
      if (read.at("seccomp") == "1") {
        return Error{subject +
                     " is in seccomp's strict mode, which has no "
                     "filter"};
      }
      dump.pid = read.at("pid");
      dump.command = read.at("comm");
      dump.kernel = read.at("kernel");
      dump.no_new_privileges = read.at("no-new-privs") == "1";
      dump.capabilities =
          CapabilitiesFromMask(read.at("capabilities").get<std::string>());
    }
  } catch (const json::exception& e) {
    return Error{fmt::format("what lab-node says of {} is not understood: {}",
                             subject, e.what())};
  }
  if (dump.pid == 0) return Error{"lab-node says nothing of " + subject};
  return dump;
}

json ToJson(const Dump& dump, const View& view) {
  json out = {{"seccomp-dump", kFormat},
              {"subject", dump.subject},
              {"pid", dump.pid},
              {"command", dump.command},
              {"kernel", dump.kernel},
              {"capabilities", dump.capabilities},
              {"no-new-privileges", dump.no_new_privileges},
              {"filters", json::array()},
              {"architectures", json::array()}};
  for (const auto& filter : dump.filters) {
    out["filters"].push_back({{"instructions", filter.program.size()},
                              {"log", filter.log},
                              {"program", FormatProgram(filter.program)}});
  }
  for (const auto& one : view) {
    json calls = json::array();
    for (const auto& call : one.calls) calls.push_back(ToJson(call));
    out["architectures"].push_back({{"name", one.architecture->name},
                                    {"unassigned", ToString(one.unassigned)},
                                    {"beyond", ToString(one.beyond)},
                                    {"calls", calls}});
  }
  return out;
}

Result<Dump> DumpFromJson(const std::string& text, const std::string& name) {
  try {
    const json from = json::parse(text);
    if (from.at("seccomp-dump") != kFormat) {
      return Error{name + " is of a newer version of this program"};
    }
    Dump dump;
    dump.subject = from.at("subject");
    dump.pid = from.at("pid");
    dump.command = from.at("command");
    dump.kernel = from.at("kernel");
    dump.capabilities = from.at("capabilities").get<std::set<std::string>>();
    dump.no_new_privileges = from.at("no-new-privileges");
    for (const auto& one : from.at("filters")) {
      auto filter = FilterFrom(one);
      if (!filter) return filter.error().Within(name);
      dump.filters.push_back(std::move(*filter));
    }
    return dump;
  } catch (const json::exception& e) {
    return Error{fmt::format("{}: {}", name, e.what())};
  }
}

bool LooksLikeDump(const std::string& text) {
  const json from = json::parse(text, nullptr, false);
  return from.is_object() && from.contains("seccomp-dump");
}

std::set<std::string> CapabilitiesFromMask(const std::string& hexadecimal) {
  std::uint64_t mask = 0;
  std::from_chars(hexadecimal.data(), hexadecimal.data() + hexadecimal.size(),
                  mask, 16);
  std::set<std::string> names;
  for (std::size_t bit = 0; bit < 64; ++bit) {
    if ((mask >> bit & 1) == 0) continue;
    names.insert(bit < kCapabilities.size()
                     ? std::string("CAP_") + kCapabilities[bit]
                     : fmt::format("CAP_{}", bit));
  }
  return names;
}

}  // namespace lab::seccomp
