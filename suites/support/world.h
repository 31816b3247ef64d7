// SPDX-License-Identifier: Apache-2.0
// The world of one case: the lab, a namespace of its own, and what it put on
// nodes; all of it is taken away again with the object.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "runner/cluster/api.h"
#include "runner/cluster/behaviours.h"
#include "runner/cluster/lab_file.h"
#include "runner/cluster/node.h"
#include "runner/cluster/seccomp_files.h"
#include "runner/kernel/audit.h"
#include "runner/kernel/label.h"
#include "runner/kernel/profiles.h"
#include "runner/kernel/seccomp_record.h"
#include "suites/support/records.h"

namespace lab::suite {

/// A pod as it was last seen.
struct Pod {
  std::string name;
  nlohmann::json object;
  /// What it does shows that the check can fail; noted as control.
  bool control = false;

  std::string node() const;  ///< empty before it is scheduled
  std::string uid() const;
  std::string phase() const;
  /// Status of a container, an init container or an ephemeral one; an empty
  /// object before there is one. `container` empty: the first.
  nlohmann::json ContainerStatus(const std::string& container = "") const;
  /// Without the scheme; empty before the runtime has made one.
  std::string ContainerId(const std::string& container = "") const;
  /// Reason and message for which it waits; empty if it does not.
  std::string WaitingReason(const std::string& container = "") const;
  std::string WaitingMessage(const std::string& container = "") const;
  /// True if every container runs.
  bool Running() const;
  /// "Pending on lab-worker, hello waits: CreateContainerError (...)".
  std::string ToString() const;
};

/// The label of a container's first process from both sides, and that of a
/// process that was put into the container from outside.
struct Confinement {
  Label inside;   ///< /proc/1/attr/current, read in the container
  Label exec;     ///< /proc/self/attr/current of the reader
  Label outside;  ///< /proc/PID/attr/current, read on the node
};

/// The seccomp state of a process, "Seccomp" and "Seccomp_filters" of
/// /proc/PID/status (proc(5)).
struct SeccompState {
  int mode = -1;     ///< 0: none; 1: strict; 2: filter
  int filters = -1;  ///< one above the other

  std::string ToString() const;  ///< "2/1"
  bool operator==(const SeccompState&) const = default;
};

/// The seccomp state of a container's first process from both sides, and that
/// of a process that was put into the container from outside.
struct Filtering {
  SeccompState inside;
  SeccompState exec;
  SeccompState outside;
};

/// What the API server answered to a request that it may refuse.
struct Reply {
  unsigned status = 0;    ///< HTTP status
  nlohmann::json object;  ///< the object as stored, or a metav1.Status
  std::vector<std::string> warnings;

  bool accepted() const { return status >= 200 && status < 300; }
  std::string message() const;  ///< of a refusal; empty if accepted
};

/// What an act came to: 0, the errno, or, for "syscall:NAME", 1000 and the
/// signal that ended it. Keys as given to World::Try.
using Outcomes = std::map<std::string, int>;

/// What a container whose command begins with `probe label ACTS` said as it
/// started.
struct StartReport {
  SeccompState first;  ///< of its first process
  Outcomes outcomes;   ///< of ACTS
};

/// For World::Submit: all checks of the API server, and nothing is stored.
inline constexpr const char* kTryPods = "pods?dryRun=All";

/// Labels of a namespace by which Pod Security refuses pods, and warns of them
/// (KEP-2579).
inline constexpr const char* kEnforceLevel =
    "pod-security.kubernetes.io/enforce";
inline constexpr const char* kWarnLevel = "pod-security.kubernetes.io/warn";

/// The outcome of one act; kNotTried if it was not among them.
inline constexpr int kNotTried = -1;
inline int At(const Outcomes& outcomes, const std::string& act) {
  const auto it = outcomes.find(act);
  return it == outcomes.end() ? kNotTried : it->second;
}

/// The pod whose other containers are the control.
inline Pod AsControl(Pod pod) {
  pod.control = true;
  return pod;
}

/// What a kubelet ends with once it has read a configuration, and found its
/// gates to be good (ValidateKubeletConfiguration()).
inline constexpr const char* kConfigRead =
    "maxPods (--max-pods) -1 must not be a negative number";

class World {
 public:
  World();
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  const LabFile& lab() const { return lab_; }
  /// The project's root.
  Path home() const;
  const Api& api() const { return api_; }
  const std::string& name_space() const { return namespace_; }
  std::vector<NodeShell> Workers() const;
  /// Whether a behaviour of suites/behaviours.json holds here, by the versions
  /// that were measured; of `node`, if given.
  bool Behaves(const std::string& behaviour,
               const NodeShell* node = nullptr) const;

