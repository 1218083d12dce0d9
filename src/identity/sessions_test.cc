// Sessions and sign-in links: used once, dead when they should be, also after a restart, and when the store fails.
#include "identity/sessions.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "identity/authenticator.h"
#include "identity/handle.h"
#include "identity/session_row.h"
#include "identity/test_parts.h"
#include "json/read.h"

namespace remit::identity {
namespace {

using Kind = Caller::Kind;
using namespace std::chrono_literals;

const cedar::EntityUid kPep{"Agent", "gateway"};
const cedar::EntityUid kAnn{"Employee", "ann"};

Caller Operator() { return {.kind = Kind::kOperator, .uid = {"Remit::Operator", "uid:0"}}; }

class SessionsTest : public ::testing::Test {
 protected:
  SessionsTest() {
    directory_.actors[kPep] = {kPep, "gateway", nullptr, false};
    directory_.people[kAnn] = {kAnn, false};
    Restart();
  }

  // As after a crash: what was not committed is gone.
  void Restart() {
    auto opened = Sessions::Open(store_, clock_, rng_, directory_);
    ASSERT_TRUE(opened.has_value()) << opened.error().ToString();
    sessions_ = std::move(opened).value();
    authenticator_ = std::make_unique<Authenticator>(directory_, *sessions_, 999);
  }

  Result<Minted> Start() {
    return Await<Minted>([&](auto answer) { sessions_->StartActorSession(kPep, answer); });
  }
  Result<Minted> Link(const Caller& by = Operator(), const cedar::EntityUid& person = kAnn) {
    return Await<Minted>([&](auto answer) { sessions_->MakeLink(by, person, answer); });
  }
  Result<Minted> Redeem(std::string_view code) {
    return Await<Minted>([&](auto answer) { sessions_->Redeem(code, answer); });
  }
  Status End(const std::string& session) {
    return Await<void>([&](auto answer) { sessions_->End(session, "signed-out", answer); });
  }
  Result<Caller> Who(std::string_view bearer, std::optional<std::uint32_t> uid = std::nullopt) {
    return authenticator_->Authenticate({bearer, uid, clock_.Now()});
  }
  std::string LastEvent(std::string_view field = "type") {
    auto event = json::Parse(store_.events.back());
    return *event->FindString(field);
  }

