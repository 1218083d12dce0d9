// The client against the server: over TCP, a unix socket and TLS; and a client that does not trust what answers.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <latch>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/log.h"
#include "crypto/key.h"
#include "crypto/self_signed.h"
#include "http/client.h"
#include "http/server.h"
#include "io/files.h"

namespace remit::http {
namespace {

using namespace std::chrono_literals;

Result<ClientResponse> PostEcho(Client& client, std::string json) {
  return client.Call({.method = "POST", .path = "/echo", .content_type = "application/json", .body = std::move(json)});
}

class Calling : public testing::Test {
 protected:
  Calling() {
    log::Configure(log::Level::kOff, false);
    char name[] = "/tmp/remit_client_XXXXXX";
    folder = ::mkdtemp(name);
    options.listeners = {{.address = "127.0.0.1:0"}, {.address = "unix:" + folder + "/s"}};
    options.hosts = {"127.0.0.1", "localhost"};
    router.Add("GET", "/hello", [](const Request& request, Respond respond) {
      respond(Text(200, fmt::format("hi {} {}", request.Find("x-a").value_or("-"), request.BearerToken().value_or("-"))));
    });
    router.Add("POST", "/echo", [](const Request& request, Respond respond) { respond(JsonText(201, request.body)); });
    router.Add("DELETE", "/echo", [](const Request&, Respond respond) { respond(Empty()); });
    router.Add("GET", "/port",
               [](const Request& request, Respond respond) { respond(Text(200, fmt::format("{} {}", request.peer->port, request.peer->tls))); });
    router.Add("GET", "/away", [](const Request&, Respond respond) {
      Response response = Empty(302);
      response.headers.push_back({"Location", "/hello"});
      respond(std::move(response));
    });
    router.Add("GET", "/big", [](const Request&, Respond respond) { respond(Text(200, std::string(2'000'000, 'x'))); });
    router.Add("GET", "/never", [this](const Request& request, Respond respond) {
      request.OnClose([this] { closed.count_down(); });
      kept.push_back(std::move(respond));
    });
    router.Add("GET", "/held", [this](const Request& request, Respond respond) {
      request.OnClose([this] { closed.count_down(); });
      respond(Stream("text/plain", [this](std::shared_ptr<StreamWriter> writer) {
        writer->Write("first\n");
        stream = writer;
        streaming.count_down();
      }));
    });
  }
  ~Calling() override {
    if (server) server->Stop();
    stream.reset(), kept.clear(), server.reset();
    std::filesystem::remove_all(folder);
  }
  void Start() {
    server = std::make_unique<Server>(options, std::move(router));
    const Status started = server->Start();
    ASSERT_TRUE(started) << started.error().message;
  }
  ClientOptions Tcp() const { return {.base_url = fmt::format("http://127.0.0.1:{}", server->port())}; }
  ClientOptions Local() const { return {.base_url = "http://localhost", .unix_socket = folder + "/s"}; }