  // --- nodes ---

  /// Whether the node's kernel has AppArmor on, as measured when the lab came
  /// up (/sys/module/apparmor/parameters/enabled).
  bool HasAppArmor(const NodeShell& node) const;
  /// Those that have; the case ends as skipped ("no-apparmor") if none has.
  std::vector<NodeShell> WorkersWithAppArmor() const;
  std::vector<NodeShell> WorkersWithoutAppArmor() const;
  /// The case ends as skipped ("shared-kernel") if two workers have one kernel,
  /// as those of kind do: what one loads, the other has.
  void RequireOwnKernels() const;

  std::vector<LoadedProfile> Profiles(const NodeShell& node) const;
  bool HasProfile(const NodeShell& node, const std::string& profile,
                  Kind kind = Kind::kNode) const;
  /// A worker whose kernel holds all these profiles; which one, if several do,
  /// is fixed by the case's name, so that cases spread. An error if none does;
  /// the case ends as skipped ("no-apparmor") if no worker has AppArmor.
  NodeShell NodeWith(const std::vector<std::string>& profiles) const;
  NodeShell NodeOf(const Pod& pod) const;
  /// "crun" or "runc": what runs a node's pods that name no RuntimeClass, as
  /// measured.
  std::string DefaultRuntime(const NodeShell& node) const;
  /// Loads profiles/apparmor/NAME for this case only.
  void LoadProfile(const NodeShell& node, const std::string& profile);
  /// Loads another text, profiles/apparmor/FILE, under the name of a profile
  /// that this case has loaded.
  void ReplaceProfile(const NodeShell& node, const std::string& profile,
                      const std::string& file);
  /// Removes a profile that this case has loaded.
  void RemoveProfile(const NodeShell& node, const std::string& profile);
  /// The text of profiles/apparmor/NAME.
  std::string ProfileText(const std::string& profile) const;
  /// Runs the node's parser over a text that it may refuse, as LoadProfile
  /// does; says how it ended and what it said. What it loads under the name
  /// `profile` goes with the case.
  Finished TryLoad(const NodeShell& node, const std::string& profile,
                   const std::string& text);
  /// Removes at the end a profile that something else loads for this case.
  void RemoveAtEnd(const NodeShell& node, const std::string& profile);
  /// Puts a seccomp profile of this text below the kubelet's directory for
  /// them (kSeccompRoot), for this case only. An error if somebody else's is
  /// there.
  void PlaceSeccomp(const NodeShell& node, const std::string& path,
                    const std::string& text);
  /// The text of profiles/seccomp/PATH.
  std::string SeccompText(const std::string& path) const;
  /// What the node's kubelet says to this configuration (without apiVersion and
  /// kind) and these flags. It is a second one, and a value is put in that none
  /// takes: where it likes all else it says kConfigRead.
  std::string KubeletReads(const NodeShell& node, nlohmann::json config,
                           const std::vector<std::string>& flags) const;
  /// What the node's kubelet says to these flags. It is a second one, told to
  /// read kNoKubeletConfig, so that it ends before it does anything.
  std::string KubeletSays(const NodeShell& node,
                          const std::vector<std::string>& flags) const;
  /// Labels a node for this case only; one label on each.
  void LabelNode(const NodeShell& node, const std::string& key,
                 const std::string& value);

