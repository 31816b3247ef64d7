// SPDX-License-Identifier: Apache-2.0
#include "runner/cluster/api.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <nlohmann/json.hpp>

#include "runner/cluster/fake_server.h"

namespace lab {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Request = FakeServer::Request;
using Socket = FakeServer::Socket;

constexpr const char* kForbidden =
    R"({"kind":"Status","apiVersion":"v1","status":"Failure",)"
    R"("message":"pods is forbidden: no","reason":"Forbidden","code":403})"
    "\n";

// A server that gives every request this answer, and notes the request.
class OneAnswer {
 public:
  explicit OneAnswer(std::string bytes)
      : server_([this, bytes](Socket& socket, const Request& request) {
          seen_.set_value(request);
          FakeServer::Send(socket, bytes);
        }) {}
  Api api(ProfileNames names = {}) const {
    return Api(server_.path(), std::move(names));
  }
  Request Seen() { return seen_.get_future().get(); }

 private:
  std::promise<Request> seen_;
  FakeServer server_;
};

TEST(UrlEncode, KeepsOnlyWhatAQueryMayHold) {
  EXPECT_EQ(UrlEncode("aZ09-_.~"), "aZ09-_.~");
  EXPECT_EQ(UrlEncode("a b&c=d/%+#?"), "a%20b%26c%3Dd%2F%25%2B%23%3F");
  EXPECT_EQ(UrlEncode("\xc3\xa9\n"), "%C3%A9%0A");
  EXPECT_EQ(UrlEncode(std::string("\0", 1)), "%00");
}

TEST(Api, GetReadsJson) {
  OneAnswer server(HttpAnswer("200 OK", R"({"kind":"Pod"})"));
  const auto pod = server.api().Get("/api/v1/x?y=z");
  ASSERT_TRUE(pod) << pod.error().what;
  EXPECT_EQ(pod->at("kind"), "Pod");
  const auto request = server.Seen();
  EXPECT_EQ(request.method_string(), "GET");
  EXPECT_EQ(request.target(), "/api/v1/x?y=z");
}

TEST(Api, PostAndPatchSendTheirKindOfBody) {
  OneAnswer posted(HttpAnswer("201 Created", "{}"));
  OneAnswer patched(HttpAnswer("200 OK", "{}"));
  ASSERT_TRUE(posted.api().Post("/a", {{"b", 1}}));
  ASSERT_TRUE(patched.api().Patch("/a", {{"b", nullptr}}));
  const auto post = posted.Seen();
  const auto patch = patched.Seen();
  EXPECT_EQ(post.method_string(), "POST");
  EXPECT_EQ(post["Content-Type"], "application/json");
  EXPECT_EQ(post.body(), R"({"b":1})");
  EXPECT_EQ(patch.method_string(), "PATCH");
  EXPECT_EQ(patch["Content-Type"], "application/merge-patch+json");
  EXPECT_EQ(patch.body(), R"({"b":null})");
}

TEST(Api, ProfilesHaveTheClustersNamesThereAndTheDocumentsHere) {
  const ProfileNames names(".lab-1", {"lab-x"});
  const std::string answer = R"({"said":"profile lab-x.lab-1"})";
  OneAnswer posted(HttpAnswer("200 OK", answer));
  OneAnswer watched(HttpAnswer(
      "200 OK", R"({"type":"ADDED","object":)" + answer + "}\n"));

  const auto made =
      posted.api(names).Post("/a", {{"profile", "localhost/lab-x"}});
  const auto seen = watched.api(names).Watch(
      {.path = "/b", .what = "it", .done = [](const auto&, const auto&) {
         return true;
       }});

  ASSERT_TRUE(made) << made.error().what;
  EXPECT_EQ(posted.Seen().body(), R"({"profile":"localhost/lab-x.lab-1"})");
  EXPECT_EQ(made->at("said"), "profile lab-x");
  ASSERT_TRUE(seen) << seen.error().what;
  EXPECT_EQ(seen->at("said"), "profile lab-x");
}

TEST(Api, ARefusalHasTheServersMessage) {
  OneAnswer server(HttpAnswer("403 Forbidden", kForbidden));
  const auto pod = server.api().Get("/pods");
  ASSERT_FALSE(pod);
  EXPECT_EQ(pod.error().what, "GET /pods: HTTP 403: pods is forbidden: no");
}

TEST(Api, ARefusalThatIsNoStatusIsShownAsItIs) {
  OneAnswer server(HttpAnswer("502 Bad Gateway", "dial tcp: refused"));
  const auto pod = server.api().Get("/pods");
  ASSERT_FALSE(pod);
  EXPECT_THAT(pod.error().what, HasSubstr("HTTP 502: dial tcp: refused"));
}

TEST(Api, AnswersThatAreNoJsonAreErrors) {
  OneAnswer server(HttpAnswer("200 OK", "<html>"));
  const auto pod = server.api().Get("/pods");
  ASSERT_FALSE(pod);
  EXPECT_THAT(pod.error().what, HasSubstr("no JSON: <html>"));
}

TEST(Api, RequestTakesAnyStatusAsAnAnswer) {
  OneAnswer server(HttpAnswer("500 Internal Server Error", "why"));
  const auto answer = server.api().Request({.path = "/healthz"});
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->status, 500u);
  EXPECT_EQ(answer->body, "why");
}

