// SPDX-License-Identifier: Apache-2.0
#include "runner/cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <optional>

#include "runner/base/text.h"
#include "runner/cli/catalog.h"
#include "runner/cli/commands.h"
#include "runner/cli/seccomp_command_line.h"
#include "runner/components/cache.h"
#include "runner/components/table.h"

namespace lab {
namespace {

constexpr const char* kAbout =
    "Confinement Lab: does this kernel, runtime and Kubernetes confine "
    "containers as documented?\n"
    "`runner --suite apparmor` provisions real nodes, runs every case, proves "
    "it from the\nkernel's side and writes JUnit.";

constexpr const char* kFooter =
    "Exit status: 0 all well, 1 a case failed, 2 usage, 3 a case could not "
    "find out,\n  4 nothing ran or everything was skipped, 5 a component or "
    "lab "
    "could not be\n  provided, 70 a bug in the runner, 130/143 interrupted.\n"
    "Environment: CONFINEMENT_LAB_CACHE (parts and labs; default "
    "~/.cache/confinement-lab),\n  CONFINEMENT_LAB_HOME (the project's root), "
    "CONFINEMENT_LAB_KNOWN_ISSUES (as --known-issues),\n  NO_COLOR, "
    "CLICOLOR_FORCE.\n"
    "Try: runner doctor; runner list; runner explain enforce-deny-write; "
    "runner lab up;\n  runner --suite apparmor --matrix nightly --dry-run";

struct Parsed {
  RunOptions run;
  LabCommandOptions lab;
  SeccompOptions seccomp;
  std::string color = "auto";
  bool quiet = false;
  bool verbose = false;
  bool json = false;
  bool coverage = false;
  std::string id;
  int news_fd = -1;
};

using Action = ChosenAction;

class Grammar {
 public:
  Grammar() : app_(kAbout, "runner") {
    app_.footer(kFooter);
    app_.set_version_flag("--version", "confinement-lab " LAB_VERSION);
    app_.require_subcommand(1);
    app_.fallthrough();
    app_.add_flag("-q,--quiet", parsed_.quiet, "Failures and summary only");
    app_.add_flag("-v,--verbose", parsed_.verbose, "Every step as a line");
    app_.add_option("--color", parsed_.color, "auto, always or never")
        ->check(CLI::IsMember({"auto", "always", "never"}));
    AddRun();
    AddFetch();
    AddLab();
    AddCatalog();
    AddSeccompCommands(app_, parsed_.seccomp,
                       [this](Action action) { action_ = std::move(action); });
    AddKeep();
  }

  ExitCode Parse(std::vector<std::string> arguments) {
    parsed_.run.argv = arguments;
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants it
    try {
      app_.parse(arguments);
    } catch (const CLI::Success& e) {
      app_.exit(e);
      return ExitCode::kOk;
    } catch (const CLI::ParseError& e) {
      return Complain(UsageError(
          fmt::format("{}; `runner --help` shows what there is", What(e))));
    }
    return Perform();
  }

 private:
  // Of a word that is no command, CLI11 only says that a command is missing.
  std::string What(const CLI::ParseError& e) const {
    const std::string what = ReplaceAll(e.what(), "\n", " ");
    const auto rest = app_.remaining(true);
    if (rest.empty() || what.find(rest.front()) != std::string::npos) {
      return what;
    }
    return fmt::format("\"{}\" is unknown", rest.front());
  }

  CLI::App* Command(CLI::App& parent, const std::string& name,
                    const std::string& about, Action action) {
    CLI::App* command = parent.add_subcommand(name, about);
    command->callback([this, action] { action_ = action; });
    return command;
  }

  void AddLabOptions(CLI::App& command, LabOptions& options) {
    AddLabKind(command, options);
    command.add_option("--kubernetes", options.kubernetes,
                       "Version, such as 1.36 (default) or 1.36.3");
    AddNodeOs(
        command, options,
        "Debian suite of nodes whose labels choose none: " + NodeSystems());
    command.add_option("--config", options.config,
                       "Shape of the lab, a kind cluster config (default: "
                       "as the suite wants it, else kind-configs/default.yaml, "
                       "one control plane, two workers)");
    command.add_option(
        "--runtime", options.runtime,
        "Default OCI runtime of the nodes: crun or runc (default: crun "
        "where it works)");
    command.add_option("--accel", options.accel,
                       "auto (KVM if a test boot works), kvm or tcg");
    AddNodeImage(command, options);
    AddPartOptions(command, options);
  }

