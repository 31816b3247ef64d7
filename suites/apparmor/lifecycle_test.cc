// SPDX-License-Identifier: Apache-2.0
// What becomes of a confined container while it lives: its profile changes or
// goes, it ends and starts again, other kinds of container join it.
#include <algorithm>
#include <set>

#include "runner/base/text.h"
#include "runner/base/wait.h"
#include "suites/apparmor/fixture.h"

namespace lab::suite {
namespace {

using ::testing::_;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

using nlohmann::json;

constexpr const char* kWrite = "create:/tmp/x";

int Restarts(const Pod& pod, const std::string& container = "") {
  return pod.ContainerStatus(container).value("restartCount", -1);
}

bool Runs(const Pod& pod, const std::string& container) {
  return pod.ContainerStatus(container)
      .value("/state/running"_json_pointer, json())
      .is_object();
}

class Lifecycle : public AppArmor {
 protected:
  /// Changes an annotation of the pod, and waits until the kubelet has written
  /// it into the volume "looks": it has synchronised the pod, and knows of its
  /// status.
  Status LooksAgain(const NodeShell& node, const Pod& pod,
                    const std::string& look) {
    const std::string uid = pod.object.at("metadata").at("uid");
    const std::string file = "/var/lib/kubelet/pods/" + uid +
                             "/volumes/kubernetes.io~downward-api/looks/look";
    const auto changed = world.Change(
        pod, {{"metadata", {{"annotations", {{"lab.local/look", look}}}}}});
    if (!changed.accepted()) return Error{changed.message()};
    return WaitUntil("look of the kubelet at the pod", Deadline::In(60s), 500ms,
                     [&] {
                       const auto read = node.Ask({"cat", file});
                       return read && read->out == look;
                     });
  }
};

// What a profile's name stands for is looked up at each act, not at the start.
// The control is the same container under the first text, before and after.
TEST_F(AppArmor, ProfileReplacedWhileRunning) {
  const std::string name = "lab-replaced";
  const auto node = world.NodeWith({});
  world.LoadProfile(node, name);
  const auto pod = ClaimRuns("profile-replaced.yaml", node);
  Pod control = pod;
  control.control = true;

  const auto before = world.Try(control, {kWrite});
  world.ReplaceProfile(node, name, "replacements/" + name);
  const auto replaced = world.Try(pod, {kWrite});
  const auto confined = world.ConfinementOf(pod);
  world.ReplaceProfile(node, name, name);
  const auto after = world.Try(control, {kWrite});
  const auto now = Claim(world.AwaitRunning(pod));

  ASSERT_THAT(At(before, kWrite), Allowed());
  EXPECT_THAT(At(replaced, kWrite), RefusedWith(EACCES));
  EXPECT_THAT(At(after, kWrite), Allowed());
  EXPECT_THAT(confined, ConfinedBy(name, kEnforce));
  EXPECT_EQ(now.ContainerId(), pod.ContainerId());
  EXPECT_EQ(Restarts(now), 0);
}

// Two containers of the same kind: one starts again with the profile loaded
// once more, the other without. Their first processes say what they can do,
// because nothing can be exec'd while the profile is absent.
TEST_F(Lifecycle, ProfileRemovedWhileRunning) {
  const std::string name = "lab-removed";
  const std::string refused = "touch: /tmp/x: Permission denied";
  const auto node = world.NodeWith({});
  world.LoadProfile(node, name);
  const auto pod = ClaimRuns("profile-removed.yaml", node);
  Pod control = pod;  // before the removal
  control.control = true;
  ASSERT_TRUE(world.LabelFromNode(control, "reloaded").Is(name, kEnforce));
  Must(world.AwaitLog(control, "reloaded", "started"));
  world.Signal(pod, "reloaded", "USR1");
  Claim(world.AwaitLog(control, "reloaded", refused));
  Must(LooksAgain(node, pod, "before"));

  world.RemoveProfile(node, name);
  Claim(LooksAgain(node, pod, "after"));
  EXPECT_TRUE(world.LabelFromNode(pod, "reloaded").unconfined());
  world.Signal(pod, "reloaded", "USR1");
  Claim(world.AwaitLog(pod, "reloaded", "written"));
  const auto exec = world.Exec(pod, "reloaded", {"/bin/probe", "label"});
  ASSERT_FALSE(exec) << exec->out;
  // Then "write file `/proc/thread-self/attr/apparmor/exec`: No such file", or,
  // if crun's other half dies of it first, "write to sync socket: Broken pipe".
  EXPECT_THAT(exec.error().what, HasSubstr("OCI runtime exec failed"));

  world.LoadProfile(node, name);
  EXPECT_TRUE(world.LabelFromNode(pod, "reloaded").unconfined());
  world.Signal(pod, "reloaded", "KILL");
  const auto again = Claim(world.AwaitRestarted(pod, "reloaded"));
  EXPECT_THAT(At(world.Try(again, {kWrite}, "reloaded"), kWrite),
              RefusedWith(EACCES));
  EXPECT_THAT(world.ConfinementOf(again, "reloaded"),
              ConfinedBy(name, kEnforce));

  world.RemoveProfile(node, name);
  world.Signal(again, "gone", "KILL");
  const auto held = Claim(world.Await(again, "to be refused", [](const Pod& p) {
    return p.WaitingReason("gone") == "CreateContainerError";
  }));
  EXPECT_THAT(held.WaitingMessage("gone"),
              AllOf(HasSubstr("apparmor"), HasSubstr(name)));
  EXPECT_EQ(Restarts(held, "gone"), 0);
}

// Both starts leave their label in the pod's volume, the second prints them.
TEST_F(Lifecycle, RestartKeepsProfile) {
  const std::string name = "lab-file-rules";
  const std::vector<std::string> acts = {kWrite, "create:/root/x"};
  const auto node = world.NodeWith({name, "lab-allow-all"});
  const auto control = Control("allow-all.yaml", node);

  const auto pod =
      Claim(world.AwaitRestarted(world.Apply("restart.yaml", &node), "hello"));
  const auto free = world.Try(control, acts);
  const auto tried = world.Try(pod, acts);

  ASSERT_THAT(free, Each(Pair(_, Allowed())));
  EXPECT_THAT(At(tried, kWrite), Allowed());
  EXPECT_THAT(At(tried, "create:/root/x"), RefusedWith(EACCES));
  EXPECT_THAT(world.ConfinementOf(pod), ConfinedBy(name, kEnforce));
  EXPECT_EQ(world.Log(pod), name + " (enforce)\n" + name + " (enforce)\n");
  EXPECT_EQ(pod.ContainerStatus().value(
                "/lastState/terminated/exitCode"_json_pointer, -1),
            0);
}

/// The lines that the probe prints, when it is a container's whole command.
std::vector<json> ProbeLines(const std::string& log) {
  std::vector<json> lines;
  for (const auto& line : Lines(log)) {
    lines.push_back(json::parse(line, nullptr, false));
  }
  return lines;
}

json Outcome(const std::string& act, const std::string& name) {
  return {{"act", act}, {"errno", name == "OK" ? 0 : EACCES}, {"name", name}};
}

// The first may write to the volume, the second may not.
TEST_F(AppArmor, InitContainers) {
  const auto node = world.NodeWith({kDenyWrite});
  ASSERT_FALSE(world.HasProfile(node, kUnloaded));
  const auto held = world.Apply("init-container-unloaded.yaml", &node);
  const auto pod = ClaimRuns("init-containers.yaml", node);
  Pod control = pod;
  control.control = true;

  const auto free = ProbeLines(world.Log(control, "free"));
  const auto confined = ProbeLines(world.Log(pod, "confined"));
  ASSERT_THAT(free, Contains(Outcome("create:/volume/x", "OK")));
  EXPECT_EQ(free.at(0).at("self"),
            std::string(kContainerdDefault) + " (enforce)");
  EXPECT_THAT(confined, Contains(Outcome("create:/volume/x", "EACCES")));
  EXPECT_EQ(confined.at(0).at("self"), std::string(kDenyWrite) + " (enforce)");
  EXPECT_THAT(world.ConfinementOf(pod, "hello"),
              ConfinedBy(kDenyWrite, kEnforce));

  const std::string reason = world.Behaves("kubelet.checks-profile", &node)
                                 ? "Blocked"
                                 : "CreateContainerError";
  const auto refused =
      Claim(world.Await(held, "to be refused", [&](const Pod& p) {
        return p.WaitingReason("init") == reason;
      }));
  EXPECT_EQ(refused.phase(), "Pending");
  EXPECT_THAT(refused.ContainerId("hello"), IsEmpty());
  if (!world.Behaves("api.restartable-init-containers")) return;
  const auto sided = ClaimRuns("init-container-restartable.yaml", node);
  EXPECT_THAT(At(world.Try(sided, {kWrite}, "sidecar"), kWrite),
              RefusedWith(EACCES));
  EXPECT_THAT(world.ConfinementOf(sided, "sidecar"),
              ConfinedBy(kDenyWrite, kEnforce));
}

// KEP-24: what is said for the pod goes for it, what is said for containers by
// name (annotations) does not.
TEST_F(AppArmor, EphemeralContainer) {
  Require(world.Behaves("api.apparmor-fields"),
          "no-apparmor-fields: an ephemeral container can only be given a "
          "profile by a field, which this API server does not have");
  const auto node = world.NodeWith({kDenyWrite});
  const auto by_field = ClaimRuns("hello-apparmor-pod-field.yaml", node);
  const auto by_annotation = ClaimRuns("ephemeral-annotated.yaml", node);
  for (const auto& pod : {by_field, by_annotation}) {
    const auto added =
        world.AddEphemeral(pod, "patches/ephemeral-containers.yaml");
    ASSERT_TRUE(added.accepted()) << added.message();
  }
  const auto both_run = [](const Pod& p) {
    return Runs(p, "silent") && Runs(p, "own");
  };

  const auto pod =
      Claim(world.Await(by_field, "to run the ephemeral containers", both_run));
  Pod control = Claim(
      world.Await(by_annotation, "to run the ephemeral containers", both_run));
  const std::string key = "container.apparmor.security.beta.kubernetes.io/own";
  const auto late = world.Change(
      control,
      {{"metadata",
        {{"annotations", {{key, std::string("localhost/") + kDenyWrite}}}}}});
  control.control = true;

  ASSERT_THAT(At(world.Try(control, {kWrite}, "silent"), kWrite), Allowed());
  EXPECT_THAT(At(world.Try(pod, {kWrite}, "silent"), kWrite),
              RefusedWith(EACCES));
  EXPECT_THAT(world.ConfinementOf(pod, "silent"),
              ConfinedBy(kDenyWrite, kEnforce));
  EXPECT_THAT(world.ConfinementOf(control, "silent"),
              ConfinedBy(kContainerdDefault, kEnforce));
  EXPECT_THAT(world.ConfinementOf(control, "own"), Unconfined());
  EXPECT_THAT(late.message(), HasSubstr("may not add AppArmor annotations"));
}

// The runtime signals from outside any profile, and the container's profile
// must let that in. The default profile does; the control's does not, which is
// how pods came to be stuck (containerd issue 10542).
TEST_F(AppArmor, SignalDenied) {
  const std::string deaf = "lab-no-signal";
  const auto node = world.NodeWith({});
  world.LoadProfile(node, deaf);
  const auto pod = ClaimRuns("sigterm.yaml", node);
  const auto stuck = Control("no-signal.yaml", node);
  const auto since = world.LogEnd(node);
  Must(world.AwaitLog(stuck, "hello", "started"));
  Must(world.AwaitLog(pod, "hello", "started"));

  world.Delete(stuck);
  world.Delete(pod);

  const auto ended = Claim(world.AwaitEnded(pod, 30s));
  // Well before its grace period is over, so SIGTERM has reached it.
  EXPECT_THAT(world.ProcessesOf(node, pod), Not(Contains("sh")));
  const auto how = ended.ContainerStatus().value(
      "/state/terminated"_json_pointer, json::object());
  if (!how.empty() ||
      !world.Behaves("kubelet.may-lose-how-a-deleted-pod-ended", &node)) {
    EXPECT_EQ(how.value("message", ""), "SIGTERM\n");
    EXPECT_EQ(how.value("exitCode", -1), 0);
  }
  std::set<std::uint64_t> refused;  // SIGTERM, then SIGKILL
  const auto record = Claim(world.AwaitRecord(
      node, since, "two refused signals", [&](const AuditRecord& r) {
        if (r.event != AuditEvent::kDenied || r.profile != deaf ||
            r.operation != "signal") {
          return false;
        }
        refused.insert(r.serial);
        return refused.size() >= 2;
      }));
  EXPECT_EQ(record.denied_mask, "receive");
  EXPECT_EQ(record.peer, "unconfined");
  EXPECT_TRUE(world.LabelFromNode(stuck).Is(deaf, kEnforce));
}

}  // namespace
}  // namespace lab::suite