TEST(Api, ReadsLargeAnswersWhole) {
  const std::string text(3'000'000, 'x');
  OneAnswer server(HttpAnswer("200 OK", text));
  const auto answer = server.api().Request({.path = "/"});
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->body, text);
}

TEST(Api, EndsAtItsTimeout) {
  FakeServer server(
      [](Socket& socket, const Request&) { FakeServer::AwaitClose(socket); });
  const auto answer =
      Api(server.path()).Request({.path = "/slow", .timeout = 100ms});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::kTimeout);
  EXPECT_THAT(answer.error().what, HasSubstr("GET /slow"));
}

TEST(Api, AServerThatIsNotThereIsNamed) {
  const auto answer = Api("/no/such.sock").Get("/");
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().what, HasSubstr("/no/such.sock"));
}

TEST(Delete, LeavesNoGracePeriod) {
  OneAnswer server(HttpAnswer("200 OK", "{}"));
  ASSERT_TRUE(server.api().Delete("/pods/a"));
  const auto request = server.Seen();
  EXPECT_EQ(request.method_string(), "DELETE");
  EXPECT_EQ(json::parse(request.body()).at("gracePeriodSeconds"), 0);
}

TEST(Delete, OfWhatIsNotThereIsASuccess) {
  OneAnswer server(HttpAnswer("404 Not Found", "{}"));
  EXPECT_TRUE(server.api().Delete("/pods/a"));
}

TEST(Delete, SaysWhyItWasRefused) {
  OneAnswer server(HttpAnswer("403 Forbidden", kForbidden));
  const auto status = server.api().Delete("/pods/a");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().what, HasSubstr("pods is forbidden"));
}

std::string Event(const std::string& type, const std::string& phase) {
  return json{{"type", type},
              {"object", {{"phase", phase}, {"note", "é\n\"{}"}}}}
             .dump() +
         "\n";
}

// An answer whose body arrives in these chunks (RFC 9112, 7.1). The reader
// gets each of them apart, however the socket delivers the bytes.
std::string Chunked(const std::string& status,
                    const std::vector<std::string>& chunks) {
  std::string answer =
      "HTTP/1.1 " + status + "\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const auto& chunk : chunks) {
    if (chunk.empty()) continue;  // would end the body
    answer += fmt::format("{:x}\r\n{}\r\n", chunk.size(), chunk);
  }
  return answer;
}
constexpr const char* kLastChunk = "0\r\n\r\n";

struct Watched {
  std::vector<std::string> seen;  ///< "ADDED Pending"
  Result<json> result = Error{};
};