  ServerOptions options;
  Router router;
  std::string folder;
  std::latch closed{1}, streaming{1};
  std::shared_ptr<StreamWriter> stream;
  std::vector<Respond> kept;
  std::unique_ptr<Server> server;
};

TEST_F(Calling, SendsWhatItIsToldAndGivesBackWhatCame) {
  Start();
  for (const ClientOptions& where : {Tcp(), Local()}) {
    Client client(where);
    const auto hello = client.Call({.path = "/hello", .headers = {{"X-A", "b"}}, .bearer = Secret("rmt_x")});
    ASSERT_TRUE(hello) << hello.error().message;
    EXPECT_EQ(hello->body, "hi b rmt_x");
    EXPECT_EQ(hello->Find("Content-Type"), "text/plain; charset=utf-8");
    const auto echo = PostEcho(client, "{\"a\":1}");
    ASSERT_TRUE(echo);
    EXPECT_EQ(echo->status, 201);
    EXPECT_EQ(echo->body, "{\"a\":1}");
    EXPECT_EQ(client.Call({.method = "DELETE", .path = "/echo"})->status, 204);
    EXPECT_EQ(client.Get("/none")->status, 404);
    EXPECT_EQ(client.Get("/hello")->body, "hi - -") << "nothing is left over from calls before";
    EXPECT_EQ(client.Get("/a/../hello")->status, 400) << "paths are sent as they are";
  }
}

TEST_F(Calling, KeepsItsConnection) {
  Start();
  Client client(Tcp());
  const std::string first = client.Get("/port")->body;
  EXPECT_EQ(client.Get("/port")->body, first);
  EXPECT_EQ(PostEcho(client, "")->status, 201);
  EXPECT_EQ(client.Get("/port")->body, first);
}

TEST_F(Calling, FollowsNoRedirects) {
  Start();
  const auto answer = Client(Tcp()).Get("/away");
  EXPECT_EQ(answer->status, 302);
  EXPECT_EQ(answer->Find("location"), "/hello");
}

TEST_F(Calling, SaysWhatWentWrong) {
  Start();
  ClientOptions small = Tcp();
  small.max_body_bytes = 1'999'999;
  EXPECT_EQ(Client(small).Get("/big").error().reason, "response-too-large");
  small.max_body_bytes = 2'000'000;
  EXPECT_EQ(Client(small).Get("/big")->body.size(), 2'000'000u);
  ClientOptions brief = Tcp();
  brief.timeout = 30ms;
  EXPECT_EQ(Client(brief).Get("/never").error().reason, "call-timeout");
  closed.wait();  // and the server's handler is told
  EXPECT_EQ(Client({.base_url = "http://127.0.0.1:1"}).Get("/").error().reason, "cannot-connect");
  EXPECT_EQ(Client({.base_url = "http://localhost", .unix_socket = folder + "/none"}).Get("/").error().code, Code::kUnavailable);
  EXPECT_EQ(Client({.base_url = "file:///etc"}).Get("/passwd").error().reason, "bad-response");
  for (const auto* path : {"hello", "", "/a b", "/a\r\nX: y", "/a#b"}) EXPECT_EQ(Client(Tcp()).Get(path).error().reason, "bad-request") << path;
  EXPECT_EQ(Client(Tcp()).Call({.path = "/hello", .headers = {{"A", "b\r\nC: d"}}}).error().reason, "bad-request");
  server->Stop();
  EXPECT_EQ(Client(Tcp()).Get("/hello").error().reason, "cannot-connect");
}

TEST_F(Calling, IgnoresProxiesOfTheEnvironment) {
  Start();
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  ::setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  EXPECT_EQ(Client(Tcp()).Get("/hello")->status, 200);
  ::unsetenv("http_proxy"), ::unsetenv("ALL_PROXY");
}

// What a held GET reports, for the test's thread to wait for.
struct Report {
  std::mutex mutex;
  std::condition_variable changed;
  int status = 0;
  std::string data;
  std::optional<Status> end;

  HeldCallbacks Callbacks() {
    return {.on_head = [this](const ClientResponse& head) { Change([&] { status = head.status; }); },
            .on_data = [this](std::string_view chunk) { Change([&] { data += chunk; }); },
            .on_end = [this](Status how) { Change([&] { end = std::move(how); }); }};
  }
  void Change(const std::function<void()>& change) {
    const std::lock_guard lock(mutex);
    change();
    changed.notify_all();
  }
  bool Wait(const std::function<bool()>& condition) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, 20s, condition);
  }
};

TEST_F(Calling, HoldsAGetUntilTheServerEndsIt) {
  Start();
  Report report;
  auto held = Client(Local()).Hold({.path = "/held"}, report.Callbacks());
  ASSERT_TRUE(held);
  EXPECT_TRUE(report.Wait([&] { return report.data == "first\n"; }));
  EXPECT_EQ(report.status, 200);
  streaming.wait();
  stream->Write("second\n");
  EXPECT_TRUE(report.Wait([&] { return report.data == "first\nsecond\n"; }));
  stream->Close();
  EXPECT_TRUE(report.Wait([&] { return report.end.has_value(); }));
  EXPECT_TRUE(report.end->has_value());
}

