// SPDX-License-Identifier: Apache-2.0
#include "runner/seccomp/profile.h"

#include <linux/audit.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace lab::seccomp {
namespace {

constexpr int kEnosys = 38;

// The calls that i386 can also make through one number, with which of them as
// the first argument (linux/net.h SYS_*, linux/ipc.h).
constexpr std::array<std::pair<std::string_view, std::uint64_t>, 20>
    kSocketCalls = {{{"socket", 1},      {"bind", 2},        {"connect", 3},
                     {"listen", 4},      {"accept", 5},      {"getsockname", 6},
                     {"getpeername", 7}, {"socketpair", 8},  {"send", 9},
                     {"recv", 10},       {"sendto", 11},     {"recvfrom", 12},
                     {"shutdown", 13},   {"setsockopt", 14}, {"getsockopt", 15},
                     {"sendmsg", 16},    {"recvmsg", 17},    {"accept4", 18},
                     {"recvmmsg", 19},   {"sendmmsg", 20}}};
constexpr std::array<std::pair<std::string_view, std::uint64_t>, 12> kIpcCalls =
    {{{"semop", 1},
      {"semget", 2},
      {"semctl", 3},
      {"semtimedop", 4},
      {"msgsnd", 11},
      {"msgrcv", 12},
      {"msgget", 13},
      {"msgctl", 14},
      {"shmat", 21},
      {"shmdt", 22},
      {"shmget", 23},
      {"shmctl", 24}}};

struct Multiplexed {
  std::string_view through;
  std::uint64_t which;
};

std::optional<Multiplexed> MultiplexedOnI386(std::string_view name) {
  for (const auto& [call, which] : kSocketCalls) {
    if (call == name) return Multiplexed{"socketcall", which};
  }
  for (const auto& [call, which] : kIpcCalls) {
    if (call == name) return Multiplexed{"ipc", which};
  }
  return std::nullopt;
}

std::optional<std::uint32_t> NumberOf(const Architecture& architecture,
                                      std::string_view name) {
  for (const auto& call : SyscallsOf(architecture)) {
    if (call.name == name) return call.number;
  }
  return std::nullopt;
}

bool Applies(const ProfileRule& rule, const Environment& environment) {
  const auto has = [&](const std::string& capability) {
    return environment.capabilities.count(capability) != 0;
  };
  return std::all_of(rule.with.begin(), rule.with.end(), has) &&
         std::none_of(rule.without.begin(), rule.without.end(), has) &&
         environment.kernel.Compare(rule.kernel) >= 0;
}

Comparison Narrowed(const ProfileArgument& one,
                    const Architecture& architecture) {
  const std::uint64_t width = architecture.width;
  return Comparison::OfArgument(one.index, one.mask & width, one.relation,
                                one.value & width);
}

bool RepeatsAnArgument(const std::vector<ProfileArgument>& arguments) {
  std::set<int> seen;
  return std::any_of(arguments.begin(), arguments.end(),
                     [&](const ProfileArgument& one) {
                       return !seen.insert(one.index).second;
                     });
}

bool IsPermissive(const Outcome& outcome) {
  const std::string text = outcome.ToString();
  return text == "allow" || text == "log" || text.starts_with("trace");
}

}  // namespace

std::set<std::string> DefaultCapabilities() {
  return {"CAP_CHOWN",
          "CAP_DAC_OVERRIDE",
          "CAP_FSETID",
          "CAP_FOWNER",
          "CAP_MKNOD",
          "CAP_NET_RAW",
          "CAP_SETGID",
          "CAP_SETUID",
          "CAP_SETFCAP",
          "CAP_SETPCAP",
          "CAP_NET_BIND_SERVICE",
          "CAP_SYS_CHROOT",
          "CAP_KILL",
          "CAP_AUDIT_WRITE"};
}

