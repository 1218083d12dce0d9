// The server as its peers see it: raw sockets, whole conversations. Waiting is always for an event, with a deadline.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <fstream>
#include <future>
#include <latch>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "http/server.h"
#include "io/files.h"

namespace remit::http {
namespace {

using namespace std::chrono_literals;

// One connection of a client that says exactly what the test says.
class Raw {
 public:
  explicit Raw(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in where{};
    where.sin_family = AF_INET, where.sin_port = htons(port), where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_.get(), reinterpret_cast<sockaddr*>(&where), sizeof where), 0);
  }
  explicit Raw(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    path.copy(where.sun_path, sizeof where.sun_path - 1);
    connected_ = ::connect(fd_.get(), reinterpret_cast<sockaddr*>(&where), sizeof where) == 0;
  }

  bool connected() const { return connected_; }
  void Say(std::string_view text) { ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL); }
  void Shutdown() { ::shutdown(fd_.get(), SHUT_WR); }
  void Hangup() { fd_.Close(); }

  // Reads on until `text` has come; "" waits for the end of the connection. What came behind `text` stays for the next call.
  std::string Until(std::string_view text) {
    for (;;) {
      if (const std::size_t at = text.empty() ? std::string::npos : buffer_.find(text); at != std::string::npos) {
        std::string found = buffer_.substr(0, at + text.size());
        buffer_.erase(0, at + text.size());
        return found;
      }
      pollfd watched{.fd = fd_.get(), .events = POLLIN, .revents = 0};
      if (::poll(&watched, 1, 20'000) <= 0) return buffer_ + " [nothing more came]";
      char chunk[65536];
      const ssize_t got = ::recv(fd_.get(), chunk, sizeof chunk, 0);
      if (got <= 0) return text.empty() ? std::exchange(buffer_, "") : buffer_ + " [closed]";
      buffer_.append(chunk, static_cast<std::size_t>(got));
    }
  }

  // One response whose body has a length: head and body.
  std::string Response() {
    std::string head = Until("\r\n\r\n");
    const std::size_t at = head.find("Content-Length: ");
    std::size_t left = at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
    while (buffer_.size() < left) {
      const std::size_t before = buffer_.size();
      Until(std::string(1, '\xfe'));  // never comes: just reads what is there, below
      if (buffer_.size() == before) break;
    }
    head += buffer_.substr(0, left);
    buffer_.erase(0, left);
    return head;
  }

  std::string Ask(std::string_view text) { return Say(text), Response(); }

 private:
  io::Fd fd_;
  bool connected_ = true;
  std::string buffer_;
};

// Values from handlers on io threads, for the test's thread to wait for.
template <class T>
class Mailbox {
 public:
  void Put(T value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    came_.notify_all();
  }
  T Take() {
    std::unique_lock lock(mutex_);
    if (!came_.wait_for(lock, 20s, [&] { return !values_.empty(); })) throw std::runtime_error("nothing came");
    T value = std::move(values_.front());
    values_.pop_front();
    return value;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<T> values_;
};

class Serving : public testing::Test {
 protected:
  Serving() {
    log::Configure(log::Level::kOff, false);
    char name[] = "/tmp/remit_http_XXXXXX";
    folder = ::mkdtemp(name);
    options.listeners = {{.address = "127.0.0.1:0"}, {.address = "unix:" + folder + "/s", .unix_mode = 0600}};
    options.hosts = {"127.0.0.1"};
    router.Add("GET", "/hello", [](const Request&, Respond respond) { respond(Text(200, "hi")); });
    router.Add("POST", "/echo", [](const Request& request, Respond respond) { respond(Text(200, request.body)); }, {.body_bytes = 1000});
    router.Add("GET", "/who", [](const Request& request, Respond respond) {
      respond(Text(200, fmt::format("{} {} {} {}", request.peer->is_unix, request.peer->uid, request.peer->pid, request.peer->address)));
    });
    router.Add("GET", "/held", [this](const Request& request, Respond respond) {
      request.OnClose([this] { closed.Put(1); });
      held.Put(std::move(respond));
    });
    router.Add("GET", "/stream", [this](const Request& request, Respond respond) {
      request.OnClose([this] { closed.Put(1); });
      respond(Stream("text/event-stream", [this](std::shared_ptr<StreamWriter> writer) { streams.Put(std::move(writer)); }));
    });
  }
  ~Serving() override {
    server.reset();
    std::filesystem::remove_all(folder);
  }
  void Start() {
    server = std::make_unique<Server>(options, std::move(router));
    const Status started = server->Start();
    ASSERT_TRUE(started) << started.error().message;
  }
  Raw Connect() const { return Raw(server->port()); }
  std::string Local() const { return folder + "/s"; }
  static std::string Get(std::string_view path, std::string_view more = "") {
    return fmt::format("GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\n{}\r\n", path, more);
  }
  static std::string Post(std::string_view body, std::string_view more = "Content-Type: application/json\r\n") {
    return fmt::format("POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n{}\r\n{}", body.size(), more, body);
  }
  // What a request that must end the connection is answered with.
  std::string Refused(std::string_view bytes) {
    Raw raw = Connect();
    raw.Say(bytes);
    return raw.Until("");
  }

  ServerOptions options;
  Router router;
  std::string folder;
  Mailbox<Respond> held;
  Mailbox<std::shared_ptr<StreamWriter>> streams;
  Mailbox<int> closed;
  std::unique_ptr<Server> server;
};

TEST_F(Serving, AnswersAndKeepsTheConnection) {
  Start();
  Raw raw = Connect();
  for (int i = 0; i < 3; ++i) {
    const std::string answer = raw.Ask(Get("/hello"));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\nDate: ")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\nhi")) << answer;
    EXPECT_NE(answer.find("Cache-Control: no-store\r\n"), std::string::npos);
  }
  EXPECT_TRUE(raw.Ask(Post("{\"a\":1}")).ends_with("{\"a\":1}"));
  raw.Say(Get("/hello", "Connection: close\r\n"));
  const std::string last = raw.Until("");
  EXPECT_NE(last.find("Connection: close"), std::string::npos);
  EXPECT_TRUE(last.ends_with("hi"));
}

