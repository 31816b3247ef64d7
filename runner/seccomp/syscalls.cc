// SPDX-License-Identifier: Apache-2.0
#include "runner/seccomp/syscalls.h"

#include <linux/audit.h>
#include <seccomp.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>

namespace lab::seccomp {
namespace {

constexpr std::uint32_t kX32Bit = 0x40000000;
// No table reaches further; those of x32 end at 547.
constexpr std::uint32_t kMostNumbers = 600;

// Calls that libseccomp 2.5.4, as released, does not know. From 403 on numbers
// are the same everywhere; those below are of x86_64 and x32 alone. Sources:
// arch/x86/entry/syscalls/syscall_64.tbl of Linux 7.0; CHANGELOG of libseccomp
// (2.5.5: table of Linux 6.7-rc3, which Debian 12 has in its
// 2.5.4-1+deb12u1; 2.6.0: of 6.12, and the calls of 6.13); the comments in
// containerd's default profile.
struct Young {
  const char* name;
  std::uint32_t number;
  const char* libseccomp;  ///< the first that knows it; "" if none released
  bool on_x32 = true;
};
constexpr std::array kYoung = {
    Young{"uretprobe", 335, "2.6.0"},
    Young{"uprobe", 336, ""},
    Young{"cachestat", 451, "2.5.4"},
    Young{"fchmodat2", 452, "2.5.4"},
    Young{"map_shadow_stack", 453, "2.5.4", false},
    Young{"futex_wake", 454, "2.5.4"},
    Young{"futex_wait", 455, "2.5.4"},
    Young{"futex_requeue", 456, "2.5.4"},
    Young{"statmount", 457, "2.6.0"},
    Young{"listmount", 458, "2.6.0"},
    Young{"lsm_get_self_attr", 459, "2.6.0"},
    Young{"lsm_set_self_attr", 460, "2.6.0"},
    Young{"lsm_list_modules", 461, "2.6.0"},
    Young{"mseal", 462, "2.6.0"},
    Young{"setxattrat", 463, "2.6.0"},
    Young{"getxattrat", 464, "2.6.0"},
    Young{"listxattrat", 465, "2.6.0"},
    Young{"removexattrat", 466, "2.6.0"},
    Young{"open_tree_attr", 467, ""},
    Young{"file_getattr", 468, ""},
    Young{"file_setattr", 469, ""},
    Young{"listns", 470, ""},
    Young{"rseq_slice_yield", 471, ""},
};
constexpr std::uint32_t kSameEverywhere = 403;

std::string LibseccompName(const Architecture& architecture,
                           std::uint32_t number) {
  const std::unique_ptr<char, decltype(&std::free)> name(
      seccomp_syscall_resolve_num_arch(architecture.token,
                                       static_cast<int>(number)),
      &std::free);
  return name == nullptr ? "" : name.get();
}

std::vector<Syscall> Table(const Architecture& architecture) {
  std::vector<Syscall> table;
  for (std::uint32_t n = 0; n < kMostNumbers; ++n) {
    const std::uint32_t number = n | architecture.number_bit;
    std::string name = LibseccompName(architecture, number);
    const auto* young =
        std::find_if(kYoung.begin(), kYoung.end(), [&](const Young& one) {
          return one.number == n &&
                 (n >= kSameEverywhere ||
                  architecture.audit == AUDIT_ARCH_X86_64) &&
                 (architecture.number_bit == 0 || one.on_x32);
        });
    if (name.empty() && young != kYoung.end()) name = young->name;
    if (!name.empty()) table.push_back({std::move(name), number});
  }
  return table;
}

}  // namespace

const std::vector<Architecture>& Architectures() {
  static const std::vector<Architecture> all = {
      {"x86_64", "SCMP_ARCH_X86_64", AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64, 0,
       ~std::uint64_t{0}},
      {"i386", "SCMP_ARCH_X86", AUDIT_ARCH_I386, SCMP_ARCH_X86, 0, 0xffffffff},
      {"x32", "SCMP_ARCH_X32", AUDIT_ARCH_X86_64, SCMP_ARCH_X32, kX32Bit,
       0xffffffff},
  };
  return all;
}

const std::vector<Syscall>& SyscallsOf(const Architecture& architecture) {
  static const auto tables = [] {
    std::vector<std::vector<Syscall>> all;
    for (const auto& one : Architectures()) all.push_back(Table(one));
    return all;
  }();
  const auto index =
      std::find_if(Architectures().begin(), Architectures().end(),
                   [&](const Architecture& one) {
                     return one.name == architecture.name;
                   }) -
      Architectures().begin();
  return tables.at(static_cast<std::size_t>(index));
}

bool LibseccompKnows(const std::string& name, const Version& libseccomp) {
  for (const auto& young : kYoung) {
    if (name != young.name) continue;
    const auto first = Version::In(young.libseccomp);
    return first && libseccomp.Compare(*first) >= 0;
  }
  return seccomp_syscall_resolve_name(name.c_str()) != __NR_SCMP_ERROR;
}

}  // namespace lab::seccomp