Expectation::Expectation(const Profile& profile, const Environment& environment)
    : default_action_(profile.default_action),
      architectures_(profile.architectures),
      rules_(Architectures().size()),
      last_(Architectures().size()) {
  for (const auto& rule : profile.rules) {
    if (!Applies(rule, environment)) continue;
    for (const auto& name : rule.names) {
      if (!LibseccompKnows(name, environment.libseccomp)) continue;
      for (std::size_t a = 0; a < Architectures().size(); ++a) {
        const auto number = NumberOf(Architectures()[a], name);
        if (HasStub(Architectures()[a], environment) && number > last_[a]) {
          last_[a] = number;
        }
        // Both runtimes pass over what the default action says anyway.
        if (rule.action != default_action_) {
          AddRule(rule, name, Architectures()[a]);
        }
      }
    }
  }
}

void Expectation::AddRule(const ProfileRule& rule, const std::string& name,
                          const Architecture& architecture) {
  const auto index =
      static_cast<std::size_t>(&architecture - Architectures().data());
  std::vector<std::vector<Comparison>> alternatives;
  if (RepeatsAnArgument(rule.arguments)) {
    for (const auto& one : rule.arguments) {
      alternatives.push_back({Narrowed(one, architecture)});
    }
  } else {
    alternatives.emplace_back();
    for (const auto& one : rule.arguments) {
      alternatives.back().push_back(Narrowed(one, architecture));
    }
  }
  for (const auto& when : alternatives) {
    if (const auto number = NumberOf(architecture, name)) {
      Insert(index, *number, {when, rule.action});
    }
    if (architecture.audit != AUDIT_ARCH_I386) continue;
    const auto other = MultiplexedOnI386(name);
    if (!other) continue;
    // What the profile says of the first argument is lost: here that says
    // which call it is, and the call's own arguments are behind a pointer.
    std::vector<Comparison> through;
    through.push_back(
        Comparison::OfArgument(0, 0xffffffff, Relation::kEqual, other->which));
    for (const auto& one : when) {
      if (one.left.AsMasked()->argument != 0) through.push_back(one);
    }
    Insert(index, *NumberOf(architecture, other->through),
           {through, rule.action});
  }
}

// libseccomp's _db_rule_add(): a rule without conditions replaces those with,
// and nothing is added to it.
void Expectation::Insert(std::size_t architecture, std::uint32_t number,
                         Rule rule) {
  auto& rules = rules_[architecture][number];
  if (rules.size() == 1 && rules.front().when.empty()) return;
  if (rule.when.empty()) rules.clear();
  rules.push_back(std::move(rule));
}

bool Expectation::HasStub(const Architecture& architecture,
                          const Environment& environment) const {
  if (environment.oci_runtime != "runc" || IsPermissive(default_action_) ||
      default_action_ == Outcome::Errno(kEnosys)) {
    return false;
  }
  const Version implies_native{{1, 1, 15}};
  return architectures_.count(std::string(architecture.oci_name)) != 0 ||
         (Lists(architecture) &&
          environment.oci_version.Compare(implies_native) >= 0);
}

// The native architecture is always there.
bool Expectation::Lists(const Architecture& architecture) const {
  return &architecture == &Architectures().front() ||
         architectures_.count(std::string(architecture.oci_name)) != 0;
}

Decisions Expectation::At(const Architecture& architecture,
                          std::uint32_t number) const {
  const auto index = static_cast<std::size_t>(
      std::find_if(
          Architectures().begin(), Architectures().end(),
          [&](const auto& one) { return one.name == architecture.name; }) -
      Architectures().begin());
  if (!Lists(Architectures().at(index))) return {{{}, Outcome::KillThread()}};
  if (last_[index] && number > *last_[index]) {
    return {{{}, Outcome::Errno(kEnosys)}};
  }
  Decisions decisions;
  if (const auto at = rules_[index].find(number); at != rules_[index].end()) {
    for (const auto& rule : at->second) {
      decisions.push_back({rule.when, rule.then});
    }
  }
  decisions.push_back({{}, default_action_});
  return Simplified(std::move(decisions));
}

}  // namespace lab::seccomp
