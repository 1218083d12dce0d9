// What the server answers, as its peers see it: requests, bodies, pipelining, and what it refuses.
#include <thread>

#include "http/test_serving.h"

namespace remit::http {
namespace {

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

// All of them are there in one read: one who sends many at once would have the only thread for himself.
TEST_F(Serving, PipelinedRequestsGiveOthersTheirTurn) {
  constexpr std::size_t kMany = 90;
  std::string order;  // on the one io thread
  Mailbox<int> begun, go;
  router.Add("GET", "/first", [&](const Request&, Respond respond) {
    begun.Put(1);
    go.Take();
    respond(Text(200, ""));
  });
  router.Add("GET", "/a", [&](const Request&, Respond respond) { order += 'a', respond(Text(200, "")); });
  router.Add("GET", "/b", [&](const Request&, Respond respond) { order += 'b', respond(Text(200, "")); });
  Start();
  Raw many = Connect(), one = Connect();
  EXPECT_TRUE(one.Ask(Get("/hello")).ends_with("hi"));
  EXPECT_TRUE(many.Ask(Get("/hello")).ends_with("hi"));
  std::string all = Get("/first");
  for (std::size_t i = 0; i < kMany; ++i) all += Get("/a");
  ASSERT_LT(all.size(), 4096u);
  many.Say(all);
  begun.Take();
  one.Say(Get("/b"));
  go.Put(1);
  one.Response();
  for (std::size_t i = 0; i <= kMany; ++i) many.Response();
  EXPECT_EQ(order.size(), kMany + 1);
  EXPECT_LT(order.find('b'), kMany);
}

TEST_F(Serving, AResponseThatTheSocketDoesNotTakeWholeFollowsWhenItDoes) {
  std::size_t number = 0;  // on the one io thread
  router.Add("GET", "/page", [&](const Request&, Respond respond) { respond(Text(200, fmt::format("{:015000}", number++))); });
  Start();
  Raw raw(server->port(), 4096);        // so that most responses are cut somewhere
  constexpr std::size_t kPages = 1600;  // 24 MB, which no socket holds for a peer that does not read
  std::string all;
  for (std::size_t i = 0; i < kPages; ++i) all += Get("/page");
  raw.Say(all);
  for (std::size_t i = 0; i < kPages; ++i) ASSERT_TRUE(raw.Response().ends_with(fmt::format("\r\n\r\n{:015000}", i))) << i;
  EXPECT_TRUE(raw.Ask(Get("/hello")).ends_with("hi"));
}

TEST_F(Serving, WhatAHandlerGaveToOnCloseStaysAsLongAsItIsAtWork) {
  Mailbox<long> counts;
  router.Add("GET", "/keeps", [&](const Request& request, Respond respond) {
    const auto kept = std::make_shared<int>(1);
    request.OnClose([kept] {});
    respond(Text(200, "kept"));
    counts.Put(kept.use_count());
  });
  Start();
  Raw raw = Connect();
  EXPECT_TRUE(raw.Ask(Get("/keeps")).ends_with("kept"));
  EXPECT_EQ(counts.Take(), 2) << "it may hold a lock that what it gave away takes when it goes";
  EXPECT_TRUE(raw.Ask(Get("/hello")).ends_with("hi"));
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

}  // namespace
}  // namespace remit::http
