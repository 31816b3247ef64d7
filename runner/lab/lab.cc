// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/lab.h"

#include <fmt/format.h>

namespace lab {

Status Lab::Save(const Path&, const Path&, const std::string&, Progress&) {
  return UsageError(
      fmt::format("lab {} is of kind {}, which cannot be saved; a vm lab can",
                  file().name, file().kind));
}

}  // namespace lab