  static void AddLabKind(CLI::App& command, LabOptions& options) {
    command.add_option("--lab", options.lab,
                       "auto (vm), vm, kind, or kubeconfig");
  }

  static void AddNodeImage(CLI::App& command, LabOptions& options) {
    command.add_option("--node-image", options.node_image,
                       "With --lab kind: built (default), official (kind's "
                       "own, pulled by digest) or the name of an image");
  }

  static void AddCluster(CLI::App& command, LabOptions& options) {
    command.add_option("--kubeconfig", options.kubeconfig,
                       "With --lab kubeconfig: the cluster to run in, which is "
                       "left as it was");
    command.add_option("--context", options.context,
                       "Of the kubeconfig (default: its current one)");
    command.add_option("--image", options.image,
                       "Of the fixtures, in that cluster: has busybox and the "
                       "probes (default: lab.local/busybox:1)");
  }

  static void AddNodeOs(CLI::App& command, LabOptions& options,
                        const std::string& about) {
    command.add_option("--node-os", options.node_os, about);
  }

  // What components.json has, for --help; it is read again, and complained
  // about, when a command needs it.
  static std::string NodeSystems() {
    const auto home = FindHome();
    if (!home) return "see components.json";
    const auto table = LoadComponentTable(*home);
    if (!table) return "see components.json";
    std::vector<std::string> names;
    for (const auto& part : table->node_os) names.push_back(part.name);
    return fmt::format("{} (default: {})", Join(names, ", "),
                       table->default_node_os);
  }

  void AddPartOptions(CLI::App& command, LabOptions& options) {
    command.add_option("--debian-mirror", options.debian_mirror,
                       "Debian archive for the nodes (default: the host's)");
    command.add_flag("--offline", options.offline,
                     "Build nothing: a part that is missing is an error");
  }

  void AddRun() {
    RunOptions& o = parsed_.run;
    CLI::App* run = Command(
        app_, "run", "Run a suite (also without the word: runner --suite X)",
        [this](const Context& c) {
          parsed_.run.lab.suite = parsed_.run.suite;
          return RunSuite(c, parsed_.run);
        });
    run->add_option("--suite", o.suite, "Which suite, such as apparmor");
    run->add_option("--filter", o.filter,
                    "Only cases that match one of these globs (id or name), "
                    "separated by commas");
    AddLabOptions(*run, o.lab);
    AddCluster(*run, o.lab);
    run->add_option("--report-dir", o.report_dir,
                    "Where records.jsonl, junit.xml and logs go (default: a "
                    "new directory in reports/runs)");
    run->add_option("--junit", o.junit, "Another place for junit.xml");
    run->add_option("--use-lab", o.use_lab,
                    "Run in this lab (see runner lab ls) and leave it up");
    run->add_option("--from-saved", o.from_saved,
                    "Run in a lab restored from this saved one (see runner lab "
                    "saved) and end it");
    run->add_flag("--keep-lab", o.keep_lab, "Leave the lab up afterwards");
    run->add_flag("--strict", o.strict, "A skipped case counts as an error");
    run->add_option("-j,--jobs", o.jobs,
                    "Cases at a time (default: 3 per worker)")
        ->check(CLI::Range(1, 64));
    run->add_option("--timeout", o.timeout_seconds,
                    "Seconds a case may take (default: its own deadline)")
        ->check(CLI::Range(1, 86400));
    run->add_option("--matrix", o.matrix,
                    "Run the suite in each combination of matrices/NAME.yaml, "
                    "or of a file");
    run->add_flag("--resume", o.resume,
                  "With --matrix: go on with the newest unfinished run of it, "
                  "or with that in --report-dir");
    run->add_flag("--dry-run", o.dry_run,
                  "Show what would be provisioned and run, and do nothing");
    run->add_option("--known-issues", o.known_issues,
                    "A list of failures that are expected, beside the suite's "
                    "own (docs/known-issues.md)")
        ->envname("CONFINEMENT_LAB_KNOWN_ISSUES");
    run->add_option("--sabotage", o.sabotage,
                    "Break the lab on purpose; the right cases must fail");
    run->add_flag("--list-sabotage", o.list_sabotage,
                  "Show the suite's sabotages");
  }

