// SPDX-License-Identifier: Apache-2.0
// Sentences, commands and transcripts of the documents, word by word: what they
// say today.
#include <fmt/format.h>

#include <algorithm>

#include "suites/apparmor/fixture.h"

namespace lab::suite {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

using nlohmann::json;

constexpr const char* kRead = "/proc/1/attr/current";

json NodeObject(const World& world, const NodeShell& node) {
  return Must(world.api().Get("/api/v1/nodes/" + node.node()));
}

// S0-17, S4-diff3 (D-2), by the one-liner of the documents.
TEST_F(AppArmor, ReadyMessage) {
  const std::string query =
      "-o=jsonpath={range .items[*]}{@.metadata.name}: "
      "{.status.conditions[?(@.reason==\"KubeletReady\")].message}{\"\\n\"}"
      "{end}";
  const auto listed = world.Kubectl({"get", "nodes", query});

  ASSERT_TRUE(listed.ended.ok()) << listed.err;
  for (const auto& node : world.Workers()) {
    // The other word on it, from another place.
    const auto enabled =
        Must(node.AskOk({"cat", "/sys/module/apparmor/parameters/enabled"}));
    Evidence(Kind::kControl, node.node() + ": the kernel says " + enabled);
    const bool named =
        enabled == "Y\n" &&
        world.Behaves("kubelet.ready-message-names-apparmor", &node);
    EXPECT_THAT(
        "\n" + listed.out,
        HasSubstr("\n" + node.node() + ": kubelet is posting ready status" +
                  (named ? ". AppArmor enabled" : "") + "\n"));
  }
}

// S0-7.
TEST_F(AppArmor, KubeletVersionListing) {
  const auto listed =
      world.Kubectl({"get", "nodes",
                     "-o=jsonpath={range .items[*]}{@.metadata.name}: "
                     "{@.status.nodeInfo.kubeletVersion}{\"\\n\"}{end}"});

  ASSERT_TRUE(listed.ended.ok()) << listed.err;
  for (const auto& node : world.Workers()) {
    // What the program itself says; the control, for the API only repeats.
    const auto told = Must(node.AskOk({"kubelet", "--version"}));
    ASSERT_THAT(told, StartsWith("Kubernetes v"));
    Evidence(Kind::kControl, node.node() + ": kubelet --version: " + told);
    const auto version = told.substr(told.find('v'));
    EXPECT_THAT("\n" + listed.out,
                HasSubstr("\n" + node.node() + ": " + version));
  }
  const json nodes = Must(world.api().Get("/api/v1/nodes"));
  EXPECT_EQ(static_cast<std::size_t>(
                std::count(listed.out.begin(), listed.out.end(), '\n')),
            nodes.at("items").size());
}

// S0-24, S0-29 (D-21).
TEST_F(AppArmor, CreatedEvent) {
  const auto node = world.NodeWith({kDenyWrite});
  const auto control = Control("hello-control.yaml", node);
  const auto pod = ClaimRuns("hello-apparmor.yaml", node);
  const auto messages = [&](const Pod& of) {
    std::vector<std::string> lines;
    for (const auto& event : world.Events(of)) {
      lines.push_back(event.value("reason", "") + ": " +
                      event.value("message", ""));
      Evidence(of.control ? Kind::kControl : Kind::kApi, lines.back());
    }
    return lines;
  };
  const bool named = world.Behaves("kubelet.events-name-container", &node);
  const auto tells = [&](const std::string& reason, const std::string& past) {
    // "Created container: hello" in some versions.
    return named ? AnyOf(reason + ": " + reason + " container hello",
                         reason + ": " + reason + " container: hello")
                 : AnyOf(reason + ": Container " + past,
                         reason + ": Container " + past);
  };
  // In this order: the scheduler's first, then the kubelet's.
  const auto wording = [&](const std::string& name) {
    return ElementsAre(
        fmt::format("Scheduled: Successfully assigned {}/{} to {}",
                    world.name_space(), name, node.node()),
        StartsWith("Pulled: Container image \"" + world.lab().image +
                   "\" already "
                   "present on machine"),
        tells("Created", "created"), tells("Started", "started"));
  };
  EXPECT_THAT(messages(pod), wording("hello-apparmor"));
  ASSERT_THAT(messages(control), wording("hello-control"));
  EXPECT_THAT(messages(pod), Each(Not(HasSubstr("Security:["))));
  EXPECT_EQ(world.Log(pod), "Hello AppArmor!\n");
}

// S0-12, S3-15 (D-14): every worker's runtime, as the API has it, confines.
TEST_F(AppArmor, RuntimeSupport) {
  const auto workers = world.WorkersWithAppArmor();
  std::vector<Pod> pods;
  for (const auto& node : workers) {
    EXPECT_TRUE(world.HasProfile(node, kDenyWrite)) << node.node();
    json pod = world.Manifest("hello-apparmor.yaml");
    pod["metadata"]["name"] = "on-" + node.node();
    pod["spec"]["nodeName"] = node.node();
    const auto reply = world.Submit(pod);
    ASSERT_TRUE(reply.accepted()) << reply.message();
    pods.push_back({pod["metadata"]["name"], reply.object, false});
  }
  const auto control = Control("hello-control.yaml", workers.front());
  ASSERT_THAT(At(world.Try(control, {"create:/tmp/x"}), "create:/tmp/x"),
              Allowed());
  for (const auto& pod : pods) {
    const auto running = Claim(world.AwaitRunning(pod));
    const auto info =
        NodeObject(world, world.NodeOf(running)).at("status").at("nodeInfo");
    const std::string runtime = info.at("containerRuntimeVersion");
    Evidence(Kind::kApi, running.node() + ": runtime " + runtime);
    EXPECT_THAT(runtime, Not(StartsWith("docker://")));
    const auto tried = world.Try(running, {"create:/tmp/x"});
    EXPECT_THAT(At(tried, "create:/tmp/x"), RefusedWith(EACCES)) << runtime;
    EXPECT_THAT(world.ConfinementOf(running), ConfinedBy(kDenyWrite, kEnforce));
  }
}

// S0-6, S3-12, as it can still be seen: who does not know an annotation ignores
// it, and the pod runs with less confinement than it asks for.
TEST_F(AppArmor, Pre14Ignored) {
  const auto node = world.NodeWith({kDenyWrite});
  const auto control = Control("hello-apparmor.yaml", node);
  const auto pod = ClaimRuns("ignored-prefix.yaml", node);

  const auto refused = world.Try(control, {"create:/tmp/x"});
  const auto tried = world.Try(pod, {"create:/tmp/x"});

  ASSERT_THAT(At(refused, "create:/tmp/x"), RefusedWith(EACCES));
  EXPECT_EQ(pod.object.at("metadata").at("annotations").size(), 1u);
  EXPECT_TRUE(FieldOf(pod.object.at("spec")).is_null());
  EXPECT_THAT(At(tried, "create:/tmp/x"), Allowed());
  EXPECT_THAT(world.ConfinementOf(pod),
              ConfinedBy(kContainerdDefault, kEnforce));
}

// S3-20 (D-15): the pod as printed ends at once, again and again.
TEST_F(AppArmor, S3BrokenCommand) {
  const auto node = world.NodeWith({kDenyWrite});
  const auto broken = world.Apply("broken-command.yaml", &node);
  const auto control = Control("hello-control.yaml", node);
  const auto again =
      Claim(world.Await(broken, "to end for the second time", [](const Pod& p) {
        const json status = p.ContainerStatus();
        return status.value("restartCount", 0) >= 1 &&
               status.at("lastState").contains("terminated") &&
               !status.at("state").contains("running");
      }));

  const auto last = again.ContainerStatus().at("lastState").at("terminated");
  ASSERT_EQ(world.Log(control), "Hello AppArmor!\n");
  EXPECT_EQ(last.value("exitCode", 0), 127);
  EXPECT_EQ(last.value("reason", ""), "Error");
  // Newer busyboxes put "line 0: " in between.
  EXPECT_THAT(
      world.Log(again),
      AllOf(StartsWith("sh: "), EndsWith("echoHello AppArmor!: not found\n")));
  const auto exec =
      world.Kubectl({"exec", "hello-apparmor", "--", "cat", kRead});
  EXPECT_EQ(exec.ended.value, 1);
  EXPECT_THAT(exec.out, IsEmpty());
  EXPECT_THAT(exec.err, AnyOf(HasSubstr("container not found (\"hello\")"),
                              HasSubstr("cannot exec in a stopped container"),
                              HasSubstr("not running")));
}

// D-6, D-7, D-22: three commands of the documents and the one they mean.
TEST_F(AppArmor, ExecDash) {
  const auto node = world.NodeWith({kDenyWrite});
  ClaimRuns("hello-apparmor.yaml", node);
  const std::string pod = "hello-apparmor";

  const auto right = world.Kubectl({"exec", pod, "--", "cat", kRead});
  const auto without = world.Kubectl({"exec", pod, "cat", kRead});
  const auto late = world.Kubectl({"exec", pod, "touch", "--", "/tmp/test"});
  const auto touch = world.Kubectl({"exec", pod, "--", "touch", "/tmp/test"});

  const std::string label = std::string(kDenyWrite) + " (enforce)\n";
  ASSERT_EQ(right.out, label) << right.err;
  Evidence(Kind::kControl, "with the dash before the command it works");
  if (world.Behaves("kubectl.exec-needs-dash")) {
    EXPECT_EQ(without.ended.value, 1);
    EXPECT_THAT(without.out, IsEmpty());
    EXPECT_THAT(without.err,
                StartsWith("error: exec [POD] [COMMAND] is not supported "
                           "anymore. Use exec [POD] -- [COMMAND] instead\n"));
  } else {
    EXPECT_EQ(without.out, label);
    EXPECT_THAT(without.err,
                HasSubstr("kubectl exec [POD] [COMMAND] is DEPRECATED"));
  }
  // What stands before the dash is dropped: not touch is run, but its operand.
  EXPECT_FALSE(late.ended.ok());
  EXPECT_THAT(late.err, AllOf(HasSubstr("/tmp/test"),
                              HasSubstr("o such file or directory"),
                              Not(HasSubstr("Permission denied"))));
  EXPECT_EQ(touch.ended.value, 1);
  EXPECT_THAT(touch.err, AllOf(HasSubstr("touch: /tmp/test: Permission denied"),
                               EndsWith("command terminated with exit code "
                                        "1\n"),
                               Not(HasSubstr("Docker"))));
}

// S3-19 (D-15): a quote behind the last EOF, as printed. The shell goes on
// reading to the end, and the parser is given the line as well.
TEST_F(AppArmor, S3StrayQuote) {
  const auto node = world.NodeWith({});
  const std::string begin =
      "apparmor_parser -q -N <<EOF\nprofile lab-heredoc { file, }\nEOF";

  const auto good = Must(node.Ask({"bash"}, begin + "\n"));
  const auto stray = Must(node.Ask({"bash"}, begin + "'\n"));

  ASSERT_EQ(good.out, "lab-heredoc\n") << good.err;
  ASSERT_TRUE(good.ended.ok());
  Evidence(Kind::kControl, "without the quote the parser reads " + good.out);
  EXPECT_EQ(stray.ended.value, 1);
  EXPECT_THAT(stray.out, IsEmpty());
  EXPECT_THAT(stray.err, AllOf(HasSubstr("here-document at line 1 delimited by "
                                         "end-of-file (wanted `EOF')"),
                               HasSubstr("parser error")));
  Evidence(Kind::kNode, node.node() + ": " + stray.err);
}

// A pod that was held back and then let go: what its status remembers.
TEST_F(AppArmor, StaleStatus) {
  const auto node = world.NodeWith({});
  Require(world.Behaves("kubelet.status-keeps-reason", &node),
          "no-stale-status: this kubelet holds no pod back for its profile");
  auto pod = world.Apply("stale-status.yaml", &node);
  pod.control = true;  // before the load
  auto held = Must(world.AwaitRefused(pod, 1));
  held.control = false;
  ASSERT_EQ(held.WaitingReason(), "Blocked");

  world.LoadProfile(node, "lab-stale");
  const auto running = Claim(world.AwaitRunning(held, 100s));

  EXPECT_EQ(running.phase(), "Running");
  // Whether it stays depends on which of two writers of the status comes last.
  const json status = running.object.at("status");
  EXPECT_THAT(status.value("reason", ""), AnyOf("AppArmor", ""));
  Evidence(Kind::kApi,
           "reason of the running pod: \"" + status.value("reason", "") + "\"");
  EXPECT_THAT(world.ConfinementOf(running), ConfinedBy("lab-stale", kEnforce));
}

}  // namespace
}  // namespace lab::suite
