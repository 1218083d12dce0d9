// How connections live and end, as their peers see it: slow peers, peers that hang up, streams, unix sockets, limits, and the server's end.
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "http/test_serving.h"

namespace remit::http {
namespace {

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

// Whoever asks for the head of a stream gets no stream; what the handler holds open for it would never end.
TEST_F(Serving, TellsTheHandlerThatNobodyReadsAStreamOfWhichOnlyTheHeadWasAsked) {
  Start();
  Raw raw = Connect();
  raw.Say("HEAD /stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + Get("/hello"));
  EXPECT_TRUE(raw.Until("\r\n\r\n").starts_with("HTTP/1.1 200"));
  EXPECT_EQ(closed.Take(), 1);
  EXPECT_TRUE(raw.Response().ends_with("hi"));  // the connection goes on
}

// However much there is to say, and however slowly it is read: written in pages it all arrives.
TEST_F(Serving, AStreamInPagesWaitsForItsReader) {
  Start();
  Raw raw = Connect();
  raw.Say(Get("/stream"));
  auto writer = streams.Take();
  constexpr int kPages = 200;
  const std::string page(64u << 10, 'x');
  const auto left = std::make_shared<std::atomic<int>>(kPages);
  // The writer is kept by the page that waits, as a handler keeps it.
  const auto next = std::make_shared<std::function<void()>>();
  *next = [writer, page, left, weak = std::weak_ptr(next)] {
    if (left->fetch_sub(1) == 0) return writer->Close();
    if (const auto again = weak.lock(); writer->Write(page)) writer->OnDrained([again] { (*again)(); });
  };
  (*next)();
  raw.Until("\r\n\r\n");
  const std::string all = raw.Until("\r\n0\r\n\r\n");
  EXPECT_GE(all.size(), kPages * page.size());
  EXPECT_TRUE(raw.Ask(Get("/hello")).ends_with("hi"));
  *next = nullptr;
}

TEST_F(Serving, AConnectionThatHasEndedNeverDrains) {
  Start();
  Raw raw = Connect();
  raw.Say(Get("/stream"));
  auto writer = streams.Take();
  raw.Until("\r\n\r\n");
  raw.Hangup();
  EXPECT_EQ(closed.Take(), 1);
  bool drained = false;
  writer->OnDrained([&] { drained = true; });
  EXPECT_FALSE(drained);
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
