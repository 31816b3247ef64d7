// SPDX-License-Identifier: Apache-2.0
// The Kubernetes API, through the unix socket of a `kubectl proxy`: whatever
// credentials a kubeconfig needs are kubectl's business. The only place that
// knows Boost.Beast.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "runner/base/clock.h"
#include "runner/base/files.h"
#include "runner/base/result.h"
#include "runner/cluster/profile_names.h"

namespace lab {

/// What ran in a container, and how it ended.
struct ExecResult {
  std::string out;
  std::string err;
  /// Exit status of the command; -1 if the API did not get that far, then
  /// `failure` says why.
  int status = -1;
  std::string failure;
};

struct ApiResponse {
  unsigned status = 0;  ///< HTTP status
  std::string body;
  /// Texts of its Warning headers (RFC 9111, code 299), which is how the API
  /// server tells of deprecated things.
  std::vector<std::string> warnings;
};

/// Each call opens a connection of its own, so one Api may be used from
/// several threads. Every call ends at its deadline, or when the person
/// interrupts.
class Api {
 public:
  /// `names` are what profiles are called in the cluster: bodies and command
  /// lines go there with those, and answers come back with those of the
  /// documents.
  explicit Api(Path socket, ProfileNames names = {})
      : socket_(std::move(socket)), names_(std::move(names)) {}

  struct Call {
    std::string method = "GET";
    std::string path{};  ///< with query
    std::string body{};
    std::string content_type = "application/json";
    Duration timeout = 30s;
  };
  /// Any HTTP answer is a success; an Error means there was none.
  Result<ApiResponse> Request(const Call& call) const;

  /// Like Request, but an HTTP status of 400 and above is an Error with the
  /// server's message.
  Result<nlohmann::json> Json(const Call& call) const;
  Result<nlohmann::json> Get(const std::string& path) const;
  Result<nlohmann::json> Post(const std::string& path,
                              const nlohmann::json& object) const;
  /// A merge patch (RFC 7386).
  Result<nlohmann::json> Patch(const std::string& path,
                               const nlohmann::json& patch) const;
  /// Without grace period; an object that is not there is a success.
  Status Delete(const std::string& path) const;

  struct WatchFor {
    std::string path{};  ///< a collection, with `watch=1` and selectors
    std::string what{};  ///< "pod hello to be Running", for the error
    Duration timeout = 60s;
    /// Looks at each event (type, object); true ends the watch.
    std::function<bool(const std::string&, const nlohmann::json&)> done{};
    /// Says in a line what an object looks like, for the error.
    std::function<std::string(const nlohmann::json&)> describe{};
  };
  /// The object for which `done` was true. A watch without resourceVersion
  /// begins with what is there already, so nothing can be missed. The timeout
  /// error tells what was last seen.
  Result<nlohmann::json> Watch(const WatchFor& watch) const;

  struct ExecCall {
    std::string name_space{};
    std::string pod{};
    std::string container{};  ///< empty: the only one
    std::vector<std::string> argv{};
    Duration timeout = 60s;
  };
  /// What `kubectl exec POD -c CONTAINER -- argv...` does (subresource exec,
  /// WebSocket protocol v5.channel.k8s.io, KEP-4006). An Error only if there
  /// was no answer.
  Result<ExecResult> Exec(const ExecCall& call) const;

 private:
  Path socket_;
  ProfileNames names_;
};

/// Percent-encodes what a query may not hold.
std::string UrlEncode(const std::string& text);

}  // namespace lab