  // --- pods ---

  /// Creates the pod of fixtures/pods/FILE; on `node`, if given, by a
  /// nodeSelector for its host name.
  Pod Apply(const std::string& file, const NodeShell* node = nullptr);
  /// The manifest in fixtures/pods/FILE.
  nlohmann::json Manifest(const std::string& file) const;
  /// The manifest or patch in fixtures/PATH.
  nlohmann::json Fixture(const std::string& path) const;
  /// Creates a pod, or what else `path` (below the namespace: "pods",
  /// "deployments") and `group` ("apps/v1"; empty: the core's v1) name, and
  /// says what the API server answered.
  Reply Submit(const nlohmann::json& object, const std::string& path = "pods",
               const std::string& group = "") const;
  /// Changes a pod, or a subresource of it, by a merge patch (RFC 7386).
  Reply Change(const Pod& pod, const nlohmann::json& patch,
               const std::string& subresource = "") const;
  /// Labels the case's namespace; if by a level of Pod Security, other than
  /// "privileged", returns when that is in force, or has not been in 5 s.
  Reply LabelNamespace(const std::string& key, const std::string& value) const;
  /// Puts the pod of fixtures/pods/FILE among the node's own, whose kubelet
  /// runs it without being told by the API. Returns the API's mirror of it.
  Pod PlaceStaticPod(const NodeShell& node, const std::string& file);
  /// Adds the ephemeral containers of fixtures/PATH, a strategic merge patch.
  Reply AddEphemeral(const Pod& pod, const std::string& path) const;
  /// Asks for the pod to be deleted, with its own grace period: it is there
  /// until its processes have ended.
  void Delete(const Pod& pod) const;
  /// Waits until `done`; a timeout error says what was last seen.
  Result<Pod> Await(const Pod& pod, const std::string& what,
                    const std::function<bool(const Pod&)>& done,
                    Duration timeout = 75s) const;
  Result<Pod> AwaitRunning(const Pod& pod, Duration timeout = 75s) const;
  /// Waits until a container has started for the second time, and runs.
  Result<Pod> AwaitRestarted(const Pod& pod,
                             const std::string& container = "") const;
  /// Waits until the pod has Succeeded or Failed.
  Result<Pod> AwaitEnded(const Pod& pod, Duration timeout = 75s) const;
  /// Waits for `count` refused attempts to create its container. A kubelet
  /// that checks by itself counts none: there it is until the pod is held.
  Result<Pod> AwaitRefused(const Pod& pod, int count,
                           Duration timeout = 60s) const;
  /// The lab's own kubectl, in the case's namespace.
  Finished Kubectl(const std::vector<std::string>& argv) const;
  /// The events about a pod so far.
  std::vector<nlohmann::json> Events(const Pod& pod) const;
  /// The log of its container; empty if it has none.
  std::string Log(const Pod& pod, const std::string& container = "") const;
  /// Waits until a container's log ends in this line.
  Result<std::string> AwaitLog(const Pod& pod, const std::string& container,
                               const std::string& line) const;

  /// Names of the processes that the node runs in the pod's cgroups.
  std::vector<std::string> ProcessesOf(const NodeShell& node,
                                       const Pod& pod) const;

  /// Their seccomp states, by name.
  std::map<std::string, SeccompState> SeccompOfProcesses(const NodeShell& node,
                                                         const Pod& pod) const;
  /// The state of a process of the node's own, noted as control.
  SeccompState SeccompOfNode(const NodeShell& node) const;
  /// Whether a container's first process has no_new_privs set, as the node sees
  /// it.
  bool NoNewPrivs(const Pod& pod, const std::string& container = "") const;