Watched WatchUntilRunning(const Path& socket, Duration timeout = 20s) {
  Watched watched;
  watched.result = Api(socket).Watch(
      {.path = "/pods?watch=1",
       .what = "pod a to run",
       .timeout = timeout,
       .done =
           [&](const std::string& type, const json& object) {
             const std::string phase = object.value("phase", "");
             watched.seen.push_back(type + " " + phase);
             return phase == "Running";
           },
       .describe =
           [](const json& o) { return "phase " + o.value("phase", ""); }});
  return watched;
}

Watched WatchAnswer(const std::string& answer) {
  FakeServer server([&](Socket& socket, const Request&) {
    FakeServer::Send(socket, answer);
  });
  return WatchUntilRunning(server.path());
}

// The property that a watch must have: how the bytes come says nothing.
TEST(Watch, GivesTheSameWhereverTheStreamIsSplit) {
  const std::string stream = Event("ADDED", "Pending") +
                             Event("MODIFIED", "Creating") +
                             Event("MODIFIED", "Running");
  std::vector<std::vector<std::string>> splits;
  for (std::size_t at = 0; at <= stream.size(); ++at) {
    splits.push_back({stream.substr(0, at), stream.substr(at)});
  }
  splits.emplace_back();
  for (const char c : stream) splits.back().emplace_back(1, c);
  std::size_t next = 0;
  FakeServer server([&](Socket& socket, const Request&) {
    FakeServer::Send(socket, Chunked("200 OK", splits[next]));
    FakeServer::AwaitClose(socket);
  });
  for (; next < splits.size(); ++next) {
    const auto watched = WatchUntilRunning(server.path());
    ASSERT_TRUE(watched.result) << next << watched.result.error().what;
    ASSERT_EQ(watched.result->at("note"), "é\n\"{}") << next;
    ASSERT_THAT(watched.seen, ElementsAre("ADDED Pending", "MODIFIED Creating",
                                          "MODIFIED Running"))
        << next;
  }
}

TEST(Watch, TimeoutTellsWhatWasLastSeen) {
  FakeServer server([](Socket& socket, const Request&) {
    FakeServer::Send(socket, Chunked("200 OK", {Event("ADDED", "Pending")}));
    FakeServer::AwaitClose(socket);
  });
  const auto watched = WatchUntilRunning(server.path(), 200ms);
  ASSERT_FALSE(watched.result);
  EXPECT_EQ(watched.result.error().kind, ErrorKind::kTimeout);
  EXPECT_THAT(watched.result.error().what, HasSubstr("wait for pod a to run"));
  EXPECT_THAT(watched.result.error().what, HasSubstr("phase Pending"));
}

TEST(Watch, AnErrorEventEndsIt) {
  const auto watched = WatchAnswer(
      Chunked("200 OK", {R"({"type":"ERROR","object":{"kind":"Status",)"
                         R"("message":"too old resource version","code":410}})"
                         "\n"}));
  ASSERT_FALSE(watched.result);
  EXPECT_EQ(watched.result.error().what,
            "wait for pod a to run: too old resource version");
  EXPECT_TRUE(watched.seen.empty());
}

TEST(Watch, AServerThatEndsItIsAnError) {
  const auto answer = Chunked("200 OK", {Event("ADDED", "Pending")});
  for (const auto& end : {std::string(kLastChunk), std::string()}) {
    const auto watched = WatchAnswer(answer + end);
    ASSERT_FALSE(watched.result);
    EXPECT_NE(watched.result.error().kind, ErrorKind::kTimeout);
    EXPECT_THAT(watched.result.error().what, HasSubstr("phase Pending"));
  }
}

TEST(Watch, ARefusalHasItsMessageHoweverItComes) {
  const std::string body = kForbidden;
  const auto half = body.size() / 2;
  for (const auto& answer :
       {HttpAnswer("403 Forbidden", body),
        Chunked("403 Forbidden", {body}) + kLastChunk,
        Chunked("403 Forbidden", {body.substr(0, half), body.substr(half)}) +
            kLastChunk}) {
    const auto watched = WatchAnswer(answer);
    ASSERT_FALSE(watched.result);
    EXPECT_THAT(watched.result.error().what,
                HasSubstr("HTTP 403: pods is forbidden: no"));
  }
}

}  // namespace
}  // namespace lab
