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
  std::string config;      ///< empty: kind-configs/default.yaml
  std::string runtime = "crun";
  std::string accel = "auto";
  std::string debian_mirror;
  bool offline = false;
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
  bool list_sabotage = false;
  bool keep_lab = false;
  bool strict = false;
  int jobs = 0;                   ///< 0: chosen by the number of workers
  int timeout_seconds = 0;        ///< of each case; 0: as the catalog says
  std::vector<std::string> argv;  ///< the whole command line, for the records
};

struct LabCommandOptions {
  LabOptions lab;
  std::string name = "lab";
  std::string from_saved{};  ///< of a saved lab; empty: a new lab
  std::string save_as{};     ///< of `lab save`
  std::string node;
  std::vector<std::string> command;  ///< of `lab shell NODE -- ...`
};

/// What every command is given.
struct Context {
  Path home;
  Path cache;
  TerminalOptions terminal;
};

}  // namespace lab
