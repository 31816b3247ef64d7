// SPDX-License-Identifier: Apache-2.0
// Whether AppArmor works in the nodes of a kind lab. There each of six
// conditions can fail by itself, and pods then run unconfined, or not at all,
// without a word of which one it was.
#pragma once

#include <string>
#include <vector>

#include "runner/base/result.h"
#include "runner/cluster/lab_file.h"

namespace lab {

/// What one node says of itself.
struct AppArmorAnswers {
  /// /sys/module/apparmor/parameters/enabled; empty: the kernel has none.
  std::string enabled;
  /// Lines of PATH=VALUE below securityfs' apparmor/features; empty if that is
  /// not mounted.
  std::string features;
  std::string environment;  ///< of containerd, as in /proc/PID/environ
  /// What /sbin/apparmor_parser says against compiling a small profile; empty:
  /// nothing, as it should be.
  std::string parser;
  std::string pinned_file;  ///< that parser.conf names; empty: none
  std::string pinned;       ///< its text
  std::string profiles;     ///< the kernel's list
};

/// Which conditions do not hold, in words, each with what was seen. Empty:
/// AppArmor works, or the host's kernel has none, or has it switched off.
///
/// By pkg/apparmor/apparmor_linux.go of containerd 2.4, which looks once, when
/// it starts, for the first four: enabled; securityfs; `container` empty in its
/// environment; the parser. Then that the parser compiles for what the kernel
/// mediates, and that containerd's default profile is in the kernel.
std::vector<std::string> AppArmorFaults(const AppArmorAnswers& node);

/// The file of features that parser.conf makes the parser compile for; empty
/// if it names none.
std::string PinnedFeatures(const std::string& parser_conf);

/// Asks every node; an error names each condition that fails, and where.
Status CheckAppArmor(const LabFile& lab);

}  // namespace lab
