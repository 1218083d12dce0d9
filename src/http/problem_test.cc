#include "http/problem.h"

#include <gtest/gtest.h>

#include "http/message.h"

namespace remit::http {
namespace {

ClientResponse Answer(int status, std::string body) {
  ClientResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

TEST(ProblemTest, AClientReadsWhatTheServerWrote) {
  const Error sent = Error(Code::kNotFound, "unknown-task", "no task `x`").At("a.toml:3").Hint("remit list");
  const Response response = Problem(sent);
  const Error read = ErrorOf(Answer(response.status, response.body));
  EXPECT_EQ(read.code, sent.code);
  EXPECT_EQ(read.reason, sent.reason);
  EXPECT_EQ(read.message, sent.message);
  EXPECT_EQ(read.place, sent.place);
  EXPECT_EQ(read.hint, sent.hint);
}

TEST(ProblemTest, EveryKindComesBackWithTheSameStatus) {
  for (int code = 0; code <= static_cast<int>(Code::kInternal); ++code) {
    const int status = StatusOf(static_cast<Code>(code));
    EXPECT_EQ(StatusOf(CodeOfStatus(status)), status) << CodeName(static_cast<Code>(code));
  }
}

TEST(ProblemTest, AnOAuthErrorIsReadToo) {
  const Error read = ErrorOf(Answer(401, R"x({"error":"invalid_client","error_description":"used before (replayed-assertion)"})x"));
  EXPECT_EQ(read.code, Code::kUnauthenticated);
  EXPECT_EQ(read.reason, "invalid_client");
  EXPECT_EQ(read.message, "used before (replayed-assertion)");
}

TEST(ProblemTest, TheHintOfAnOAuthErrorStandsInItsDescription) {
  const Error read =
      ErrorOf(Answer(401, R"x({"error":"invalid_client","error_description":"used; hint: x; before (replayed-assertion); hint: sign a new one"})x"));
  EXPECT_EQ(read.message, "used; hint: x; before (replayed-assertion)");
  EXPECT_EQ(read.hint, "sign a new one");
  // A problem document has a field for it, and its detail may say what it likes.
  EXPECT_EQ(ErrorOf(Answer(400, R"x({"type":"urn:remit:error:x","detail":"a; hint: b"})x")).message, "a; hint: b");
}

TEST(ProblemTest, WhatIsNotFromRemitIsNamedByItsStatus) {
  for (const char* body : {"", "<html>Bad Gateway</html>", "[]", R"({"type":"about:blank","error":7})"}) {
    const Error read = ErrorOf(Answer(502, body));
    EXPECT_EQ(read.code, Code::kUnavailable) << body;
    EXPECT_EQ(read.reason, "http") << body;
    EXPECT_EQ(read.message, "the server answered 502") << body;
  }
}

}  // namespace
}  // namespace remit::http
