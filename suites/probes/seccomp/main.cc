// SPDX-License-Identifier: Apache-2.0
// lab-seccomp: tries every system call and says what the seccomp filters of
// its own process make of it. docs/seccomp-probe.md
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include "suites/probes/seccomp/amicontained.h"
#include "suites/probes/seccomp/child.h"
#include "suites/probes/seccomp/report.h"
#include "suites/probes/seccomp/survey.h"

namespace {

constexpr int kUsage = 2;
constexpr int kCannot = 3;

constexpr const char* kHelp =
    "usage: lab-seccomp [--format json|amicontained] [--control FILE]\n"
    "Tries every system call, each in a child of its own and without harm, "
    "and\n"
    "says what the seccomp filters of this process make of it.\n"
    "\n"
    "  --format json          one document (default)\n"
    "  --format amicontained  in that program's layout, with its own list\n"
    "  --control FILE         a JSON report of a run without a filter, on the\n"
    "                         same kernel: what the kernel itself answers\n"
    "  --help                 this text\n"
    "\n"
    "Exit status: 0 done, 2 usage, 3 it could not be done.\n";

struct Options {
  bool help = false;
  std::string format = "json";
  std::string control;
};

// Empty, or what is wrong.
std::string Parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--help") {
      options.help = true;
      continue;
    }
    std::string* value = word == "--format"    ? &options.format
                         : word == "--control" ? &options.control
                                               : nullptr;
    if (value == nullptr) return "unknown argument " + word;
    if (++i == argc) return word + " needs a value";
    *value = argv[i];
  }
  if (options.format != "json" && options.format != "amicontained") {
    return "unknown format " + options.format + "; json or amicontained";
  }
  return "";
}

bool WriteAll(const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n =
        write(STDOUT_FILENO, text.data() + done, text.size() - done);
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

int Fail(int status, const std::string& why) {
  std::fprintf(stderr, "lab-seccomp: %s\n", why.c_str());
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  if (const auto wrong = Parse(argc, argv, options); !wrong.empty()) {
    return Fail(kUsage, wrong + "; see --help");
  }
  if (options.help) return WriteAll(kHelp) ? 0 : kCannot;
  const probe::Facts facts = probe::ReadFacts();
  probe::Control control;
  try {
    if (!options.control.empty()) {
      control = probe::ReadControl(options.control, facts);
    }
  } catch (const std::exception& error) {
    return Fail(kUsage, error.what());
  }
  try {
    probe::PrepareForChildren();
    const auto survey = probe::Probe(facts, control);
    const auto blocked = probe::AmicontainedBlocked(facts, survey);
    const std::string text = options.format == "json"
                                 ? probe::JsonReport(facts, survey, blocked)
                                 : probe::AmicontainedText(facts, blocked);
    return WriteAll(text) ? 0 : Fail(kCannot, "cannot write the report");
  } catch (const std::exception& error) {
    return Fail(kCannot, error.what());
  }
}
