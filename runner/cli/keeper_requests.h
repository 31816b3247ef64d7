// SPDX-License-Identifier: Apache-2.0
// What other processes ask of a lab's keeper, over LABDIR/keeper.sock: one
// request a connection, a JSON line; the answer is news (news.h). Only the
// owner of a lab may stop its machines: if it dies in the middle, they die with
// it, and nothing stands still for ever.
#pragma once

#include <string>

#include "runner/base/unique_fd.h"
#include "runner/cli/options.h"
#include "runner/lab/vm_lab.h"

namespace lab {

class KeeperRequests {
 public:
  static Result<KeeperRequests> Listen(const Path& lab_directory);
  /// Readable when there is a request.
  int fd() const { return socket_.get(); }
  /// Answers one.
  void Serve(const Context& context, Lab& lab) const;

 private:
  explicit KeeperRequests(UniqueFd socket) : socket_(std::move(socket)) {}
  UniqueFd socket_;
};

/// Asks the keeper of `lab` to save it as `name`, and shows its news. An
/// interruption ends the asking; the keeper finishes its work.
Status AskToSave(const LabFile& lab, const std::string& name,
                 Progress& progress);

}  // namespace lab
