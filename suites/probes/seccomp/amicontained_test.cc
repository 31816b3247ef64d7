// SPDX-License-Identifier: Apache-2.0
#include "suites/probes/seccomp/amicontained.h"

#include <gtest/gtest.h>
#include <linux/capability.h>

namespace probe {
namespace {

constexpr std::uint64_t Bit(int capability) {
  return std::uint64_t{1} << capability;
}

Facts InAPod() {
  Facts facts;
  facts.runtime = "kube";
  facts.uid_map = {{0, 0, 4294967295}};
  facts.apparmor = "cri-containerd.apparmor.d (enforce)";
  // containerd gives no inheritable ones since 1.6.
  facts.capabilities = {{"inheritable", 0},
                        {"permitted", Bit(CAP_CHOWN) | Bit(CAP_SETFCAP)},
                        {"effective", Bit(CAP_CHOWN) | Bit(CAP_SETFCAP)},
                        {"bounding", Bit(CAP_CHOWN) | Bit(CAP_SETFCAP)},
                        {"ambient", 0}};
  facts.seccomp = "filtering";
  facts.first_pid_namespace_device = 57;
  return facts;
}

TEST(AmicontainedTest, Layout) {
  EXPECT_EQ(AmicontainedText(InAPod(), {"MSGRCV", "PTRACE", "_SYSCTL"}),
            R"(Container Runtime: kube
Has Namespaces:
	pid: true
	user: false
AppArmor Profile: cri-containerd.apparmor.d (enforce)
Capabilities:
	BOUNDING -> chown setfcap
Seccomp: filtering
Blocked Syscalls (3):
	MSGRCV PTRACE _SYSCTL
)");
}

TEST(AmicontainedTest, LayoutWithUserNamespaceAndEverySet) {
  Facts facts = InAPod();
  facts.runtime = "not-found";
  facts.uid_map = {{0, 65536, 65536}};
  facts.apparmor.clear();
  for (auto& set : facts.capabilities) {
    set.bits = Bit(CAP_CHOWN) | Bit(CAP_BPF);  // its library knows no bpf
  }
  facts.seccomp = "disabled";
  facts.first_pid_namespace_device = 4;
  EXPECT_EQ(AmicontainedText(facts, {}),
            R"(Container Runtime: not-found
Has Namespaces:
	pid: false
	user: true
User Namespace Mappings:
	Container -> 0	Host -> 65536	Range -> 65536
AppArmor Profile: unconfined
Capabilities:
	EFFECTIVE | PERMITTED | INHERITABLE -> chown
	BOUNDING -> chown
	AMBIENT -> chown
Seccomp: disabled
)");
}

}  // namespace
}  // namespace probe