  void AddFetch() {
    CLI::App* fetch =
        Command(app_, "fetch", "Get all parts ahead of time",
                [this](const Context& c) { return Fetch(c, parsed_.run.lab); });
    AddLabKind(*fetch, parsed_.run.lab);
    AddNodeImage(*fetch, parsed_.run.lab);
    fetch->add_option("--kubernetes", parsed_.run.lab.kubernetes,
                      "Version, or all");
    AddNodeOs(*fetch, parsed_.run.lab,
              "Debian suite of the nodes, or all: " + NodeSystems());
    AddPartOptions(*fetch, parsed_.run.lab);
  }

  void AddLab() {
    LabCommandOptions& o = parsed_.lab;
    CLI::App* lab = app_.add_subcommand("lab", "Labs that stay up");
    lab->require_subcommand(1);
    CLI::App* up =
        Command(*lab, "up", "Bring a lab up, print how kubectl reaches it",
                [this](const Context& c) { return LabUp(c, parsed_.lab); });
    AddLabOptions(*up, o.lab);
    up->add_option(
        "--suite", o.lab.suite,
        "In the shape that this suite wants (suites/NAME/suite.json)");
    up->add_option("--name", o.name, "Name of the lab (default: lab)");
    AddPlan(*lab);
    CLI::App* down =
        Command(*lab, "down", "End a lab",
                [this](const Context& c) { return LabDown(c, parsed_.id); });
    down->add_option("name", parsed_.id, "Which (default: the only one)");
    Command(*lab, "ls", "Show the labs", [this](const Context& c) {
      return LabLs(c, parsed_.json);
    })->add_flag("--json", parsed_.json, "As JSON");
    CLI::App* shell =
        Command(*lab, "shell", "A root shell on a node, or a command behind --",
                [this](const Context& c) {
                  parsed_.lab.name = parsed_.id;
                  return LabShell(c, parsed_.lab);
                });
    shell->add_option("--lab", parsed_.id, "Which lab (default: the node's)");
    shell->add_option("node", o.node, "Which node (default: the first worker)");
    shell->add_option("command", o.command, "What to run instead of a shell");
    CLI::App* logs = Command(*lab, "logs", "List a lab's logs, or print one",
                             [this](const Context& c) {
                               parsed_.lab.name = parsed_.id;
                               return LabLogs(c, parsed_.lab);
                             });
    logs->add_option("--lab", parsed_.id, "Which lab (default: the only one)");
    logs->add_option("log", o.node, "Which log");
    AddSaved(*lab);
    Command(*lab, "gc", "Remove what killed runners left behind",
            [](const Context& c) { return LabGc(c); });
  }

  void AddPlan(CLI::App& lab) {
    LabOptions& o = parsed_.lab.lab;
    CLI::App* plan = Command(
        lab, "plan",
        "Show what a lab makes of a config, and what would keep it from coming "
        "up",
        [this](const Context& c) {
          return ShowLabPlan(c, parsed_.lab.lab, parsed_.json);
        });
    plan->add_option("config", o.config, "A kind cluster config")->required();
    plan->add_option("--lab", o.lab, "vm (default) or kind");
    plan->add_option("--kubernetes", o.kubernetes,
                     "Version, such as 1.36 (default) or 1.36.3");
    AddNodeOs(
        *plan, o,
        "Debian suite of nodes whose labels choose none: " + NodeSystems());
    plan->add_flag("--json", parsed_.json, "As JSON");
  }

