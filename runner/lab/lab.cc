// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/lab.h"

#include <fmt/format.h>

#include "runner/base/clock.h"

namespace lab {

Status Lab::Save(const Path&, const Path&, const std::string&, Progress&) {
  return UsageError(
      fmt::format("lab {} is of kind {}, which cannot be saved; a vm lab can",
                  file().name, file().kind));
}

Status TimedStep(LabFile& lab, Progress& progress, const std::string& name,
                 const std::string& fact, const std::function<Status()>& step) {
  const Stopwatch watch;
  progress.Begin(name, "starting");
  const Status status = step();
  progress.End(name, status.has_value(),
               status ? "ready" : status.error().what);
  lab.facts[fact] = fmt::format("{:.2f}", watch.Seconds());
  return status;
}

}  // namespace lab
