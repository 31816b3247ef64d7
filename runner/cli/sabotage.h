// SPDX-License-Identifier: Apache-2.0
// Deliberate breakage of a lab, suites/SUITE/sabotage.json: what shows that a
// case can fail.
#pragma once

#include <string>
#include <vector>

#include "runner/base/files.h"
#include "runner/base/result.h"
#include "runner/cluster/lab_file.h"

namespace lab {

/// One of:
///   replace-profile       load the file `with` under the name `profile`
///   replace-all-profiles  the same for every profile of the suite
///   load-profile          load `profile`, although no case asked for it
///   load-withheld         load every profile that some case wants missing
///   skip-node             load nothing on `node` ("last-worker")
///   apply                 create the objects of the file `manifest`
///   write-node-file       write `text` to the file `path` of every worker
///   cover-node-file       let every worker see `text`, or the file `with`, at
///                         `path`; the file itself stays as it is. With
///                         `runtime`, an error where workers run pods with
///                         another
///   replace-image-file    put the file `with` at `path` of the images that
///                         have it; what was there is called `path`.true
///   replace-kubectl       give the cases the program `with` as kubectl
/// Files are below the project's root. @PROFILE@ in a profile's text stands for
/// the name it is loaded under.
struct SabotageAction {
  std::string action;
  std::string profile;
  std::string with;
  std::string node;
  std::string manifest;
  std::string path;
  std::string text;
  std::string runtime;  ///< of the workers, where it breaks what it should
};

struct Sabotage {
  std::string name;
  std::string summary;
  std::vector<SabotageAction> actions;
};

/// Unknown actions and fields are errors.
Result<std::vector<Sabotage>> LoadSabotages(const Path& home,
                                            const std::string& suite);

/// Does what a sabotage says of the cluster and the nodes; what it says of
/// profiles is done where profiles are loaded (fixtures.h). `lab` is changed
/// where the cases must see something else. Returns when it is in effect.
Status BeginSabotage(const Path& home, const Sabotage& sabotage, LabFile& lab);

/// Takes it back; for labs that live on.
Status EndSabotage(const Path& home, const Sabotage& sabotage,
                   const LabFile& lab);

}  // namespace lab
