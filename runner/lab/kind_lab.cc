// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/kind_lab.h"

#include <fmt/format.h>

#include <future>
#include <nlohmann/json.hpp>

#include "runner/base/text.h"
#include "runner/base/version.h"
#include "runner/base/wait.h"
#include "runner/cluster/api.h"
#include "runner/cluster/node.h"
#include "runner/components/kind_extras.h"
#include "runner/lab/kind_apparmor.h"
#include "runner/lab/kind_derived_image.h"
#include "runner/lab/kind_readback.h"
#include "runner/lab/marked_profiles.h"
#include "runner/lab/node_choice.h"
#include "runner/lab/node_facts.h"
#include "runner/lab/podman.h"

namespace lab {
namespace fs = std::filesystem;
namespace {

using nlohmann::json;

constexpr const char* kKindLog = "kind";

// What every lab has: its runtimes by name.
const char* const kRuntimeClasses[] = {"crun", "runc"};

std::string NetworkOf(const std::string& lab) {
  return "confinement-lab-" + lab;
}

// What kind itself complains of: the line with its error, and behind it, where
// that is kubeadm's, the first of kubeadm's own.
std::string WhyKindFailed(const std::string& log) {
  std::string why;
  for (const auto& line : Lines(log)) {
    if (why.empty()) {
      if (line.starts_with("ERROR:")) why = Trim(line);
      continue;
    }
    if (line.starts_with("error:") ||
        line.starts_with("error execution phase")) {
      return fmt::format("{}\n  kubeadm: {}", why, Trim(line));
    }
  }
  return why.empty() ? LastLines(Trim(log), 3) : why;
}

}  // namespace

Status CheckForKindLab(const KindConfig& config) {
  for (const auto& node : config.nodes) {
    for (const auto& [label, value] : node.labels) {
      if (!label.starts_with(kChoicePrefix)) continue;
      return AtLabel(config, node, label,
                     fmt::format("label {} chooses a machine of a vm lab; the "
                                 "nodes of kind share the host's kernel",
                                 label));
    }
  }
  return {};
}

Result<KindProgram> ChooseKind(const Path& part) {
  const auto ask = [](const Path& program) -> Result<KindProgram> {
    LAB_TRY(const auto said, RunOk({.argv = {program.string(), "version"}}));
    LAB_TRY(const auto version, Version::In(said));
    return KindProgram{program, version.ToString()};
  };
  LAB_TRY(const auto ours, ask(part));
  const Path theirs = FindProgram("kind");
  if (theirs.empty()) return ours;
  const auto found = ask(theirs);
  if (!found) return ours;
  LAB_TRY(const auto own, Version::In(ours.version));
  LAB_TRY(const auto other, Version::In(found->version));
  return other.Compare(own) < 0 ? ours : *found;
}

Result<std::unique_ptr<Lab>> KindLab::Up(const KindLabRequest& request,
                                         Progress& progress) {
  std::unique_ptr<KindLab> lab(new KindLab());
  auto up = lab->Start(request, progress);
  if (up) return std::unique_ptr<Lab>(std::move(lab));
  const bool tell = up.error().kind != ErrorKind::kInterrupted &&
                    up.error().kind != ErrorKind::kUsage;
  if (tell) lab->KeepNodeLogs();
  auto error = up.error();
  if (const auto damage = tell ? FindDamage(lab->file_) : std::nullopt) {
    error.what += "\n  " + *damage;
  }
  if (const auto ended = lab->End(); !ended) {
    error.what += "\n  " + ended.error().what;
  }
  if (!tell) return error;
  return ProvisionError(fmt::format("lab {}: {}", request.name, error.what));
}

KindLab::~KindLab() { (void)End().has_value(); }

Status KindLab::Start(const KindLabRequest& request, Progress& progress) {
  LAB_CHECK_OK(BeginLab(request.name, request.directory, file_));
  file_.kind = "kind";
  file_.kubectl = request.parts.kubernetes / "kubectl";
  file_.kubernetes = request.kubernetes.version;
  LAB_TRY(file_.profile_names,
          ProfileNames::MarkAnew(request.home / "profiles" / "apparmor"));
  LAB_CHECK_OK(file_.Save());
  const Stopwatch total;
  LAB_CHECK_OK(TimedStep(file_, progress, request.provider, "seconds.engine",
                         [&] { return ProvideEngine(request, progress); }));
  LAB_CHECK_OK(MakeNetwork(request));
  LAB_CHECK_OK(TimedStep(file_, progress, "node image", "seconds.image",
                         [&] { return ProvideImage(request); }));
  LAB_CHECK_OK(TimedStep(file_, progress, "kind", "seconds.kind",
                         [&] { return CreateCluster(request); }));
  LAB_CHECK_OK(TimedStep(file_, progress, "nodes", "seconds.nodes",
                         [&] { return JoinNodes(request); }));
  LAB_CHECK_OK(Measure(request));
  LAB_CHECK_OK(CheckAppArmor(file_));
  LAB_TRY(const auto shape, ResolveKindShape(request.config, request.name,
                                             request.kubernetes.version,
                                             request.kubernetes.kubeadm_api));
  LAB_CHECK_OK(CheckReadBack(file_, shape, request.config.file));
  file_.facts["seconds.lab"] = fmt::format("{:.2f}", total.Seconds());
  file_.state = "up";
  return file_.Save();
}

Status KindLab::ProvideEngine(const KindLabRequest& request,
                              Progress& progress) {
  std::string how;
  if (request.provider == "podman") {
    LAB_TRY(engine_, PodmanFor(request.directory));
  } else if (auto found = FindRunningDocker(); found.engine) {
    engine_ = std::move(found.engine);
    how = ", running";
  } else {
    const auto& why = found.lack.why;
    auto own = PrivateDocker::Use(request.cache);
    if (!own) return own.error().Within(why);
    progress.Note(why + ": a private dockerd, until the lab ends");
    private_docker_.emplace(std::move(*own));
    engine_ = private_docker_->engine();
    how = ", private";
  }
  LAB_TRY(const auto version, engine_->Version());
  file_.facts["engine"] = request.provider + " " + version + how;
  LAB_TRY(auto settings, HostSettings::Hold(request.cache));
  settings_.emplace(std::move(settings));
  file_.engine = engine_->at();
  return file_.Save();
}

Status KindLab::MakeNetwork(const KindLabRequest& request) {
  LAB_TRY(const auto there,
          engine_->Run({"ps", "--all", "--filter",
                        "label=io.x-k8s.kind.cluster=" + request.name,
                        "--format", "{{.Names}}"}));
  if (!Trim(there).empty()) {
    return UsageError(fmt::format(
        "there is a kind cluster {0} already, which is not this project's "
        "({1}); it is left alone. Choose another name, or: kind delete cluster "
        "--name {0}",
        request.name, Join(Lines(there), ", ")));
  }
  return engine_->MakeNetwork(NetworkOf(request.name), request.directory);
}

Status KindLab::ProvideImage(const KindLabRequest& request) {
  if (request.node_image.empty()) {
    image_ = request.parts.image;
    return engine_->ProvideImage(image_, request.parts.node_archive);
  }
  LAB_TRY(
      const auto derived,
      ProvideDerivedImage(*engine_, {.base = request.node_image,
                                     .kubernetes = request.kubernetes.version,
                                     .extras = request.parts.extras,
                                     .network = NetworkOf(request.name),
                                     .directory = request.directory,
                                     .offline = request.offline}));
  image_ = derived.image;
  file_.kubernetes = derived.kubernetes;
  file_.kubectl = derived.kubectl;
  return file_.Save();
}

Status KindLab::CreateCluster(const KindLabRequest& request) {
  LAB_TRY(const auto kind, ChooseKind(request.parts.kind));
  file_.facts["kind"] = kind.version;
  file_.facts["kind.path"] = kind.path.string();
  const Path log = file_.LogOf(kKindLog);
  // The person's own kubeconfig is none of kind's business here; --retain
  // leaves nodes that failed, for their logs.
  auto environment = engine_->KindEnvironment(NetworkOf(request.name));
  environment["KUBECONFIG"] = file_.kubeconfig.string();
  const auto created = RunOk(
      {.argv = {kind.path.string(), "create", "cluster", "--name", request.name,
                "--image", image_, "--config", request.config.file,
                "--kubeconfig", file_.kubeconfig.string(), "--retain"},
       .env = std::move(environment),
       .log = log,
       .timeout = 10min,
       // Podman's containers are held by descendants of kind, and stay.
       .guard = engine_->has_daemon()});
  if (created) return {};
  if (created.error().kind == ErrorKind::kInterrupted) return created.error();
  return Error{"kind create cluster: " +
               WhyKindFailed(ReadFile(log).value_or(created.error().what))};
}

Status KindLab::JoinNodes(const KindLabRequest& request) {
  LAB_CHECK_OK(FindNodes(request.config));
  LAB_CHECK_OK(Watch());
  LAB_CHECK_OK(AwaitNodes());
  LAB_CHECK_OK(ImportImages(request));
  return MakeObjects();
}

// The suites' own, which only the image of the parts has.
Status KindLab::ImportImages(const KindLabRequest& request) {
  if (request.node_image.empty()) return {};
  std::vector<std::string> archives;
  for (const auto& entry :
       fs::directory_iterator(request.parts.extras / kExtrasImages)) {
    LAB_TRY(auto archive, ReadFile(entry.path()));
    archives.push_back(std::move(archive));
  }
  std::vector<std::future<Status>> imports;
  for (const auto& node : file_.nodes) {
    imports.push_back(
        std::async(std::launch::async, [&, name = node.name]() -> Status {
          const NodeShell shell(file_, name);
          for (const auto& archive : archives) {
            LAB_TRY(const auto said, shell.AskOk({"ctr", "--namespace=k8s.io",
                                                  "images", "import", "-"},
                                                 archive));
          }
          return {};
        }));
  }
  Status all;
  for (auto& import : imports) {
    if (auto status = import.get(); !status && all) all = status;
  }
  return all;
}

// As kind names its containers, in the order of the file.
Status KindLab::FindNodes(const KindConfig& config) {
  std::map<KindRole, int> count;
  bool workers = false;
  for (const auto& node : config.nodes) {
    workers = workers || node.role == KindRole::kWorker;
  }
  for (const auto& node : config.nodes) {
    const bool worker = node.role == KindRole::kWorker;
    const int number = ++count[node.role];
    std::string name = file_.name + (worker ? "-worker" : "-control-plane");
    if (number > 1) name += std::to_string(number);
    LAB_TRY(const auto address,
            engine_->Run({"inspect", "--format",
                          "{{range .NetworkSettings.Networks}}{{.IPAddress}}"
                          "{{end}}",
                          name}));
    auto login = engine_->LoginTo(name);
    if (auto entry = NamespaceEntry::Into(login)) {
      login.command = entry->Command();
      entries_.push_back(std::move(*entry));
    }
    // Where there are no workers, kind lets pods run on the control plane.
    file_.nodes.push_back(
        {.name = name,
         .role = worker || !workers ? "worker" : "control-plane",
         .address = std::string(Trim(address)),
         .console = {},
         .labels = node.labels,
         .login = std::move(login)});
  }
  // With Docker, kind asks for a node that fails to be started again. Its pods
  // would be gone, and the cases would take that for an answer; nobody would
  // see the damage.
  std::vector<std::string> names;
  for (const auto& node : file_.nodes) names.push_back(node.name);
  LAB_CHECK_OK(engine_->NeverRestart(names));
  return file_.Save();
}

// The way to the API, and one process for each node that ends when it does.
Status KindLab::Watch() {
  const auto own = [&](const std::string& name, Command command) -> Status {
    command.log = file_.LogOf(name);
    LAB_TRY(auto process, Process::Start(command));
    file_.processes.push_back({name, process.id()});
    processes_.push_back(std::move(process));
    return {};
  };
  LAB_CHECK_OK(
      own("kubectl-proxy",
          {.argv = {file_.kubectl.string(),
                    "--kubeconfig=" + file_.kubeconfig.string(), "proxy",
                    "--unix-socket=" + file_.api_socket.string(),
                    "--disable-filter=true"}}));
  for (const auto& node : file_.nodes) {
    LAB_CHECK_OK(own(node.name, {.argv = engine_->Argv({"wait", node.name})}));
  }
  return file_.Save();
}

Status KindLab::AwaitNodes() {
  const Api api(file_.api_socket);
  LAB_CHECK_OK(WaitUntil("kubectl proxy", Deadline::In(20s), 10ms,
                         [&] { return fs::exists(file_.api_socket); }));
  std::map<std::string, bool> seen;
  const auto last =
      api.Watch({.path = "/api/v1/nodes?watch=1",
                 .what = "all nodes to be Ready",
                 .timeout = 120s,
                 .done =
                     [&](const std::string&, const json& node) {
                       seen[node.at("metadata").value("name", "")] =
                           IsReady(node);
                       std::size_t ready = 0;
                       for (const auto& [name, is] : seen) ready += is ? 1 : 0;
                       return ready == file_.nodes.size();
                     },
                 .describe =
                     [&](const json&) {
                       std::vector<std::string> told;
                       for (const auto& [name, is] : seen) {
                         told.push_back(name + (is ? " Ready" : " not Ready"));
                       }
                       return Join(told, ", ");
                     }});
  return last ? Status() : Status(last.error());
}

// The nodes of one lab have the same image, and so the same runtimes.
Status KindLab::MakeObjects() {
  const Api api(file_.api_socket);
  LAB_TRY(const auto config, NodeShell(file_, file_.nodes.front().name)
                                 .AskOk({"containerd", "config", "dump"}));
  for (const std::string name : kRuntimeClasses) {
    if (config.find("runtimes." + name + "]") == std::string::npos) continue;
    LAB_TRY(const auto made,
            api.Post("/apis/node.k8s.io/v1/runtimeclasses",
                     {{"metadata", {{"name", name}}}, {"handler", name}}));
  }
  return {};
}

Status KindLab::Measure(const KindLabRequest& request) {
  file_.facts["accelerator"] = "none";
  file_.facts["accelerator.reason"] = "nodes are containers of this host";
  file_.facts["node-image"] =
      request.node_image.empty() ? image_ : request.node_image;
  return MeasureLab(file_, [&](std::size_t worker, NodeFacts& facts) -> Status {
    facts["node-os"] = "kind";
    facts["default-runtime"] =
        DefaultRuntime(NodeShell(file_, file_.Workers()[worker].name));
    return {};
  });
}

void KindLab::KeepNodeLogs() {
  if (!engine_) return;
  const auto keep = [&](const std::string& what,
                        std::vector<std::string> argv) {
    (void)RunToEnd({.argv = engine_->Argv(std::move(argv)),
                    .log = file_.LogOf(what),
                    .timeout = 10s,
                    .stoppable = false})
        .has_value();
  };
  const auto names = engine_->Run({"ps", "--all", "--filter",
                                   "network=" + NetworkOf(file_.name),
                                   "--format", "{{.Names}}"});
  for (const auto& name : Lines(names ? *names : "")) {
    keep(name, {"logs", name});
    keep(name + "-journal", {"exec", name, "journalctl", "--no-pager",
                             "--unit=kubelet", "--unit=containerd"});
  }
}

Status KindLab::End() {
  Status ended;
  if (engine_) {
    // While there are nodes to do it through.
    if (const auto gone = RemoveMarkedProfiles(file_); !gone) {
      ended = gone.error();
    }
  }
  for (auto it = processes_.rbegin(); it != processes_.rend(); ++it) {
    it->Kill();
  }
  processes_.clear();
  entries_.clear();
  if (engine_) {
    if (const auto gone = engine_->RemoveLab(file_); !gone) {
      ended = Error{fmt::format(
          "containers of lab {} are left: {}; `runner lab gc` removes them",
          file_.name, gone.error().what)};
    }
  }
  if (!ended) {
    file_.state = kLeftState;
    (void)file_.Save().has_value();
  }
  engine_.reset();
  private_docker_.reset();
  if (settings_) {
    const auto back = settings_->Release();
    if (!back && ended) ended = back.error();
  }
  settings_.reset();
  return ended;
}

Status KindLab::Down() {
  const Status ended = End();
  if (file_.state == kLeftState) return ended;
  const Status removed = RemoveTree(file_.directory);
  return ended ? removed : ended;
}

}  // namespace lab
