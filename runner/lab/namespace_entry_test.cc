// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/namespace_entry.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "runner/process/process.h"

namespace lab {
namespace {

// Stands for a node: a process with namespaces of its own.
class NamespaceEntries : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "entering namespaces needs root";
    auto node = Process::Start(
        {.argv = {"unshare", "--mount", "--pid", "--uts", "--ipc", "--net",
                  "--cgroup", "--fork", "--kill-child", "--mount-proc", "sh",
                  "-c", "hostname node; exec sleep 60"}});
    ASSERT_TRUE(node);
    node_ = std::move(*node);
    // The child of unshare, once it is there.
    const auto pid = std::to_string(node_.id().pid);
    const Path children = Path("/proc") / pid / "task" / pid / "children";
    std::string child;
    ASSERT_TRUE(WaitUntil("the node", Deadline::In(10s), 10ms, [&] {
      child = Trim(ReadFile(children).value_or(""));
      login_.command = {"nsenter", "--target", child, "--all", "sh", "-c"};
      return !child.empty() && Run(login_.command, "hostname") == "node";
    }));
  }

  static std::string Run(std::vector<std::string> argv, const char* command) {
    argv.emplace_back(command);
    const auto said = RunOk({.argv = std::move(argv)});
    return said ? std::string(Trim(*said)) : said.error().what;
  }

  Process node_;
  NodeLogin login_;
};

TEST_F(NamespaceEntries, LeadWhereTheLoginLeads) {
  const auto entry = NamespaceEntry::Into(login_);
  ASSERT_TRUE(entry);
  for (const char* ask :
       {"hostname", "readlink /proc/1/ns/mnt", "readlink /proc/self/ns/net"}) {
    EXPECT_EQ(Run(entry->Command(), ask), Run(login_.command, ask)) << ask;
  }
  EXPECT_EQ(Run(entry->Command(), "echo $HOME"), "/root");
}

TEST_F(NamespaceEntries, LeadNowhereOnceTheNodeIsGone) {
  const auto entry = NamespaceEntry::Into(login_);
  ASSERT_TRUE(entry);
  node_.Kill();
  auto argv = entry->Command();
  argv.emplace_back("true");
  EXPECT_FALSE(RunOk({.argv = std::move(argv)}));
}

TEST(NamespaceEntry, IsNotHadWithoutAWayToAsk) {
  EXPECT_FALSE(NamespaceEntry::Into({.command = {"false"}, .terminal = {}}));
}

}  // namespace
}  // namespace lab
