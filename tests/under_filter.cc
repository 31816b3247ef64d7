// SPDX-License-Identifier: Apache-2.0
// Runs a program under a seccomp filter, for tests:
//
//   under-filter ACTION [NAME=ACTION]... -- PROGRAM [ARGUMENT]...
//
// The first ACTION is that of all other calls: allow, log, trap, kill, trace,
// or the number of an errno.
#include <seccomp.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

std::uint32_t Action(const std::string& word) {
  if (word == "allow") return SCMP_ACT_ALLOW;
  if (word == "log") return SCMP_ACT_LOG;
  if (word == "trap") return SCMP_ACT_TRAP;
  if (word == "kill") return SCMP_ACT_KILL_PROCESS;
  if (word == "trace") return SCMP_ACT_TRACE(0);
  return SCMP_ACT_ERRNO(static_cast<unsigned>(std::atoi(word.c_str())));
}

int Fail(const std::string& what, int error) {
  std::fprintf(stderr, "under-filter: %s: %s\n", what.c_str(),
               std::strerror(error));
  return 126;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return Fail("arguments", EINVAL);
  const scmp_filter_ctx filter = seccomp_init(Action(argv[1]));
  int at = 2;
  for (; at < argc && std::strcmp(argv[at], "--") != 0; ++at) {
    const std::string rule = argv[at];
    const auto equals = rule.find('=');
    const int number =
        seccomp_syscall_resolve_name(rule.substr(0, equals).c_str());
    const int error =
        seccomp_rule_add(filter, Action(rule.substr(equals + 1)), number, 0);
    if (error != 0) return Fail(rule, -error);
  }
  if (const int error = seccomp_load(filter); error != 0) {
    return Fail("load", -error);
  }
  execv(argv[at + 1], argv + at + 1);
  return Fail(argv[at + 1], errno);
}