TEST_F(Serving, AnswersHeadWithoutBody) {
  Start();
  Raw raw = Connect();
  raw.Say("HEAD /hello HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + Get("/hello"));
  const std::string head = raw.Until("\r\n\r\n");
  EXPECT_NE(head.find("Content-Length: 2"), std::string::npos);
  EXPECT_TRUE(raw.Until("\r\n\r\n").starts_with("HTTP/1.1 200"));
}

TEST_F(Serving, AnswersPipelinedRequestsInTheirOrder) {
  Start();
  Raw raw = Connect();
  std::string all;
  for (int i = 0; i < 200; ++i) all += i % 2 ? Get("/hello") : Post(std::to_string(i));
  raw.Say(all);
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(raw.Response().ends_with(i % 2 ? "\r\n\r\nhi" : "\r\n\r\n" + std::to_string(i))) << i;
}

TEST_F(Serving, AnswersPipelinedRequestsOnlyWhenTheirTurnComes) {
  Start();
  Raw raw = Connect();
  raw.Say(Get("/held") + Get("/hello"));
  const Respond first = held.Take();
  std::thread([first] { first(Text(200, "first")), first(Text(200, "ignored")); }).join();
  EXPECT_TRUE(raw.Response().ends_with("first"));
  EXPECT_TRUE(raw.Response().ends_with("hi"));
}

TEST_F(Serving, ReadsChunkedAndLargeBodies) {
  router.Add("PUT", "/large", [](const Request& request, Respond respond) { respond(Text(200, request.body)); }, {.body_bytes = 4u << 20});
  Start();
  Raw raw = Connect();
  raw.Say(
      "POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n" +
      Get("/hello"));
  EXPECT_TRUE(raw.Response().ends_with("\r\n\r\nabcd"));
  EXPECT_TRUE(raw.Response().ends_with("hi"));
  const std::string body(3u << 20, 'x');
  std::thread writer([&] {
    raw.Say("PUT /large HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n\r\n" + body);
  });
  EXPECT_NE(raw.Until("\r\n\r\n").find("200 OK"), std::string::npos);
  const std::string echo = raw.Until(std::string(1000, 'x'));
  writer.join();
}

TEST_F(Serving, AsksForTheBodyOnlyWhenItWantsIt) {
  Start();
  Raw raw = Connect();
  raw.Say("POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(raw.Until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(raw.Ask("abc").ends_with("abc"));
  const std::string refused =
      Refused("POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 3000\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 413")) << refused;
}

TEST_F(Serving, RefusesAndClosesWhereTheFramingIsInDoubt) {
  Start();
  const std::pair<std::string, std::string> attacks[] = {
      {"POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + Get("/hello"), "400"},
      {"POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n" + Get("/hello"), "400"},
      {"POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + Get("/hello"), "400"},
      {"GET /hello HTTP/1.1\nHost: 127.0.0.1\n\n" + Get("/hello"), "400"},
      {"GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\nA: b\r\n\tc\r\n\r\n" + Get("/hello"), "400"},
      {"GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil\r\n\r\n" + Get("/hello"), "400"},
      {"GET /hello HTTP/1.1\r\n\r\n" + Get("/hello"), "400"},
      {"GET http://127.0.0.1/hello HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + Get("/hello"), "400"},
      {"GET /hello/../hello HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + Get("/hello"), "400"},
      {"GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n" + Get("/hello"), "421"},
      {Get("/hello", "Origin: http://evil.example\r\n") + Get("/hello"), "403"},
      {Post("{}", "Content-Type: text/plain\r\n") + Get("/hello"), "415"},
      {Post(std::string(1001, ' ')) + Get("/hello"), "413"},
      {Get("/hello", "Content-Length: 3\r\n") + "abc" + Get("/hello"), "400"},
      {"GET /hello HTTP/2.0\r\nHost: 127.0.0.1\r\n\r\n" + Get("/hello"), "505"},
      {"POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\n\r\n" +
           Get("/hello"),
       "400"},
      {"POST /none HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3000\r\n\r\n" + Get("/hello"), "404"},
      {std::string(100'000, 'a'), "414"},
      {"GET / HTTP/1.1\r\nA: " + std::string(100'000, 'a'), "431"},
      {std::string("\x16\x03\x01\x00\xa5\x01", 6), "400"},
  };
  for (const auto& [attack, status] : attacks) {
    const std::string answer = Refused(attack);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + status)) << attack.substr(0, 200) << "\n→ " << answer;
    EXPECT_NE(answer.find("application/problem+json"), std::string::npos) << answer;
    EXPECT_EQ(answer.find("\r\n\r\nhi"), std::string::npos) << "the request behind it was answered: " << attack.substr(0, 200);
    EXPECT_EQ(answer.find("}HTTP/1.1"), std::string::npos) << answer;
  }
}

TEST_F(Serving, ProblemsThatLeaveNoDoubtKeepTheConnection) {
  Start();
  Raw raw = Connect();
  EXPECT_TRUE(raw.Ask(Get("/none")).starts_with("HTTP/1.1 404"));
  EXPECT_TRUE(raw.Ask("DELETE /hello HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").starts_with("HTTP/1.1 405"));
  EXPECT_TRUE(raw.Ask(Get("/hello")).ends_with("hi"));
}

TEST_F(Serving, NothingInAHeaderBeginsAnotherOne) {
  router.Add("GET", "/evil", [](const Request&, Respond respond) {
    Response response = Text(200, "x");
    response.headers.push_back({"Location", "/a\r\nSet-Cookie: stolen\r\n\r\nbody"});
    respond(std::move(response));
  });
  Start();
  EXPECT_EQ(Connect().Ask(Get("/evil")).find("\r\nSet-Cookie"), std::string::npos);
}

TEST_F(Serving, EndsConnectionsThatTakeTheirTime) {
  options.read_timeout = 40ms;
  options.idle_timeout = 60ms;
  Start();
  EXPECT_EQ(Connect().Until(""), "") << "idle: closed without a word";
  EXPECT_TRUE(Refused("GET /hello HT").starts_with("HTTP/1.1 408"));
  EXPECT_TRUE(Refused("POST /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\nabc")
                  .starts_with("HTTP/1.1 408"));
  // A byte now and then does not help: the time is that of the whole request.
  Raw slow = Connect();
  std::atomic<bool> stop = false;
  std::thread drip([&] {
    slow.Say("GET /hello HTTP/1.1\r\nA: ");
    while (!stop) {
      pollfd none{.fd = -1, .events = 0, .revents = 0};
      ::poll(&none, 1, 2);
      slow.Say("a");
    }
  });
  EXPECT_TRUE(slow.Until("\r\n").starts_with("HTTP/1.1 408"));
  stop = true;
  drip.join();
}

TEST_F(Serving, TellsTheHandlerWhenThePeerHangsUp) {
  Start();
  Raw raw = Connect();
  raw.Say(Get("/held"));
  const Respond respond = held.Take();
  raw.Hangup();
  EXPECT_EQ(closed.Take(), 1);
  respond(Text(200, "too late"));
}

TEST_F(Serving, StillAnswersAPeerThatOnlyStoppedSending) {
  Start();
  Raw raw = Connect();
  raw.Say(Get("/held"));
  const Respond respond = held.Take();
  raw.Shutdown();
  EXPECT_EQ(closed.Take(), 1);
  respond(Text(200, "late"));
  EXPECT_TRUE(raw.Until("").ends_with("late"));
}

TEST_F(Serving, AnswersForAHandlerThatForgotOrThrew) {
  router.Add("GET", "/forgets", [](const Request&, Respond) {});
  router.Add("GET", "/throws", [](const Request&, Respond) { throw std::runtime_error("0x1234"); });
  Start();
  Raw raw = Connect();
  const std::string forgot = raw.Ask(Get("/forgets")), threw = raw.Ask(Get("/throws"));
  EXPECT_NE(forgot.find("urn:remit:error:no-answer"), std::string::npos) << forgot;
  EXPECT_NE(threw.find("urn:remit:error:handler-failed"), std::string::npos) << threw;
  EXPECT_EQ(threw.find("0x1234"), std::string::npos);
  EXPECT_TRUE(raw.Ask(Get("/hello")).ends_with("hi"));
}

TEST_F(Serving, StreamsFromAnyThread) {
  Start();
  Raw raw = Connect();
  raw.Say(Get("/stream"));
  auto writer = streams.Take();
  EXPECT_NE(raw.Until("\r\n\r\n").find("Transfer-Encoding: chunked"), std::string::npos);
  EXPECT_TRUE(writer->Write("one"));
  EXPECT_EQ(raw.Until("one\r\n"), "3\r\none\r\n");
  EXPECT_TRUE(writer->Write(""));
  EXPECT_TRUE(writer->Write("two"));
  writer.reset();  // ends it
  EXPECT_EQ(raw.Until("0\r\n\r\n"), "3\r\ntwo\r\n0\r\n\r\n");
  EXPECT_TRUE(raw.Ask(Get("/hello")).ends_with("hi")) << "the connection stays";
}

TEST_F(Serving, TellsTheStreamWhenThePeerHangsUp) {
  Start();
  Raw raw = Connect();
  raw.Say(Get("/stream"));
  auto writer = streams.Take();
  raw.Until("\r\n\r\n");
  raw.Hangup();
  EXPECT_EQ(closed.Take(), 1);
  EXPECT_FALSE(writer->Write("x"));
}

TEST_F(Serving, CutsAStreamWhosePeerDoesNotRead) {
  Start();
  Raw raw = Connect();
  raw.Say(Get("/stream"));
  auto writer = streams.Take();
  const std::string chunk(256u << 10, 'x');
  int written = 0;
  while (written < 1000 && writer->Write(chunk)) ++written;
  EXPECT_LT(written, 1000);
  EXPECT_EQ(closed.Take(), 1);
}

TEST_F(Serving, SpeaksHttp10) {
  Start();
  EXPECT_TRUE(Refused("GET /hello HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").ends_with("hi"));
  Raw raw = Connect();
  raw.Say("GET /stream HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n");
  auto writer = streams.Take();
  writer->Write("plain");
  writer->Close();
  const std::string answer = raw.Until("");
  EXPECT_TRUE(answer.ends_with("\r\n\r\nplain")) << answer;
}

TEST_F(Serving, KnowsItsUnixPeer) {
  Start();
  Raw raw(Local());
  EXPECT_TRUE(raw.Ask("GET /who HTTP/1.1\r\nHost: anything.example\r\n\r\n").ends_with(fmt::format("true {} {} ", ::getuid(), ::getpid())));
  EXPECT_TRUE(Connect().Ask(Get("/who")).ends_with("127.0.0.1"));
  struct stat status{};
  ASSERT_EQ(::stat(Local().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(Serving, ReplacesOnlySocketsThatNobodyListensOn) {
  {
    const io::Fd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un where{};
    where.sun_family = AF_UNIX;
    Local().copy(where.sun_path, sizeof where.sun_path - 1);
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<sockaddr*>(&where), sizeof where), 0);
  }
  Start();
  const auto reason = [&](const std::string& address) {
    Server second({.listeners = {{.address = "unix:" + folder + "/other"}, {.address = address}}}, Router());
    const Status status = second.Start();
    return status ? "started" : status.error().reason;
  };
  EXPECT_EQ(reason("unix:" + Local()), "address-in-use");
  EXPECT_EQ(reason(server->addresses()[0]), "address-in-use");
  std::ofstream(folder + "/file") << "precious";
  EXPECT_EQ(reason("unix:" + folder + "/file"), "address-in-use");
  for (const auto* address : {"", "localhost:1", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999", "unix:", "[::1:80"})
    EXPECT_EQ(reason(address), "bad-address") << address;
  EXPECT_EQ(reason("192.0.2.1:8470"), "cannot-listen");
  EXPECT_FALSE(std::filesystem::exists(folder + "/other")) << "all listeners or none";
  EXPECT_TRUE(Raw(Local()).Ask(Get("/hello")).ends_with("hi"));
  server.reset();
  EXPECT_FALSE(std::filesystem::exists(Local())) << "it takes its socket with it";
}

TEST_F(Serving, TakesManyConnectionsAndNoMoreThanItsLimit) {
  options.max_connections = 100;
  options.threads = 2;
  Start();
  std::vector<Raw> all;
  for (int i = 0; i < 100; ++i) all.push_back(Connect());
  for (int round = 0; round < 3; ++round) {
    for (Raw& raw : all) raw.Say(Get("/hello"));
    for (Raw& raw : all) ASSERT_TRUE(raw.Response().ends_with("hi"));
  }
  EXPECT_EQ(server->connections(), 100u);
  Raw more = Connect();
  more.Say(Get("/hello"));
  EXPECT_EQ(more.Until(""), "");
}

TEST_F(Serving, AnswersFromWorkersUnderLoad) {
  options.threads = 2;
  std::atomic<int> observed = 0;
  options.observe = [&](std::string_view method, std::string_view route, int status, Duration) {
    observed += method == "GET" && route == "/later" && status == 200;
  };
  Mailbox<Respond> waiting;
  router.Add("GET", "/later", [&](const Request&, Respond respond) { waiting.Put(std::move(respond)); });
  Start();
  std::vector<std::thread> workers;
  for (int w = 0; w < 2; ++w) {
    workers.emplace_back([&] {
      for (int i = 0; i < 250; ++i) waiting.Take()(Text(200, "done"));
    });
  }
  std::vector<std::thread> clients;
  std::atomic<int> good = 0;
  for (int c = 0; c < 10; ++c) {
    clients.emplace_back([&] {
      Raw raw = Connect();
      for (int i = 0; i < 50; ++i) good += raw.Ask(Get("/later")).ends_with("done");
    });
  }
  for (std::thread& thread : clients) thread.join();
  for (std::thread& thread : workers) thread.join();
  EXPECT_EQ(good, 500);
  server->Stop();
  EXPECT_EQ(observed, 500);
}

TEST_F(Serving, StopsWhenWhatRunsIsAnswered) {
  Start();
  Raw idle = Connect(), busy = Connect(), streaming = Connect();
  EXPECT_TRUE(idle.Ask(Get("/hello")).ends_with("hi"));
  streaming.Say(Get("/stream"));
  const auto writer = streams.Take();
  busy.Say(Get("/held"));
  const Respond respond = held.Take();
  std::thread stopper([&] { server->Stop(20s); });
  EXPECT_EQ(idle.Until(""), "");
  EXPECT_TRUE(streaming.Until("").ends_with("0\r\n\r\n"));
  EXPECT_FALSE(writer->Write("x"));
  respond(Text(200, "the last"));
  const std::string answer = busy.Until("");
  EXPECT_TRUE(answer.ends_with("the last")) << answer;
  busy.Hangup(), idle.Hangup(), streaming.Hangup();
  stopper.join();
  EXPECT_EQ(server->connections(), 0u);
}

TEST_F(Serving, ARespondThatIsLateIsHarmless) {
  Start();
  Raw raw = Connect();
  raw.Say(Get("/held"));
  Respond respond = held.Take();
  raw.Say(Get("/stream"));
  server->Stop();
  EXPECT_EQ(closed.Take(), 1);
  server.reset();
  respond(Text(200, "to nobody"));
  respond = nullptr;
}

}  // namespace
}  // namespace remit::http
