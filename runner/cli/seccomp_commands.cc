// SPDX-License-Identifier: Apache-2.0
// `runner seccomp dump|diff`.
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/cli/commands.h"
#include "runner/cli/seccomp_subject.h"

namespace lab {
namespace {

using nlohmann::json;
using seccomp::ArchitectureView;
using seccomp::Dump;
using seccomp::View;

constexpr std::size_t kWidth = 78;

// Words in lines as wide as a page.
std::string Wrapped(const std::vector<std::string>& words,
                    const std::string& indent) {
  std::string text = indent;
  std::size_t column = indent.size();
  for (const auto& word : words) {
    if (column > indent.size() && column + 1 + word.size() > kWidth) {
      text += "\n" + indent;
      column = indent.size();
    }
    if (column > indent.size()) {
      text += ' ';
      ++column;
    }
    text += word;
    column += word.size();
  }
  return text;
}

void PrintArchitecture(const ArchitectureView& view) {
  std::map<std::string, std::vector<std::string>> by_outcome;
  std::vector<std::string> conditional;
  for (const auto& call : view.calls) {
    const auto always = call.always();
    if (!always) {
      conditional.push_back(
          fmt::format("    {}: {}", call.name, ToString(call.decisions)));
    } else if (!always->IsAllow()) {
      by_outcome[always->ToString()].push_back(call.name);
    }
  }
  fmt::print("\n{}: unassigned numbers: {}; above all: {}\n",
             view.architecture->name, ToString(view.unassigned),
             ToString(view.beyond));
  if (by_outcome.empty() && conditional.empty()) {
    fmt::print("  all {} calls: allow\n", view.calls.size());
    return;
  }
  for (const auto& [outcome, names] : by_outcome) {
    if (names.size() == view.calls.size()) {
      fmt::print("  all {} calls: {}\n", names.size(), outcome);
      continue;
    }
    fmt::print("  {} of {} calls: {}\n{}\n", names.size(), view.calls.size(),
               outcome, Wrapped(names, "    "));
  }
  if (conditional.empty()) return;
  fmt::print("  {} by their arguments\n{}\n", conditional.size(),
             Join(conditional, "\n"));
}

void PrintHeader(const SeccompSubject& subject) {
  const Dump& dump = *subject.dump;
  std::size_t instructions = 0;
  for (const auto& filter : dump.filters) instructions += filter.program.size();
  fmt::print("{} (PID {}, {}), kernel {}: {} filter{}, {} instructions{}\n",
             subject.name, dump.pid, dump.command, dump.kernel,
             dump.filters.size(), dump.filters.size() == 1 ? "" : "s",
             instructions, dump.no_new_privileges ? ", no_new_privs" : "");
}

void PrintPrograms(const Dump& dump) {
  for (std::size_t i = 0; i < dump.filters.size(); ++i) {
    const auto& filter = dump.filters[i];
    fmt::print("# filter {} of {}, {} instructions{}\n", i + 1,
               dump.filters.size(), filter.program.size(),
               filter.log ? ", logs" : "");
    for (const auto& line : Disassemble(filter.program)) {
      fmt::print("{}\n", line);
    }
  }
}

json ToJson(const seccomp::Difference& one) {
  return {{"architecture", one.architecture->name},
          {"name", one.name},
          {"number", one.number},
          {"a", ToString(one.left)},
          {"b", ToString(one.right)},
          {"arguments", one.at.arguments}};
}

}  // namespace

ExitCode SeccompDump(const Context& context, const SeccompOptions& options) {
  const auto subject = FindDump(context, options, options.subjects.front());
  if (!subject) return Complain(subject.error());
  if (options.format == "bpf") {
    PrintPrograms(*subject->dump);
    return ExitCode::kOk;
  }
  const auto view = seccomp::ViewOf(subject->dump->programs());
  if (!view) return Complain(view.error());
  if (options.format == "json") {
    fmt::print("{}\n", ToJson(*subject->dump, *view).dump(1));
    return ExitCode::kOk;
  }
  PrintHeader(*subject);
  for (const auto& one : *view) PrintArchitecture(one);
  return ExitCode::kOk;
}

ExitCode SeccompDiff(const Context& context, const SeccompOptions& options) {
  const auto a = FindSide(context, options, options.subjects.front());
  if (!a) return Complain(a.error());
  const auto b = FindSide(context, options, options.subjects.back());
  if (!b) return Complain(b.error());
  const auto left = ViewOfSide(*a, *b, options);
  if (!left) return Complain(left.error());
  const auto right = ViewOfSide(*b, *a, options);
  if (!right) return Complain(right.error());
  const auto differences = Compare(*left, *right);
  if (options.format == "json") {
    json all = json::array();
    for (const auto& one : differences) all.push_back(ToJson(one));
    fmt::print(
        "{}\n",
        json{{"a", a->name}, {"b", b->name}, {"differences", all}}.dump(1));
  } else if (differences.empty()) {
    fmt::print("{} and {} do the same\n", a->name, b->name);
  } else {
    fmt::print("{} | {}\n", a->name, b->name);
    for (const auto& one : differences) fmt::print("{}\n", one.ToString());
  }
  return differences.empty() ? ExitCode::kOk : ExitCode::kFail;
}

}  // namespace lab