  FakeStore store_;
  FakeClock clock_;
  SeededRng rng_{7};
  FakeDirectory directory_;
  std::unique_ptr<Sessions> sessions_;
  std::unique_ptr<Authenticator> authenticator_;
};

TEST_F(SessionsTest, AnActorSessionLivesForAQuarterOfAnHourAlsoThroughARestart) {
  auto minted = Start();
  ASSERT_TRUE(minted.has_value());
  EXPECT_TRUE(IsHandle(minted->handle.Reveal(), kActorSessionPrefix));
  EXPECT_EQ(minted->expires, clock_.Now() + 15min);
  EXPECT_EQ(LastEvent(), "actor.signed-in");
  clock_.Advance(10min);
  Restart();
  auto who = Who(minted->handle.Reveal());
  ASSERT_TRUE(who.has_value());
  EXPECT_EQ(who->kind, Kind::kActor);
  EXPECT_EQ(who->uid, kPep);
  clock_.Advance(5min);
  EXPECT_EQ(Who(minted->handle.Reveal()).error().reason, "bad-credentials");
  Restart();
  EXPECT_EQ(Who(minted->handle.Reveal()).error().code, Code::kUnauthenticated);
}

TEST_F(SessionsTest, ALinkIsGoodExactlyOnce) {
  auto link = Link();
  ASSERT_TRUE(link.has_value());
  EXPECT_EQ(LastEvent(), "person.link-made");
  EXPECT_EQ(LastEvent("by"), "Remit::Operator::\"uid:0\"");
  auto session = Redeem(link->handle.Reveal());
  ASSERT_TRUE(session.has_value());
  EXPECT_EQ(LastEvent(), "person.signed-in");
  EXPECT_EQ(session->expires, clock_.Now() + 8h);
  auto who = Who(session->handle.Reveal());
  EXPECT_EQ(who->kind, Kind::kPerson);
  EXPECT_EQ(who->uid, kAnn);
  EXPECT_EQ(who->signed_in, clock_.Now());
  EXPECT_EQ(who->session, session->session);

  EXPECT_EQ(Redeem(link->handle.Reveal()).error().reason, "bad-sign-in-code");
  Restart();
  EXPECT_EQ(Redeem(link->handle.Reveal()).error().reason, "bad-sign-in-code");
  EXPECT_TRUE(Who(session->handle.Reveal()).has_value());
}

TEST_F(SessionsTest, ALinkThatTwoRedeemAtTheSameTimeGivesOneSession) {
  auto link = Link();
  store_.holding = true;
  int good = 0, bad = 0;
  for (int i = 0; i < 5; ++i) sessions_->Redeem(link->handle.Reveal(), [&](Result<Minted> r) { ++(r.has_value() ? good : bad); });
  store_.Release();
  EXPECT_EQ(good, 1);
  EXPECT_EQ(bad, 4);
}

TEST_F(SessionsTest, ALinkThatAnotherServerRedeemedIsNotGoodHere) {
  auto link = Link();
  auto other = Sessions::Open(store_, clock_, rng_, directory_);
  ASSERT_TRUE(Await<Minted>([&](auto a) { (*other)->Redeem(link->handle.Reveal(), a); }).has_value());
  EXPECT_EQ(Redeem(link->handle.Reveal()).error().reason, "bad-sign-in-code");
}

TEST_F(SessionsTest, ALinkIsDeadAfterTenMinutesAndWhenANewerOneIsMade) {
  auto old = Link();
  auto newer = Link();
  EXPECT_FALSE(Redeem(old->handle.Reveal()).has_value());
  clock_.Advance(10min);
  EXPECT_EQ(Redeem(newer->handle.Reveal()).error().reason, "bad-sign-in-code");
  Restart();
  EXPECT_FALSE(Redeem(newer->handle.Reveal()).has_value());
}

TEST_F(SessionsTest, OnlyTheOperatorMakesLinksAndOnlyForRegisteredPeople) {
  for (Kind kind : {Kind::kNobody, Kind::kActor, Kind::kPerson, Kind::kTask, Kind::kHolder}) {
    EXPECT_EQ(Link({.kind = kind, .uid = kAnn}).error().reason, "forbidden");
  }
  EXPECT_EQ(Link(Operator(), {"Employee", "nobody"}).error().reason, "unknown-person");
  directory_.people[kAnn].barred = true;
  EXPECT_EQ(Link().error().reason, "barred");
  EXPECT_TRUE(store_.events.empty());
}

TEST_F(SessionsTest, ABarredPersonsSessionAndLinkDie) {
  auto session = Redeem(Link()->handle.Reveal());
  auto link = Link();
  directory_.people[kAnn].barred = true;
  EXPECT_FALSE(Who(session->handle.Reveal()).has_value());
  EXPECT_FALSE(Redeem(link->handle.Reveal()).has_value());
  ASSERT_TRUE(Await<void>([&](auto a) { sessions_->EndAllOf(kAnn, "barred", a); }).has_value());
  EXPECT_EQ(LastEvent(), "session.ended");
  directory_.people[kAnn].barred = false;  // who comes back does so without their old sessions
  EXPECT_FALSE(Who(session->handle.Reveal()).has_value());
  EXPECT_FALSE(Redeem(link->handle.Reveal()).has_value());
  EXPECT_TRUE(store_.rows.empty());
}

TEST_F(SessionsTest, ABarredOrForgottenActorsSessionDies) {
  auto session = Start();
  directory_.actors[kPep].barred = true;
  EXPECT_FALSE(Who(session->handle.Reveal()).has_value());
  directory_.actors.clear();
  EXPECT_FALSE(Who(session->handle.Reveal()).has_value());
}

TEST_F(SessionsTest, SigningOutEndsOneSession) {
  auto one = Start();
  auto two = Start();
  ASSERT_TRUE(End(one->session).has_value());
  EXPECT_EQ(LastEvent("reason"), "signed-out");
  EXPECT_FALSE(Who(one->handle.Reveal()).has_value());
  EXPECT_TRUE(Who(two->handle.Reveal()).has_value());
  EXPECT_TRUE(End("ses_unknown").has_value());
  Restart();
  EXPECT_FALSE(Who(one->handle.Reveal()).has_value());
}

TEST_F(SessionsTest, WhatIsBeingMadeWhileAllOfItsOwnerEndsIsNotLeft) {
  store_.holding = true;
  std::optional<Result<Minted>> session, link;
  sessions_->StartActorSession(kPep, [&](Result<Minted> a) { session = std::move(a); });
  sessions_->MakeLink(Operator(), kAnn, [&](Result<Minted> a) { link = std::move(a); });
  for (const cedar::EntityUid& who : {kPep, kAnn}) sessions_->EndAllOf(who, "offboarded", [](Status) {});
  store_.Release();
  ASSERT_TRUE(session && link);
  ASSERT_FALSE(session->has_value() || link->has_value());
  EXPECT_EQ(session->error().reason, "bad-credentials");
  EXPECT_EQ(link->error().reason, "bad-credentials");
  EXPECT_EQ(sessions_->size(), 0u);
  Restart();
  EXPECT_EQ(sessions_->size(), 0u);  // nor in the store, for the day on which somebody lifts the bar
  EXPECT_TRUE(Start().has_value());
}

TEST_F(SessionsTest, AnEndThatTheStoreRefusesHoldsAndIsWrittenWithTheNextCommit) {
  auto session = Start();
  store_.failing = true;
  EXPECT_EQ(End(session->session).error().reason, "store-failed");
  EXPECT_FALSE(Who(session->handle.Reveal()).has_value());
  store_.failing = false;
  ASSERT_TRUE(Start().has_value());
  Restart();
  EXPECT_FALSE(Who(session->handle.Reveal()).has_value());
  EXPECT_EQ(store_.rows.size(), 1u);
}

TEST_F(SessionsTest, NothingIsGivenThatWasNotCommitted) {
  store_.failing = true;
  EXPECT_EQ(Start().error().reason, "store-failed");
  EXPECT_EQ(sessions_->size(), 0u);
  store_.failing = false;
  auto link = Link();
  store_.failing = true;
  EXPECT_EQ(Redeem(link->handle.Reveal()).error().reason, "store-failed");
  store_.failing = false;
  EXPECT_TRUE(Redeem(link->handle.Reveal()).has_value());
}

TEST_F(SessionsTest, AHandleOfAnotherKindOrFormIsNobodys) {
  auto actor = Start();
  auto link = Link();
  auto person = Redeem(Link()->handle.Reveal());
  const std::string a(actor->handle.Reveal()), p(person->handle.Reveal());
  EXPECT_FALSE(Redeem(a).has_value());
  EXPECT_FALSE(Redeem(p).has_value());
  EXPECT_FALSE(Who(link->handle.Reveal()).has_value());
  for (std::string forged :
       {std::string(), std::string("rma_"), a + "A", a.substr(0, a.size() - 1), "rmp_" + a.substr(4), "rma_" + p.substr(4), " " + a,
        "RMA_" + a.substr(4), "rmt_" + a.substr(4), a.substr(0, 46) + "=", std::string("rma_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")}) {
    EXPECT_EQ(Who(forged).error().reason, "bad-credentials") << forged;
    EXPECT_EQ(Who(forged, 0).error().reason, "bad-credentials") << "fell back to root: " << forged;
  }
}

TEST_F(SessionsTest, TooManySessionsEndTheOldest) {
  auto first = Start();
  for (std::size_t i = 1; i < limits::kSessionsPerOwner; ++i) {
    clock_.Advance(1ms);
    ASSERT_TRUE(Start().has_value());
  }
  EXPECT_TRUE(Who(first->handle.Reveal()).has_value());
  ASSERT_TRUE(Start().has_value());
  EXPECT_FALSE(Who(first->handle.Reveal()).has_value());
  EXPECT_EQ(store_.rows.size(), limits::kSessionsPerOwner);
}

TEST_F(SessionsTest, WhatHasExpiredLeavesTheStore) {
  ASSERT_TRUE(Start().has_value());
  ASSERT_TRUE(Link().has_value());
  clock_.Advance(1h);
  Restart();
  auto kept = Start();
  EXPECT_EQ(store_.rows.size(), 1u);
  EXPECT_EQ(sessions_->size(), 1u);
}

TEST_F(SessionsTest, NoHandleIsEverWrittenDown) {
  auto actor = Start();
  auto link = Link();
  auto person = Redeem(link->handle.Reveal());
  for (const Minted* m : {&*actor, &*link, &*person}) {
    const std::string handle(m->handle.Reveal());
    for (const auto& [key, value] : store_.rows) EXPECT_EQ((key.second + value).find(handle), std::string::npos);
    for (const std::string& event : store_.events) EXPECT_EQ(event.find(handle), std::string::npos);
  }
}

TEST_F(SessionsTest, ARowThatIsNotOursIsCorruptAndServesNobody) {
  store_.rows[{store::Table::kSession, std::string(64, 'a')}] = "?";
  EXPECT_EQ(Sessions::Open(store_, clock_, rng_, directory_).error().reason, "store-corrupt");
  store_.rows.clear();
  store_.rows[{store::Table::kSession, "xyz"}] = SessionRow{.id = "ses_1", .owner = kPep}.Encode();
  EXPECT_EQ(Sessions::Open(store_, clock_, rng_, directory_).error().reason, "store-corrupt");
}

TEST(SessionRowTest, ReadsBackWhatItWroteAndNothingElse) {
  const SessionRow row{SessionRow::Kind::kPerson, "ses_x", kAnn, FromMicros(5), FromMicros(99)};
  const std::string bytes = row.Encode();
  EXPECT_EQ(*SessionRow::Decode(bytes), row);
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(SessionRow::Decode(bytes.substr(0, n)).has_value());
  EXPECT_FALSE(SessionRow::Decode(bytes + "x").has_value());
  std::string other = bytes;
  other[1] = 9;
  EXPECT_FALSE(SessionRow::Decode(other).has_value());
}

}  // namespace
}  // namespace remit::identity
