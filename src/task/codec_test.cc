// Rows: read as they were written, in one form only, damaged ones refused, and quick enough for a restart with 100,000 tasks.
#include "task/codec.h"

#include <rapidcheck.h>

#include <chrono>

#include "task/task.h"

namespace remit::task {
namespace {

TaskRecord Example() {
  TaskRecord r;
  r.id = "tsk_01kabcdefghjkmnpqrstvwxyz0";
  r.type = "Deploy::DeployService";
  r.name = "deploy";
  r.purpose = "Deploy one service to one environment";
  r.actor = {"Pipeline", "ci/checkout"};
  r.chain = {r.actor, {"Employee", "ada"}};
  r.parameters = json::Object{{"service", json::Object{{"__entity", json::Object{{"type", "Service"}, {"id", "checkout"}}}}}, {"n", -5}};
  r.reason = "CHG-77";
  r.state = State::kActive;
  r.requested = r.deadline = FromMicros(1'780'000'000'123'456);
  r.started = r.requested;
  r.ttl = std::chrono::minutes(15);
  r.heartbeat = std::chrono::seconds(60);
  r.catalog = std::string(64, 'a');
  r.facts = std::string(64, 'b');
  r.token_hash.fill(0xff);
  r.nonce = "nonce";
  r.approvals_needed = 1;
  r.approvals = {{{"Employee", "bob"}, r.requested}};
  r.uses = {{"deploy.cedar:2", 1}, {"deploy.cedar:3", 300}};
  r.allowed = 1u << 20;
  r.credentials = {"crd_1", "crd_2"};
  r.max_ttl = std::chrono::hours(1);
  return r;
}

// With everything that a life may have.
TaskRecord Eventful() {
  TaskRecord r = Example();
  r.state = State::kSuspended;
  r.suspended = r.not_before = r.requested;
  r.extension = Extension{std::chrono::minutes(5), "slow network", {}, 1, {{{"Employee", "bob"}, r.requested}}, r.requested, r.deadline};
  r.break_glass = true;
  r.review = Yes{{"Employee", "cem"}, r.requested};
  return r;
}

TEST(Codec, ATaskIsReadAsItWasWritten) {
  EXPECT_EQ(TaskRecord::Decode(Example().Encode()).value(), Example());
  EXPECT_EQ(TaskRecord::Decode(Eventful().Encode()).value(), Eventful());
}

TEST(Codec, ARowOfTheFirstFormIsRead) {
  TaskRecord plain = Example();
  plain.max_ttl = Duration(0);
  std::string bytes = plain.Encode();
  ASSERT_EQ(bytes.back(), '\0');  // nothing rare: the first form had no such byte
  bytes.pop_back();
  bytes[0] = 1;
  EXPECT_EQ(TaskRecord::Decode(bytes).value(), plain);
}

TEST(Codec, EveryTruncationIsRefused) {
  const std::string bytes = Eventful().Encode();
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const auto r = TaskRecord::Decode(std::string_view(bytes).substr(0, n));
    ASSERT_FALSE(r) << n;
    EXPECT_EQ(r.error().reason, "store-corrupt");
  }
  EXPECT_FALSE(TaskRecord::Decode(bytes + '\0'));
}

TEST(Codec, AnotherVersionIsRefused) {
  std::string bytes = Example().Encode();
  bytes[0] = 3;
  EXPECT_FALSE(TaskRecord::Decode(bytes));
}

TEST(Codec, NumbersHaveOneForm) {
  EXPECT_EQ(Decoder(std::string_view("\x80\x01", 2)).Unsigned(), 128u);
  Decoder longer(std::string_view("\x81\x00", 2));
  longer.Unsigned();
  EXPECT_FALSE(longer.ok());
  Decoder wide("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02");
  wide.Unsigned();
  EXPECT_FALSE(wide.ok());
}

TEST(Codec, AnObjectWithTwoEqualNamesIsRefused) {
  std::string bytes(
      "\x07\x02\x01"
      "a\x00\x01"
      "a\x00",
      8);
  Decoder d(bytes);
  d.Json();
  EXPECT_FALSE(d.ok());
}

TEST(CodecProperty, NumbersAndTextsComeBack) {
  EXPECT_TRUE(rc::check([](std::uint64_t u, std::int64_t s, const std::string& text, double number) {
    std::string bytes;
    Encoder e(bytes);
    e.Unsigned(u);
    e.Signed(s);
    e.Text(text);
    RC_PRE(number - number == 0);
    e.Json(json::Array{s, text, number, json::Object{{"a", nullptr}}});
    Decoder d(bytes);
    RC_ASSERT(d.Unsigned() == u);
    RC_ASSERT(d.Signed() == s);
    RC_ASSERT(d.Text() == text);
    RC_ASSERT(d.Json() == json::Value(json::Array{s, text, number, json::Object{{"a", nullptr}}}));
    RC_ASSERT(d.Finish("test").has_value());
  }));
}

TEST(CodecProperty, WhatIsAcceptedIsWrittenAgainByteForByte) {
  EXPECT_TRUE(rc::check([] {
    std::string bytes = Example().Encode();
    for (int n = *rc::gen::inRange(0, 4); n > 0; --n) {
      bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = static_cast<char>(*rc::gen::inRange(0, 256));
    }
    const auto r = TaskRecord::Decode(bytes);
    if (r) RC_ASSERT(r->Encode() == bytes);
  }));
}

}  // namespace
}  // namespace remit::task