  /// The PID on its node of a container's first process.
  std::string PidOf(const Pod& pod, const std::string& container = "") const;
  /// What containerd asked the OCI runtime for (the OCI runtime spec's
  /// config.json), as it keeps it.
  nlohmann::json RuntimeSpec(const Pod& pod,
                             const std::string& container = "") const;

  /// The seccomp state of a container's first process, as the node sees it.
  SeccompState SeccompFromNode(const Pod& pod,
                               const std::string& container = "") const;
  /// The label of a container's first process, as the node sees it.
  Label LabelFromNode(const Pod& pod, const std::string& container = "") const;
  /// Sends a signal ("KILL") to a container's first process, from the node.
  void Signal(const Pod& pod, const std::string& container,
              const std::string& signal) const;

  // --- inside ---

  Result<ExecResult> Exec(const Pod& pod, const std::string& container,
                          const std::vector<std::string>& argv) const;
  /// The labels from inside and from the node, noted. Those from inside are of
  /// the last Try in the container, or are read now if there was none: an exec
  /// is what costs an emulated node most.
  Confinement ConfinementOf(const Pod& pod, const std::string& container = "");
  /// The same for seccomp.
  Filtering FilteringOf(const Pod& pod, const std::string& container = "");
  /// Waits for what the container says of itself, in its log, and notes it: no
  /// exec, which costs as much as a container.
  StartReport Started(const Pod& pod, const std::vector<std::string>& acts,
                      const std::string& container = "") const;
  /// Tries acts of the probe ("create:/tmp/x") in the container, in order, and
  /// notes the outcomes. The probe reads its labels before it acts.
  Outcomes Try(const Pod& pod, const std::vector<std::string>& acts,
               const std::string& container = "");

  // --- the kernel's log ---

  /// The place behind the newest record.
  unsigned long long LogEnd(const NodeShell& node) const;
  /// AppArmor records from `since` on.
  std::vector<AuditRecord> LogSince(const NodeShell& node,
                                    unsigned long long since) const;
  /// Seccomp records from `since` on.
  std::vector<SeccompRecord> SeccompLogSince(const NodeShell& node,
                                             unsigned long long since) const;
  /// Waits for a seccomp record that `wanted` accepts, and notes it.
  Result<SeccompRecord> AwaitSeccompRecord(
      const NodeShell& node, unsigned long long since, const std::string& what,
      const std::function<bool(const SeccompRecord&)>& wanted) const;
  /// Waits for a record that `wanted` accepts, and notes it.
  Result<AuditRecord> AwaitRecord(
      const NodeShell& node, unsigned long long since, const std::string& what,
      const std::function<bool(const AuditRecord&)>& wanted) const;

 private:
  /// What the probe reads before it acts, of PID 1 and of itself.
  struct Inside {
    std::string first;
    std::string self;
    std::string first_seccomp;
    std::string self_seccomp;
  };

  Reply Send(const Api::Call& call, const std::string& what) const;
  const Inside& InsideOf(const Pod& pod, const std::string& container);
  std::vector<std::string> LinesSince(const NodeShell& node,
                                      unsigned long long since) const;
  /// What lab-node tells of a container's first process.
  nlohmann::json FirstProcess(const Pod& pod,
                              const std::string& container) const;

  LabFile lab_;
  Behaviours behaviours_;
  Api api_;
  std::string namespace_;
  /// The namespace holds, or may hold, what IsRemovedWithNamespace denies.
  mutable bool others_ = false;
  std::map<std::string, Inside> inside_;  ///< by pod and container
  std::vector<std::pair<NodeShell, std::string>> loaded_;
  std::vector<std::pair<NodeShell, std::string>> loaded_by_others_;
  std::vector<std::pair<NodeShell, std::string>> labelled_;
  std::vector<std::pair<NodeShell, std::string>> static_pods_;
  std::vector<std::pair<NodeShell, std::string>> seccomp_files_;
};

}  // namespace lab::suite