TEST_F(Calling, ClosingAHeldGetTellsTheServerAtOnce) {
  Start();
  Report report;
  auto held = Client(Tcp()).Hold({.path = "/held"}, report.Callbacks());
  EXPECT_TRUE(report.Wait([&] { return !report.data.empty(); }));
  std::thread([&] { (*held)->Close(); }).join();
  closed.wait();
  EXPECT_FALSE(report.end.has_value()) << "whoever closes needs no telling";
  (*held)->Close();
}

TEST_F(Calling, AHeldGetSaysWhenTheServerIsGone) {
  Start();
  Report report;
  auto held = Client(Tcp()).Hold({.path = "/never"}, report.Callbacks());
  Report refused;
  auto none = Client({.base_url = "http://127.0.0.1:1"}).Hold({.path = "/"}, refused.Callbacks());
  EXPECT_TRUE(refused.Wait([&] { return refused.end.has_value(); }));
  EXPECT_EQ(refused.end->error().reason, "cannot-connect");
  ASSERT_TRUE(Client(Tcp()).Get("/hello"));
  server->Stop();
  EXPECT_TRUE(report.Wait([&] { return report.end.has_value(); }));
  EXPECT_EQ(report.end->error().code, Code::kUnavailable);
}

// ---- TLS ----

class CallingTls : public Calling {
 protected:
  void Serve(const std::vector<std::string>& names) {
    const auto key = crypto::SigningKey::Generate(crypto::KeyType::kEs256);
    const Time now = SystemClock().Now();
    const std::string certificate = crypto::SelfSignedCertificate(key, names, now - 1h, now + 24h).value();
    ASSERT_TRUE(io::WriteFileAtomic(folder + "/cert.pem", certificate));
    ASSERT_TRUE(io::WriteFileAtomic(folder + "/key.pem", key.ToPem().Reveal(), 0600));
    auto tls = crypto::TlsServerContext::FromPemFiles(folder + "/cert.pem", folder + "/key.pem");
    ASSERT_TRUE(tls) << tls.error().message;
    options.listeners[0].tls = std::move(*tls);
    Start();
  }
  ClientOptions Https() const { return {.base_url = fmt::format("https://127.0.0.1:{}", server->port()), .ca_file = folder + "/cert.pem"}; }
};

TEST_F(CallingTls, GoesThereAndBack) {
  Serve({"127.0.0.1"});
  Client client(Https());
  const auto first = client.Get("/port");
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_TRUE(first->body.ends_with(" true"));
  EXPECT_EQ(client.Get("/port")->body, first->body) << "the connection is kept";
  EXPECT_EQ(client.Get("/big")->body.size(), 2'000'000u);
  const std::string large(1'000'000, 'y');
  EXPECT_EQ(PostEcho(client, large)->body, large);
  Report report;
  auto held = client.Hold({.path = "/held"}, report.Callbacks());
  EXPECT_TRUE(report.Wait([&] { return report.data == "first\n"; }));
  (*held)->Close();
  closed.wait();
}

TEST_F(CallingTls, TrustsOnlyTheRightCertificateForTheRightName) {
  Serve({"other.example"});
  EXPECT_EQ(Client(Https()).Get("/hello").error().reason, "bad-certificate");
  ClientOptions system = Https();
  system.ca_file.clear();
  EXPECT_EQ(Client(system).Get("/hello").error().reason, "bad-certificate");
}

TEST_F(CallingTls, APlainClientGetsNothing) {
  Serve({"127.0.0.1"});
  EXPECT_FALSE(Client({.base_url = fmt::format("http://127.0.0.1:{}", server->port())}).Get("/hello"));
  ASSERT_TRUE(Client(Https()).Get("/hello")) << "and disturbs nobody";
}

}  // namespace
}  // namespace remit::http
