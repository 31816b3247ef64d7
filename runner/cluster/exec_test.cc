// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/beast/websocket.hpp>
#include <future>

#include "runner/cluster/api.h"
#include "runner/cluster/fake_server.h"

namespace lab {
namespace {

namespace beast = boost::beast;
using ::testing::HasSubstr;
using Request = FakeServer::Request;
using Socket = FakeServer::Socket;
using WebSocket = beast::websocket::stream<Socket>;

enum class End {
  kClose,  ///< a close frame, as the API server sends it
  kCut,    ///< the connection ends without one
  kStay,   ///< nothing more comes
};

// Upgrades and sends these frames; the first byte of each is its channel.
FakeServer::Answer Frames(std::vector<std::string> frames, End end,
                          std::string protocol = "v5.channel.k8s.io") {
  return [=](Socket& socket, const Request& request) {
    WebSocket web_socket(std::move(socket));
    web_socket.set_option(beast::websocket::stream_base::decorator(
        [=](beast::websocket::response_type& response) {
          if (!protocol.empty()) {
            response.set("Sec-WebSocket-Protocol", protocol);
          }
        }));
    boost::system::error_code code;
    web_socket.accept(request, code);
    web_socket.binary(true);
    for (const auto& frame : frames) {
      web_socket.write(boost::asio::buffer(frame), code);
    }
    if (end == End::kClose) {
      web_socket.close(beast::websocket::close_code::normal, code);
    }
    if (end == End::kStay) FakeServer::AwaitClose(web_socket.next_layer());
  };
}

const Api::ExecCall kCall{.name_space = "ns",
                          .pod = "hello",
                          .container = "c",
                          .argv = {"touch", "/a b&c"},
                          .timeout = 20s};

ExecResult ExecAgainst(std::vector<std::string> frames, End end) {
  const FakeServer server(Frames(std::move(frames), end));
  const auto result = Api(server.path()).Exec(kCall);
  if (result) return *result;
  ADD_FAILURE() << result.error().what;
  return {};
}

constexpr const char* kSuccess = "\3{\"metadata\":{},\"status\":\"Success\"}";
constexpr const char* kExit3 =
    "\3{\"metadata\":{},\"status\":\"Failure\",\"message\":\"command "
    "terminated "
    "with non-zero exit code: exit status 3\",\"reason\":\"NonZeroExitCode\","
    "\"details\":{\"causes\":[{\"reason\":\"ExitCode\",\"message\":\"3\"}]}}";
constexpr const char* kNoSuchProgram =
    "\3{\"metadata\":{},\"status\":\"Failure\",\"message\":\"exec: "
    "\\\"touch\\\": "
    "executable file not found\",\"reason\":\"InternalError\","
    "\"details\":{\"causes\":[{\"message\":\"x\"}]},\"code\":500}";

TEST(Exec, KeepsTheStreamsApart) {
  for (const auto end : {End::kClose, End::kCut, End::kStay}) {
    const auto result = ExecAgainst(
        {"\1", "\2", "\1one ", "\2err", std::string("\1t\0o\n", 5), kSuccess},
        end);
    EXPECT_EQ(result.out, std::string("one t\0o\n", 8));
    EXPECT_EQ(result.err, "err");
    EXPECT_EQ(result.status, 0);
    EXPECT_EQ(result.failure, "");
  }
}

TEST(Exec, AsksForTheCommandArgumentByArgument) {
  std::promise<Request> seen;
  const FakeServer server([&](Socket& socket, const Request& request) {
    seen.set_value(request);
    Frames({kSuccess}, End::kClose)(socket, request);
  });
  ASSERT_TRUE(Api(server.path()).Exec(kCall));
  const auto request = seen.get_future().get();
  EXPECT_EQ(request.target(),
            "/api/v1/namespaces/ns/pods/hello/exec?stdout=true&stderr=true"
            "&container=c&command=touch&command=%2Fa%20b%26c");
  EXPECT_EQ(request["Sec-WebSocket-Protocol"],
            "v5.channel.k8s.io, v4.channel.k8s.io");
}

// The mark may be cut in two by the frames.
TEST(Exec, ProfilesHaveTheClustersNamesThereAndTheDocumentsHere) {
  std::promise<Request> seen;
  const FakeServer server([&](Socket& socket, const Request& request) {
    seen.set_value(request);
    Frames({"\1lab-x.l", "\1ab-1 (enforce)\n", kSuccess}, End::kClose)(
        socket, request);
  });
  auto call = kCall;
  call.argv = {"change", "lab-x"};

  const auto result =
      Api(server.path(), ProfileNames(".lab-1", {"lab-x"})).Exec(call);

  ASSERT_TRUE(result) << result.error().what;
  EXPECT_THAT(std::string(seen.get_future().get().target()),
              HasSubstr("command=change&command=lab-x.lab-1"));
  EXPECT_EQ(result->out, "lab-x (enforce)\n");
}

TEST(Exec, SpeaksTheProtocolThatTheServerChooses) {
  for (const auto* protocol : {"v5.channel.k8s.io", "v4.channel.k8s.io"}) {
    const FakeServer server(Frames({"\1hi", kExit3}, End::kClose, protocol));
    const auto result = Api(server.path()).Exec(kCall);
    ASSERT_TRUE(result) << result.error().what;
    EXPECT_EQ(result->out, "hi");
    EXPECT_EQ(result->status, 3);
  }
}

TEST(Exec, AnotherProtocolIsAnError) {
  for (const auto* protocol : {"", "channel.k8s.io", "v6.channel.k8s.io"}) {
    const FakeServer server(Frames({"\1hi", kSuccess}, End::kClose, protocol));
    const auto result = Api(server.path()).Exec(kCall);
    ASSERT_FALSE(result) << protocol;
    EXPECT_THAT(result.error().what, HasSubstr("exec in pod hello"));
    EXPECT_THAT(result.error().what,
                HasSubstr("protocol \"" + std::string(protocol) + '"'));
  }
}

TEST(Exec, KnowsTheExitStatus) {
  const auto result = ExecAgainst({"\2no", kExit3}, End::kClose);
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(result.err, "no");
}

TEST(Exec, ACommandThatDidNotStartHasNoStatusButAReason) {
  const auto result = ExecAgainst({kNoSuchProgram}, End::kClose);
  EXPECT_EQ(result.status, -1);
  EXPECT_THAT(result.failure, HasSubstr("executable file not found"));
}

// Otherwise "no output, no reason" could pass for an observation.
TEST(Exec, AnEndWithoutAStatusSaysSo) {
  for (const auto end : {End::kClose, End::kCut}) {
    const auto result = ExecAgainst({"\1half"}, end);
    EXPECT_EQ(result.status, -1);
    EXPECT_EQ(result.out, "half");
    EXPECT_THAT(result.failure, HasSubstr("without a status"));
  }
}

TEST(Exec, AStatusOfAnotherShapeIsNoCrash) {
  for (const auto* frame :
       {"\3[]", "\3oops", "\3{\"status\":1}", "\3{\"details\":null}",
        "\3{\"details\":{\"causes\":[{\"reason\":\"ExitCode\",\"message\":"
        "\"many\"}]}}",
        "\3{\"details\":{\"causes\":[7]}}", "\3{\"details\":{\"causes\":7}}"}) {
    const auto result = ExecAgainst({frame}, End::kClose);
    EXPECT_EQ(result.status, -1) << frame;
    EXPECT_NE(result.failure, "") << frame;
  }
}

TEST(Exec, ARefusedUpgradeSaysWhy) {
  const FakeServer server([](Socket& socket, const Request&) {
    FakeServer::Send(socket,
                     HttpAnswer("404 Not Found",
                                R"({"message":"pods \"hello\" not found"})"));
  });
  const auto result = Api(server.path()).Exec(kCall);
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_EQ(result->status, -1);
  EXPECT_THAT(result->failure, HasSubstr("HTTP 404"));
  EXPECT_THAT(result->failure, HasSubstr("not found"));
}

TEST(Exec, EndsAtItsTimeout) {
  auto call = kCall;
  call.timeout = 200ms;
  const FakeServer silent(
      [](Socket& socket, const Request&) { FakeServer::AwaitClose(socket); });
  const FakeServer stuck(Frames({"\1half"}, End::kStay));
  for (const auto* server : {&silent, &stuck}) {
    const auto result = Api(server->path()).Exec(call);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::kTimeout);
    EXPECT_THAT(result.error().what, HasSubstr("exec in pod hello: touch"));
  }
}

}  // namespace
}  // namespace lab