  void AddSaved(CLI::App& lab) {
    LabCommandOptions& o = parsed_.lab;
    CLI::App* save = Command(
        lab, "save", "Save a lab, to go on from there in seconds, many times",
        [this](const Context& c) { return LabSave(c, parsed_.lab); });
    save->add_option("lab", o.name, "Which lab")->required();
    save->add_option("--as", o.save_as,
                     "Name of the saved lab (default: the lab's)");
    CLI::App* restore = Command(
        lab, "restore", "Go on with a saved lab, as a lab that stays up",
        [this](const Context& c) {
          parsed_.lab.name = parsed_.id;
          return LabRestore(c, parsed_.lab);
        });
    restore->add_option("saved", o.from_saved, "Which saved lab")->required();
    restore->add_option("--name", parsed_.id,
                        "Name of the lab (default: the saved lab's)");
    Command(lab, "saved", "Show the saved labs", [this](const Context& c) {
      return LabSaved(c, parsed_.json);
    })->add_flag("--json", parsed_.json, "As JSON");
    CLI::App* forget =
        Command(lab, "forget", "Remove a saved lab",
                [this](const Context& c) { return LabForget(c, parsed_.id); });
    forget->add_option("saved", parsed_.id, "Which")->required();
  }

  void AddCatalog() {
    CLI::App* list =
        Command(app_, "list", "Show the cases", [this](const Context& c) {
          if (parsed_.coverage) return ListCoverage(c, parsed_.json);
          return ListScenarios(c, parsed_.run.suite, parsed_.json);
        });
    auto* suite =
        list->add_option("--suite", parsed_.run.suite, "Only this suite's");
    list->add_flag("--coverage", parsed_.coverage,
                   "Show the documents' statements instead, and what tests "
                   "each")
        ->excludes(suite);
    list->add_flag("--json", parsed_.json, "As JSON");
    CLI::App* explain =
        Command(app_, "explain", "What a case claims, and how it proves it",
                [this](const Context& c) { return Explain(c, parsed_.id); });
    explain
        ->add_option("id", parsed_.id,
                     "A case, such as enforce-deny-write, or a statement of "
                     "the documents, such as S0-31")
        ->required();
    CLI::App* doctor =
        Command(app_, "doctor", "What this machine has and lacks for a lab",
                [this](const Context& c) {
                  return Doctor(c, parsed_.run.lab, parsed_.json);
                });
    doctor->add_flag("--json", parsed_.json, "As JSON");
    AddLabKind(*doctor, parsed_.run.lab);
    doctor->add_option("--kubernetes", parsed_.run.lab.kubernetes, "Version");
    AddNodeOs(*doctor, parsed_.run.lab, "Debian suite: " + NodeSystems());
  }

  void AddKeep() {
    CLI::App* keep = Command(app_, "__keep", "", [this](const Context& c) {
      return Keep(c, parsed_.lab, parsed_.news_fd);
    });
    keep->group("");  // not for people
    AddLabOptions(*keep, parsed_.lab.lab);
    keep->add_option("--suite", parsed_.lab.lab.suite);
    keep->add_option("--name", parsed_.lab.name);
    keep->add_option("--from-saved", parsed_.lab.from_saved);
    keep->add_option("--news-fd", parsed_.news_fd);
  }

  ExitCode Perform() {
    const auto home = FindHome();
    if (!home) return Complain(home.error());
    const auto cache = DefaultCacheRoot();
    if (!cache) return Complain(cache.error());
    Context context{*home, *cache, {}};
    context.terminal.color = parsed_.color == "always"  ? ColorMode::kAlways
                             : parsed_.color == "never" ? ColorMode::kNever
                                                        : ColorMode::kAuto;
    context.terminal.verbosity = parsed_.quiet     ? Verbosity::kQuiet
                                 : parsed_.verbose ? Verbosity::kVerbose
                                                   : Verbosity::kNormal;
    return action_(context);
  }

  Parsed parsed_;
  Action action_;
  CLI::App app_;
};

// `runner --suite X` is `runner run --suite X`.
bool LacksCommand(const std::vector<std::string>& arguments) {
  if (arguments.empty() || !arguments[0].starts_with('-')) return false;
  const auto is_general = [](const std::string& a) {
    return a == "--help" || a == "-h" || a == "--version";
  };
  return !is_general(arguments[0]);
}

}  // namespace

ExitCode RunCommandLine(std::vector<std::string> arguments) {
  if (arguments.empty()) arguments = {"--help"};
  if (LacksCommand(arguments)) arguments.insert(arguments.begin(), "run");
  return Grammar().Parse(std::move(arguments));
}

}  // namespace lab
