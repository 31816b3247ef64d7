// SPDX-License-Identifier: Apache-2.0
// What the command line says, command by command, as plain data.
#pragma once

#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/report/terminal.h"

namespace lab {

/// Shared by all commands that need a lab or its parts.
struct LabOptions {
  std::string lab = "auto";
  std::string kubernetes;  ///< empty: the table's default
  std::string node_os;     ///< empty: the table's default
  std::string config;      ///< empty: as the suite says (suite_shape.h)
  std::string suite;       ///< empty: for no suite in particular
  std::string runtime;     ///< empty: crun, or what works on a node's system
  std::string accel = "auto";
  std::string node_image;  ///< of --lab kind; empty: built
  std::string debian_mirror;
  bool offline = false;
  std::string kubeconfig;  ///< of --lab kubeconfig, as the next two
  std::string context;     ///< empty: the file's current one
  std::string image;       ///< of the fixtures; empty: kFixtureImage
};

struct RunOptions {
  LabOptions lab;
  std::string suite;
  std::string filter;
  std::string report_dir;
  std::string junit;
  std::string use_lab;
  std::string from_saved;
  std::string sabotage;
  std::string matrix;  ///< name or path; the suite runs once for each row
  bool resume = false;
  bool dry_run = false;
  std::string known_issues;  ///< a list of one's own, beside the suite's
  bool list_sabotage = false;
  bool keep_lab = false;
  bool strict = false;
  int jobs = 0;                   ///< 0: chosen by the number of workers
  int timeout_seconds = 0;        ///< of each case; 0: as the catalog says
  std::vector<std::string> argv;  ///< the whole command line, for the records

  /// Set by a matrix. A combination always leaves records, also when its plan
  /// does not hold when its turn comes; `cases` are the ids it runs, `title`
  /// stands above the live lines.
  std::string combination;
  std::vector<std::string> cases;
  std::string title;
};

struct LabCommandOptions {
  LabOptions lab;
  std::string name = "lab";
  std::string from_saved{};  ///< of a saved lab; empty: a new lab
  std::string save_as{};     ///< of `lab save`
  std::string node;
  std::vector<std::string> command;  ///< of `lab shell NODE -- ...`
};

struct SeccompOptions {
  std::vector<std::string> subjects;  ///< one for dump, two for diff
  std::string lab;                    ///< empty: the only one
  std::string container;              ///< empty: the first
  std::string format = "table";
  std::string oci_runtime;  ///< that makes filters of profiles; empty: crun
  std::string libseccomp;   ///< of that runtime; empty: 2.6.0
};

/// What every command is given.
struct Context {
  Path home;
  Path cache;
  TerminalOptions terminal;
};

}  // namespace lab
