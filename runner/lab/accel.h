// SPDX-License-Identifier: Apache-2.0
// Whether KVM really runs stock kernels here. That /dev/kvm exists and opens
// is no proof: on some machines every boot hangs in it.
#pragma once

#include <string>

#include "runner/lab/machine.h"

namespace lab {

struct AccelChoice {
  Accel accel = Accel::kTcg;
  std::string reason;  ///< one line, for people and for lab.json
};

struct AccelRequest {
  std::string wanted = "auto";  ///< auto, kvm or tcg
  Machine machine;
  Path kernel;
  Path initramfs;
  Path cache;  ///< the verdict is kept here, one per boot of the host
};

/// `auto` boots the initramfs with KVM for at most 3 s. `kvm` does so too, and
/// is an error if it fails; `tcg` asks nobody.
Result<AccelChoice> ChooseAccel(const AccelRequest& request);

}  // namespace lab
