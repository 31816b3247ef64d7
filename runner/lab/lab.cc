// SPDX-License-Identifier: Apache-2.0
#include "runner/lab/lab.h"

#include <fmt/format.h>
#include <unistd.h>

#include "runner/base/clock.h"

namespace lab {

Status Lab::Save(const Path&, const Path&, const std::string&, Progress&) {
  return UsageError(
      fmt::format("lab {} is of kind {}, which cannot be saved; a vm lab can",
                  file().name, file().kind));
}

Status BeginLab(const std::string& name, const Path& directory, LabFile& lab) {
  lab.name = name;
  lab.created = TimestampUtc();
  lab.state = "starting";
  lab.owner = ProcessId::Of(::getpid());
  lab.directory = directory;
  lab.kubeconfig = directory / "admin.conf";
  lab.api_socket = directory / "api.sock";
  LAB_CHECK_OK(MakeDirectories(directory / "logs"));
  std::error_code code;
  std::filesystem::permissions(directory, std::filesystem::perms::owner_all,
                               code);
  if (!code) return {};
  return Error{fmt::format("chmod {}: {}", directory.string(), code.message())};
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
