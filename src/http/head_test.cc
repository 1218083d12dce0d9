// The head of a request: one way to read it, or it is refused. Each refusal here is a way in which requests have been smuggled past
// proxies, or servers kept busy.
#include <gtest/gtest.h>

#include "base/limits.h"
#include "http/framing.h"
#include "http/head.h"
#include "http/parser.h"

namespace remit::http {
namespace {

// The refusal of a whole head, by the scanner or by the parser behind it; "" where it is taken.
std::string RefusalOf(std::string_view head, Request* out = nullptr, Framing* framing = nullptr) {
  HeadScanner scanner(limits::kHttpHeaderBytes, limits::kHttpTargetBytes, limits::kHttpHeaderCount);
  switch (scanner.Scan(head)) {
    case HeadScanner::State::kMore: return "more";
    case HeadScanner::State::kRefused: return std::to_string(scanner.refusal().status) + " " + scanner.refusal().error.reason;
    case HeadScanner::State::kDone: break;
  }
  EXPECT_EQ(scanner.head_size(), head.size());
  RequestParser parser;
  Request request;
  const auto result = parser.Head(head, request);
  if (out) *out = request;
  if (framing && result) *framing = *result;
  return result ? "" : std::to_string(result.error().status) + " " + result.error().error.reason;
}

std::string Get(std::string_view headers) { return "GET / HTTP/1.1\r\nHost: h\r\n" + std::string(headers) + "\r\n"; }
std::string Post(std::string_view headers) { return "POST / HTTP/1.1\r\nHost: h\r\n" + std::string(headers) + "\r\n"; }

TEST(Head, OfAnOrdinaryRequestIsTaken) {
  Request request;
  Framing framing;
  EXPECT_EQ(RefusalOf("POST /v1/tasks?wait=5s HTTP/1.1\r\nHost: remit.example\r\nContent-Length: 5\r\nX-Odd:\tcaf\xc3\xa9 \r\nEmpty:\r\n\r\n",
                      &request, &framing),
            "");
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.segments, (std::vector<std::string>{"v1", "tasks"}));
  EXPECT_EQ(request.Query("wait"), "5s");
  EXPECT_EQ(request.Find("hOST"), "remit.example");
  EXPECT_EQ(request.Find("x-odd"), "caf\xc3\xa9");
  EXPECT_EQ(request.Find("empty"), "");
  EXPECT_EQ(framing.length, 5u);
  EXPECT_TRUE(framing.keep_alive);
}

TEST(Head, IsTheSameInWhateverPiecesItComes) {
  const std::string head = Post("Content-Length: 3\r\n");
  HeadScanner scanner(1000, 1000, 10);
  for (std::size_t i = 1; i < head.size(); ++i) ASSERT_EQ(scanner.Scan(std::string_view(head).substr(0, i)), HeadScanner::State::kMore);
  EXPECT_EQ(scanner.Scan(head + "abc"), HeadScanner::State::kDone);
  EXPECT_EQ(scanner.head_size(), head.size());
}

TEST(Head, RefusesLinesThatOthersEndElsewhere) {
  EXPECT_EQ(RefusalOf("GET / HTTP/1.1\nHost: h\n\n"), "400 bad-line-ending");
  EXPECT_EQ(RefusalOf(Get("A: b\nTransfer-Encoding: chunked\r\n")), "400 bad-line-ending");
  EXPECT_EQ(RefusalOf(Get("A: b\rC: d\r\n")), "400 bad-line-ending");
  EXPECT_EQ(RefusalOf(Get("A: b\r\r\n")), "400 bad-line-ending");
  EXPECT_EQ(RefusalOf(Get("A: b\r\n c\r\n")), "400 folded-header");
  EXPECT_EQ(RefusalOf(Get("A: b\r\n\tc\r\n")), "400 folded-header");
  EXPECT_EQ(RefusalOf("GET / HTTP/1.1\r\n Host: h\r\n\r\n"), "400 folded-header");
  EXPECT_EQ(RefusalOf("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), "400 bad-request-line");
}

TEST(Head, RefusesControlCharactersAtOnce) {
  for (const char c : {'\0', '\x01', '\x08', '\x0b', '\x0c', '\x1b', '\x7f'}) {
    EXPECT_EQ(RefusalOf(Get(std::string("A: b") + c + "c\r\n")), "400 bad-character");
    EXPECT_EQ(RefusalOf(std::string("GE") + c), "400 bad-character") << "not only when the line is complete";
  }
  EXPECT_EQ(RefusalOf("GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n"), "400 bad-character");
  EXPECT_EQ(RefusalOf("GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n"), "400 bad-character");
  EXPECT_EQ(RefusalOf("\x16\x03\x01\x02"), "400 bad-character") << "TLS on a plain port";
}

TEST(Head, RefusesMalformedNames) {
  for (const std::string line : {"Host : h", "A b: c", "A\t: c", ": c", "A", "A(b): c", "Content-Length\x80: 3"}) {
    EXPECT_EQ(RefusalOf(Get(line + "\r\n")), "400 bad-request") << line;
  }
}

TEST(Head, RefusesMalformedRequestLines) {
  for (const std::string line : {"GET /", "GET  / HTTP/1.1", "GET /  HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 ", "GET / http/1.1",
                                 "GET / HTTP/1", "/ HTTP/1.1", "G(T / HTTP/1.1"}) {
    const std::string refusal = RefusalOf(line + "\r\nHost: h\r\n\r\n");
    EXPECT_TRUE(refusal.starts_with("400 ") || refusal.starts_with("505 ")) << line << ": " << refusal;
  }
  for (const std::string version : {"HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/3.0"}) {
    EXPECT_EQ(RefusalOf("GET / " + version + "\r\nHost: h\r\n\r\n"), "505 bad-version") << version;
  }
  for (const std::string target : {"http://h/", "*", "h:80", "a", "//h/"}) {
    EXPECT_EQ(RefusalOf("OPTIONS " + target + " HTTP/1.1\r\nHost: h\r\n\r\n"), "400 bad-target") << target;
  }
}

TEST(Head, RefusesHeadersThatStandTwice) {
  for (const std::string name :
       {"Host", "Content-Length", "Transfer-Encoding", "Content-Type", "Authorization", "Origin", "Expect", "Content-Encoding"}) {
    const std::string refusal =
        RefusalOf("POST / HTTP/1.1\r\n" + (name == "Host" ? "" : std::string("Host: h\r\n")) + name + ": 0\r\n" + name + ": 0\r\n\r\n");
    EXPECT_TRUE(refusal == "400 duplicate-header" || refusal == "400 bad-request") << name << ": " << refusal;
  }
  EXPECT_EQ(RefusalOf("GET / HTTP/1.1\r\nA: b\r\n\r\n"), "400 missing-host");
}

TEST(Framing, HasOneReading) {
  for (const std::string headers :
       {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Transfer-Encoding: gzip, chunked\r\n", "Transfer-Encoding: chunked, identity\r\n", "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n", "Transfer-Encoding: \"chunked\"\r\n", "Transfer-Encoding:\r\n", "Transfer-Encoding: chunked,\r\n",
        "Transfer-Encoding: \x0b"
        "chunked\r\n",
        "Content-Length: +3\r\n", "Content-Length: -3\r\n", "Content-Length: 3, 3\r\n", "Content-Length: 0x3\r\n", "Content-Length: 3 3\r\n",
        "Content-Length:\r\n", "Content-Length: 99999999999999999999\r\n", "Content-Length: 3;a\r\n"}) {
    const std::string refusal = RefusalOf(Post(headers));
    EXPECT_TRUE(refusal.starts_with("400 ")) << headers << " → " << refusal;
  }
  EXPECT_TRUE(RefusalOf("POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n").starts_with("400 "));
  EXPECT_EQ(RefusalOf(Post("Expect: 200-ok\r\n")), "417 bad-expectation");
  EXPECT_EQ(RefusalOf(Post("Content-Encoding: gzip\r\n")), "415 content-encoding");
  Framing framing;
  EXPECT_EQ(RefusalOf(Post("Transfer-Encoding: Chunked\r\n"), nullptr, &framing), "");
  EXPECT_TRUE(framing.chunked);
}

TEST(Framing, KnowsWhetherTheConnectionStays) {
  const auto stays = [](const std::string& head) {
    Framing framing;
    EXPECT_EQ(RefusalOf(head, nullptr, &framing), "");
    return framing.keep_alive;
  };
  EXPECT_TRUE(stays(Get("")));
  EXPECT_FALSE(stays(Get("Connection: close\r\n")));
  EXPECT_FALSE(stays(Get("Connection: x, CLOSE\r\n")));
  EXPECT_FALSE(stays("GET / HTTP/1.0\r\nHost: h\r\n\r\n"));
  EXPECT_TRUE(stays("GET / HTTP/1.0\r\nHost: h\r\nConnection: Keep-Alive\r\n\r\n"));
}

TEST(Limits, OfTheHead) {
  std::string many;
  for (std::size_t i = 1; i < limits::kHttpHeaderCount; ++i) many += "A" + std::to_string(i) + ": b\r\n";
  EXPECT_EQ(RefusalOf(Get(many)), "");
  EXPECT_EQ(RefusalOf(Get(many + "More: b\r\n")), "431 too-many-headers");
  EXPECT_EQ(RefusalOf(Get("A: " + std::string(limits::kHttpHeaderBytes, 'a') + "\r\n")), "431 headers-too-large");
  const std::string fits(limits::kHttpTargetBytes - 1, 'a');
  EXPECT_EQ(RefusalOf("GET /" + fits + " HTTP/1.1\r\nHost: h\r\n\r\n"), "");
  EXPECT_EQ(RefusalOf("GET /" + fits + "a HTTP/1.1\r\nHost: h\r\n\r\n"), "414 target-too-long");
  EXPECT_EQ(RefusalOf("GET /" + fits + std::string(100, 'a')), "414 target-too-long") << "before the line is complete";
}

// ---- Bodies ----

struct BodyResult {
  std::string refusal, body;
  bool done = false;
  std::size_t used = 0;
};

// Feeds a chunked body in pieces of `step` bytes, as a connection does.
BodyResult Chunked(std::string_view bytes, std::size_t limit = 1000, std::size_t step = 1000) {
  RequestParser parser;
  Request request;
  EXPECT_TRUE(parser.Head(Post("Transfer-Encoding: chunked\r\n"), request));
  BodyResult result;
  for (std::size_t end = std::min(step, bytes.size());; end = std::min(end + step, bytes.size())) {
    const auto fed = parser.Body(bytes.substr(result.used, end - result.used), limit, request);
    if (!fed) return result.refusal = std::to_string(fed.error().status) + " " + fed.error().error.reason, result;
    result.used += fed->used;
    result.done = fed->done;
    if (result.done || end == bytes.size()) break;
  }
  result.body = request.body;
  return result;
}

TEST(ChunkedBody, IsPutTogetherInWhateverPiecesItComes) {
  const std::string bytes = "5\r\nhello\r\n00006\r\n world\r\n0\r\n\r\n";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    const BodyResult result = Chunked(bytes + "GET", 1000, step);
    EXPECT_EQ(result.refusal, "");
    EXPECT_TRUE(result.done);
    EXPECT_EQ(result.body, "hello world") << step;
    EXPECT_EQ(result.used, bytes.size()) << "what follows is the next request";
  }
}

TEST(ChunkedBody, RefusesWhatOthersReadDifferently) {
  for (const std::string bytes : {"5;a=b\r\nhello\r\n0\r\n\r\n", "5;\nX\r\nhello\r\n", "5 \r\nhello\r\n0\r\n\r\n", " 5\r\nhello\r\n",
                                  "0x5\r\nhello\r\n0\r\n\r\n", "+5\r\nhello\r\n", "-1\r\n", "5\nhello\n0\n\n0\r\n\r\n", "5\r\nhelloX\r\n0\r\n\r\n",
                                  "5\r\nhello\n0\r\n\r\n", "\r\n5\r\nhello\r\n", "g\r\n", "fffffffffffffffff\r\n", "10000000000000005\r\n",
                                  "0\r\nTrailer: x\r\n\r\n", "5\r\nhello\r\n0\r\nContent-Length: 3\r\n\r\n", "5\r\nhello\r\n0;x\r\n\r\n"}) {
    const std::string refusal = Chunked(bytes).refusal;
    EXPECT_TRUE(refusal == "400 bad-body" || refusal == "413 body-too-large") << bytes << " → " << refusal;
  }
  EXPECT_EQ(Chunked(std::string(200, '0')).refusal, "400 bad-body") << "a size line without end";
  EXPECT_EQ(Chunked("0\r\nA: " + std::string(200, 'a')).refusal, "400 bad-body") << "a trailer without end";
}

TEST(ChunkedBody, HasALimit) {
  EXPECT_EQ(Chunked("5\r\nhello\r\n0\r\n\r\n", 5).body, "hello");
  EXPECT_EQ(Chunked("5\r\nhello\r\n0\r\n\r\n", 4).refusal, "413 body-too-large");
  EXPECT_EQ(Chunked("3\r\nhel\r\n3\r\nlo!\r\n0\r\n\r\n", 5).refusal, "413 body-too-large");
  EXPECT_EQ(Chunked("7fffffffffffffff\r\n").refusal, "413 body-too-large") << "before a byte of it has come";
}

// ---- Whom it is for ----

std::string HostRefusal(std::string host, const std::vector<std::string>& hosts) {
  Request request;
  request.headers.push_back({"Host", std::move(host)});
  const auto refusal = CheckHost(request, hosts);
  return refusal ? refusal->error.reason : "";
}

TEST(Host, MustBeOneOfTheServersNames) {
  const std::vector<std::string> hosts = {"remit.example", "localhost:8470", "[::1]"};
  for (const std::string host : {"remit.example", "REMIT.example", "remit.example:8443", "localhost:8470", "[::1]", "[::1]:8470"})
    EXPECT_EQ(HostRefusal(host, hosts), "") << host;
  for (const std::string host :
       {"", "evil.example", "remit.example.evil", "xremit.example", "remit.example:", "remit.example:80x", "remit.example:80:80", "localhost",
        "localhost:8471", "remit.example@evil", "evil@remit.example", "remit.example, evil", "[::1", "::1", "remit.example."}) {
    EXPECT_EQ(HostRefusal(host, hosts), "wrong-host") << host;
  }
  EXPECT_EQ(HostRefusal("remit.example", {}), "wrong-host");
}

TEST(Origin, MustBeOneOfTheServersPages) {
  Request request;
  EXPECT_FALSE(CheckOrigin(request, {}));
  request.headers.push_back({"Origin", "https://evil.example"});
  EXPECT_TRUE(CheckOrigin(request, {"https://remit.example"}));
  request.headers[0].value = "null";
  EXPECT_TRUE(CheckOrigin(request, {"https://remit.example"}));
  request.headers[0].value = "https://remit.example";
  EXPECT_FALSE(CheckOrigin(request, {"https://remit.example"}));
  EXPECT_TRUE(CheckOrigin(request, {"http://remit.example", "https://remit.example:444"}));
}

TEST(Body, MustBeWhatTheRouteTakes) {
  Router::Route route;
  route.body_bytes = 10;
  const auto refusal = [&](BodyKind kind, const std::string& type, std::uint64_t length) {
    Request request;
    request.method = "POST";
    if (!type.empty()) request.headers.push_back({"Content-Type", type});
    route.body = kind;
    Framing framing;
    framing.length = length;
    const auto found = CheckBody(request, framing, route);
    return found ? found->status : 0;
  };
  EXPECT_EQ(refusal(BodyKind::kJson, "", 0), 0);
  EXPECT_EQ(refusal(BodyKind::kJson, "application/json", 10), 0);
  EXPECT_EQ(refusal(BodyKind::kJson, "Application/JSON; charset=UTF-8", 10), 0);
  EXPECT_EQ(refusal(BodyKind::kJson, "application/json", 11), 413);
  for (const std::string type : {"", "text/plain", "application/jsonx", "application/x-www-form-urlencoded", "application/json; charset=utf-16",
                                 "application/json, text/plain", "text/plain; application/json", "multipart/form-data"}) {
    EXPECT_EQ(refusal(BodyKind::kJson, type, 1), 415) << type;
  }
  EXPECT_EQ(refusal(BodyKind::kForm, "application/x-www-form-urlencoded", 1), 0);
  EXPECT_EQ(refusal(BodyKind::kForm, "application/json", 1), 415);
  EXPECT_EQ(refusal(BodyKind::kAny, "image/png", 1), 0);
  EXPECT_EQ(refusal(BodyKind::kNone, "application/json", 1), 400);
}

}  // namespace
}  // namespace remit::http
