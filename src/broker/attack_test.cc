// Attacks on the broker, each as a test: what somebody would try who knows how it is built.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "broker/test_bench.h"
#include "jose/access_token.h"
#include "json/write.h"
#include "task/credential.h"

namespace remit::broker {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class Attack : public ::testing::Test {
 protected:
  void Load(std::string_view more_schema, std::string_view more_policies) {
    bench.broker().LoadCatalog(
        Bench::Operator(),
        {{"t.cedarschema", std::string(kSchema) + std::string(more_schema)}, {"t.cedar", std::string(kPolicies) + std::string(more_policies)}}, false,
        [](auto answer) { Bench::Expect(answer); });
  }

  UseAnswer Ask(const UseRequest& request) {
    std::optional<Result<UseAnswer>> answer;
    bench.broker().Evaluate(Bench::Agent("helpdesk"), request, [&](Result<UseAnswer> a) { answer = std::move(a); });
    EXPECT_TRUE(answer && answer->has_value());
    return answer && *answer ? **answer : UseAnswer{};
  }

  std::string PutBarred(const std::string& agent) {
    std::string reason;
    bench.broker().PutActor(Bench::Operator(), {{"Agent", agent}, "", nullptr, std::nullopt, true},
                            [&](auto a) { reason = a ? "" : a.error().reason; });
    return reason;
  }

  json::Value ApprovalOf(const std::string& id) {
    auto list = bench.broker().ListApprovals(Bench::Operator());
    for (const json::Value& one : list->Find("approvals")->AsArray())
      if (*one.FindString("id") == id) return one;
    return {};
  }

  Result<TokenAnswer> Token(const StartAnswer& started, const std::string& audience, bool offline = false) {
    std::optional<Result<TokenAnswer>> answer;
    bench.broker().IssueToken(bench.broker().FindHandle(started.token.Reveal()), {started.task.id, audience, offline},
                              [&](auto a) { answer = std::move(a); });
    return *std::move(answer);
  }

  Bench bench;
};

// --- approvals of uses ---------------------------------------------------------------------------------------------------------------------

constexpr std::string_view kPay = R"(
action "pay" appliesTo { principal: [Triage], resource: [Ticket], context: { amount: Long } };
)";
constexpr std::string_view kPayPolicies = R"(
@id("pay") permit (principal is Triage, action == Action::"pay", resource) when { resource == principal.ticket };
@id("pay-yes") @unless_approved("2") forbid (principal is Triage, action == Action::"pay", resource);
)";

class Payment : public Attack {
 protected:
  Payment() {
    Load(kPay, kPayPolicies);
    started = bench.Start("triage", {{"ticket", "T-1"}}).value();
  }
  UseRequest Pay(std::int64_t amount) {
    UseRequest request = Bench::Question(started.task.id, "pay", "Ticket", "T-1");
    request.context = json::Object{{"amount", amount}};
    return request;
  }
  StartAnswer started;
};

TEST_F(Payment, AYesToAnotherQuestionIsNotAYesToThisOne) {
  const UseAnswer asked = Ask(Pay(10));
  ASSERT_EQ(asked.reason, "needs-approval");
  ASSERT_TRUE(bench.Approve(bench.Person("ann"), asked.approval).has_value());
  ASSERT_TRUE(bench.Approve(bench.Person("bob"), asked.approval).has_value());
  const UseAnswer more = Ask(Pay(1'000'000));
  EXPECT_FALSE(more.allowed);
  EXPECT_NE(more.approval, asked.approval);
  EXPECT_TRUE(Ask(Pay(10)).allowed);
  EXPECT_FALSE(Ask(Pay(10)).allowed);  // a yes counts once
}

TEST_F(Payment, WhoIsAskedSeesAllOfTheQuestionAndHowManyMustSayYes) {
  const UseAnswer asked = Ask(Pay(10));
  bench.Restart();
  const json::Value shown = ApprovalOf(asked.approval);
  EXPECT_EQ(shown.Find("needed")->AsInt(), 2);
  ASSERT_NE(shown.Find("context"), nullptr);
  EXPECT_EQ(shown.Find("context")->Find("amount")->AsInt(), 10);
  EXPECT_EQ(Ask(Pay(10)).approval, asked.approval);  // asked once, whoever forgot
}

TEST_F(Payment, ATaskCannotAskPeopleWithoutEnd) {
  std::set<std::string> approvals;
  for (int i = 0; i < 1000; ++i)
    if (const UseAnswer asked = Ask(Pay(i)); !asked.approval.empty()) approvals.insert(asked.approval);
  EXPECT_GE(approvals.size(), 10u);
  EXPECT_LE(approvals.size(), 100u);
  const UseAnswer refused = Ask(Pay(5000));
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.approval, "");
}

TEST_F(Payment, AYesThatIsOnItsWayToTheDiskDoesNotHoldUpTheEnd) {
  const UseAnswer asked = Ask(Pay(10));
  const std::string hash = *ApprovalOf(asked.approval).FindString("hash");
  bench.store().HoldCommits();
  bench.broker().Approve(bench.Person("ann"), asked.approval, hash, [](auto) {});
  std::string ended;
  bench.broker().Revoke(bench.Person("ann"), started.task.id, "leaked", Duration(0),
                        [&](auto answer) { ended = answer ? "ended" : answer.error().reason; });
  EXPECT_EQ(Ask(Bench::Question(started.task.id, "ticket.read", "Ticket", "T-1")).reason, "ended");
  bench.store().ReleaseCommits();
  bench.Settle();
  EXPECT_EQ(ended, "ended");
  EXPECT_EQ(bench.StateOf(started.task.id), "revoked");
  bench.Restart();
  EXPECT_TRUE(bench.broker().ListApprovals(Bench::Operator())->Find("approvals")->AsArray().empty());
}

// --- starts --------------------------------------------------------------------------------------------------------------------------------

TEST_F(Attack, ABarredActorsRequestIsNotActivatedByWhoDoesNotKnow) {
  auto started = bench.Start("change", {{"ticket", "T-1"}});
  ASSERT_TRUE(bench.Approve(bench.Person("ann"), started->approval).has_value());
  ASSERT_EQ(PutBarred("bot"), "");
  EXPECT_FALSE(bench.Approve(bench.Person("bob"), started->approval).has_value());
  EXPECT_EQ(bench.StateOf(started->task.id), "denied");
  EXPECT_TRUE(bench.broker().FindHandle(started->token.Reveal()).Is(Caller::Kind::kNobody));
}

TEST_F(Attack, AWithdrawalThatMeetsTheActivationHidesNoCredential) {
  Load("", R"(@id("box-yes") @unless_approved("1") forbid (principal, action == Remit::Action::"start", resource is OpenBox);)");
  auto started = bench.Start("box", {{"box", "b1"}});
  const std::string hash = *ApprovalOf(started->approval).FindString("hash");
  bench.store().HoldCommits();
  bench.broker().Approve(bench.Person("ann"), started->approval, hash, [](auto) {});
  std::optional<Result<EndAnswer>> ended;
  bench.broker().Withdraw(bench.broker().FindHandle(started->holder.Reveal()), started->task.id, [&](auto answer) { ended = std::move(answer); });
  bench.box->down = true;
  bench.store().ReleaseCommits();
  bench.Pass(seconds(1));
  ASSERT_TRUE(ended.has_value());
  ASSERT_TRUE(ended->has_value()) << ended->error().ToString();
  EXPECT_FALSE((*ended)->all_dead);
  auto receipt = bench.broker().Receipt(Bench::Operator(), started->task.id);
  ASSERT_TRUE(receipt.has_value()) << receipt.error().ToString();
  EXPECT_FALSE(receipt->Find("all_dead")->AsBool());
  EXPECT_EQ(receipt->Find("credentials")->AsArray().size(), 1u);
  bench.box->down = false;
  bench.Pass(minutes(2));
  receipt = bench.broker().Receipt(Bench::Operator(), started->task.id);
  EXPECT_TRUE(receipt->Find("all_dead")->AsBool());
  EXPECT_TRUE(bench.box->exists.empty());
}

// --- catalogs and facts that change meanwhile ---------------------------------------------------------------------------------------------

constexpr std::string_view kNoBoxes = R"(@id("no-boxes") forbid (principal is OpenBox, action == Action::"box.open", resource);)";

TEST_F(Attack, AStartThatPassesANarrowerCatalogOnItsWayKeepsNothing) {
  for (const bool catalog_first : {true, false}) {
    Load("", "");
    bench.store().HoldCommits();
    std::optional<Result<StartAnswer>> started;
    StartRequest request;
    request.type = "box";
    request.parameters = json::Object{{"box", "b1"}};
    if (catalog_first) Load("", kNoBoxes);
    bench.broker().Start(Bench::Agent(), request, [&](auto answer) { started = std::move(answer); });
    if (!catalog_first) Load("", kNoBoxes);
    bench.store().ReleaseCommits();
    bench.Pass(seconds(10));
    EXPECT_TRUE(bench.box->exists.empty()) << catalog_first;
    EXPECT_TRUE(started.has_value());
  }
}

TEST_F(Attack, ACredentialThatIsTooWideEndsAlsoWhereAsManyPermissionsAreLeft) {
  auto started = bench.Start("box", {{"box", "b1"}});
  ASSERT_EQ(bench.box->exists.size(), 1u);
  Load("", R"(@id("box-yes") @unless_approved("1") forbid (principal is OpenBox, action == Action::"box.open", resource);)");
  bench.Pass(seconds(10));
  EXPECT_TRUE(bench.box->exists.empty());
  EXPECT_EQ(bench.StateOf(started->task.id), "revoked");
}

TEST_F(Attack, ACatalogThatOnlyReadsOtherwiseEndsNothing) {
  auto started = bench.Start("box", {{"box", "b1"}});
  std::string other(kPolicies);
  other.replace(other.find("@id(\"box\")"), 10, "@id(\"boxes\")");
  bench.LoadCatalog(other);
  EXPECT_EQ(bench.StateOf(started->task.id), "active");
}

TEST_F(Attack, IntrospectionSaysWhatATokenIsWorthNow) {
  auto started = bench.Start("triage", {{"ticket", "T-1"}});
  auto token = Token(*started, "https://api.test");
  ASSERT_TRUE(token.has_value());
  auto permissions = [&] {
    const json::Value answer = bench.broker().Introspect(Bench::Operator(), token->token.Reveal());
    const json::Value* details = answer.Find("authorization_details");
    return details == nullptr ? 0u : details->AsArray()[0].Find("permissions")->AsArray().size();
  };
  const std::size_t before = permissions();
  Load("", R"(@id("closed") forbid (principal is Triage, action == Action::"ticket.read", resource) when { resource.project == "web" };)");
  const auto answer = bench.broker().Introspect(Bench::Operator(), token->token.Reveal());
  EXPECT_TRUE(!answer.Find("active")->AsBool() || permissions() < before || json::Write(answer).find("web") != std::string::npos)
      << json::Write(answer);
}

TEST_F(Attack, FactsThatAreTakenAwayDoNotComeBackWithThoseThatAreAddedMeanwhile) {
  json::Value all = *json::Parse(kFacts);
  json::Array less;
  for (const json::Value& entity : all.AsArray())
    if (*entity.Find("uid")->FindString("id") != "T-2") less.push_back(entity);
  const json::Value more = *json::Parse(R"([{"uid": {"type": "Ticket", "id": "T-3"}, "attrs": {"project": "web"}, "parents": []}])");
  bench.store().HoldCommits();
  bench.broker().PutFacts(Bench::Operator(), json::Value(less), true, [](auto a) { Bench::Expect(a); });
  bench.broker().PutFacts(Bench::Operator(), more, false, [](auto a) { Bench::Expect(a); });
  bench.store().ReleaseCommits();
  bench.Settle();
  const std::string facts = json::Write(bench.broker().Facts());
  EXPECT_EQ(facts.find("T-2"), std::string::npos);
  EXPECT_NE(facts.find("T-3"), std::string::npos);
  bench.Restart();
  EXPECT_EQ(*bench.broker().Facts().FindString("hash"), *json::Parse(facts)->FindString("hash"));
}

TEST_F(Attack, WhatAPepSaysOfAResourceDoesNotTakeItOutOfItsFolder) {
  Load(R"(entity Vault; @from_pep entity File in [Vault] = { owner: String, held?: Bool };
       action "file.read" appliesTo { principal: [Triage], resource: [File] };)",
       R"(@id("file") permit (principal is Triage, action == Action::"file.read", resource is File);
          @id("vault") forbid (principal is Triage, action == Action::"file.read", resource in Vault::"locked");
          @id("held") forbid (principal is Triage, action == Action::"file.read", resource is File) when { resource has held && resource.held };)");
  bench.broker().PutFacts(Bench::Operator(), *json::Parse(R"([
      {"uid": {"type": "Vault", "id": "locked"}, "attrs": {}, "parents": []},
      {"uid": {"type": "File", "id": "f"}, "attrs": {"owner": "ann"}, "parents": [{"type": "Vault", "id": "locked"}]},
      {"uid": {"type": "File", "id": "h"}, "attrs": {"owner": "ann", "held": true}, "parents": []}])"),
                          false, [](auto a) { Bench::Expect(a); });
  bench.PutVouches("helpdesk", {"File"});
  auto started = bench.Start("triage", {{"ticket", "T-1"}});
  auto read = [&](const std::string& file, bool says) {
    UseRequest request = Bench::Question(started->task.id, "file.read", "File", file);
    if (says) request.resource_attributes = json::Object{{"owner", "bob"}};
    return Ask(request).allowed;
  };
  EXPECT_FALSE(read("f", false));
  EXPECT_FALSE(read("f", true));
  EXPECT_FALSE(read("h", true));
}

// "A PEP whose actor is permitted `enforce`, for the resource types and attributes that it is registered to vouch for."
TEST_F(Attack, APepIsBelievedOnlyWhatItIsRegisteredToVouchFor) {
  Load(R"(@open @from_pep entity Route = { owner?: String, internal?: Bool };
       action "call" appliesTo { principal: [Triage], resource: [Route] };)",
       R"(@id("call") permit (principal is Triage, action == Action::"call", resource is Route)
            when { resource has owner && resource.owner == "web" };
          @id("hidden") forbid (principal is Triage, action == Action::"call", resource is Route) when { resource has internal && resource.internal };)");
  auto started = bench.Start("triage", {{"ticket", "T-1"}});
  const auto call = [&](json::Object said) {
    UseRequest request = Bench::Question(started->task.id, "call", "Route", "/pay");
    request.resource_attributes = std::move(said);
    return Ask(request);
  };
  const json::Object owner{{"owner", "web"}}, both{{"owner", "web"}, {"internal", true}};
  // It may enforce everything, and is registered for nothing.
  EXPECT_EQ(call(owner).reason, "not-vouched-for");
  EXPECT_THAT(call(owner).errors, testing::ElementsAre("Agent::\"helpdesk\" is not registered to vouch for `Route.owner`"));
  bench.PutVouches("bot", {"Route"});  // nor is it by what another is
  EXPECT_EQ(call(owner).reason, "not-vouched-for");
  bench.PutVouches("helpdesk", {"Route.owner"});
  EXPECT_EQ(call(owner).reason, "allowed");
  // What it may not say is not left out: the forbid that looks at it would be lifted by that.
  EXPECT_EQ(call(both).reason, "not-vouched-for");
  UseRequest asked = Bench::Question(started->task.id, "call", "Route", "/pay");
  asked.resource_attributes = both;
  EXPECT_EQ(bench.broker().Check(Bench::Agent("helpdesk"), asked)->reason, "not-vouched-for");
  bench.PutVouches("helpdesk", {"Route"});
  EXPECT_EQ(call(owner).reason, "allowed");
  EXPECT_EQ(call(both).reason, "forbidden");
  bench.Restart();
  EXPECT_EQ(call(both).reason, "forbidden");
  bench.PutVouches("helpdesk", {});
  EXPECT_EQ(call(owner).reason, "not-vouched-for");
  for (const char* wrong : {"Ticket", "Route.nothing", "Route.", "Nothing", "", ".owner"}) {
    ActorRecord actor{{"Agent", "helpdesk"}, "", nullptr, std::nullopt, false};
    actor.vouches_for = {wrong};
    std::string reason;
    bench.broker().PutActor(Bench::Operator(), actor, [&](auto a) { reason = a ? "" : a.error().reason; });
    EXPECT_EQ(reason, "bad-vouch") << wrong;
  }
}

// A catalog that an earlier version of Remit took: what it lifts on a verb that counts nothing is lifted never, not for ever.
TEST_F(Attack, AnObligationOnWhatCountsNothingIsNotLiftedForEver) {
  const std::string policies = std::string(kPolicies) + R"(
    @id("stops") permit (principal in Team::"leads", action in [Remit::Action::"suspend", Remit::Action::"catalog.load", Remit::Action::"sweep.adopt"], resource);
    @id("once-suspended") @after_uses("1") forbid (principal, action == Remit::Action::"suspend", resource);
    @id("once-loaded") @after_uses("1") forbid (principal, action == Remit::Action::"catalog.load", resource);
    @id("once-enforced") @after_uses("1") forbid (principal, action == Remit::Action::"enforce", resource == Ticket::"T-2");
    @id("sweep-yes") @unless_approved("1") forbid (principal, action == Remit::Action::"sweep.adopt", resource);)";
  bench.LeaveCatalog(policies);
  auto started = bench.Start("triage", {{"ticket", "T-1"}});
  ASSERT_TRUE(started.has_value());
  std::string suspended;
  bench.broker().Suspend(bench.Person("ann"), started->task.id, "", Duration(0), [&](auto a) { suspended = a ? "" : a.error().reason; });
  bench.Settle();
  EXPECT_EQ(suspended, "suspend-denied");
  EXPECT_EQ(bench.broker().MayAdminister(bench.Person("ann"), "catalog.load").error().reason, "administration-denied");
  EXPECT_EQ(Ask(Bench::Question(started->task.id, "ticket.read", "Ticket", "T-1")).reason, "allowed");
  EXPECT_EQ(Ask(Bench::Question(started->task.id, "ticket.read", "Ticket", "T-2")).reason, "not-a-pep");
  EXPECT_TRUE(bench.broker().SetUpIsOpen()) << "nobody loads a catalog any more, so that the operator does";
  EXPECT_THAT(bench.broker().LockedBy(), testing::ElementsAre("once-loaded")) << "and it is said why";
  // A sweep only takes away: it never waits.
  EXPECT_TRUE(bench.broker().MaySweep(bench.Person("ann")));
  EXPECT_EQ(bench.broker().MaySweep(bench.Person("eve")).error().reason, "administration-denied");
  // With the operator's way out it is over. A catalog that names nobody who loads is no such lock, but a set-up that goes on.
  bench.LoadCatalog(kPolicies);
  EXPECT_TRUE(bench.broker().SetUpIsOpen());
  EXPECT_THAT(bench.broker().LockedBy(), testing::IsEmpty());
}

// Where those who would say yes are kept from it, nobody loads either.
TEST_F(Attack, AnObligationThatKeepsEverybodyFromSayingYesIsNamed) {
  bench.LeaveCatalog(std::string(kPolicies) + R"(
    @id("loads") permit (principal == Employee::"ann", action == Remit::Action::"catalog.load", resource);
    @id("four-eyes") @unless_approved("1") forbid (principal, action == Remit::Action::"catalog.load", resource);
    @id("says-yes") permit (principal in Team::"leads", action == Remit::Action::"approve", resource is Remit::Server);
    @id("once-yes") @after_uses("1") forbid (principal, action == Remit::Action::"approve", resource);)");
  EXPECT_TRUE(bench.broker().SetUpIsOpen());
  EXPECT_THAT(bench.broker().LockedBy(), testing::ElementsAre("once-yes"));
}

// --- ends ----------------------------------------------------------------------------------------------------------------------------------

TEST_F(Attack, AnEndThatIsWrittenLateDoesNotBringADeadCredentialBack) {
  auto started = bench.Start("box", {{"box", "b1"}});
  ASSERT_TRUE(started.has_value()) << started.error().ToString();
  const std::string credential = started->credentials.at(0).id;
  bench.store().FailNext(1, Error(Code::kResourceExhausted, "store-full", "the disk is full"));
  bench.broker().Complete(bench.broker().FindHandle(started->holder.Reveal()), started->task.id, Duration(0), [](auto) {});
  bench.Pass(minutes(1));
  EXPECT_EQ(bench.StateOf(started->task.id), "completed");
  auto row = bench.store().Get(store::Table::kCredential, credential);
  EXPECT_TRUE(row.has_value() && !row->has_value());
  auto dead = bench.store().Get(store::Table::kEndedCredential, credential);
  EXPECT_TRUE(dead.has_value() && dead->has_value());
  const int ends = bench.box->ends;
  bench.Restart();
  bench.Pass(minutes(1));
  EXPECT_EQ(bench.box->ends, ends);
}

// --- what grows ----------------------------------------------------------------------------------------------------------------------------

TEST_F(Attack, WaitsThatAreOverLeaveNothingBehind) {
  auto started = bench.Start("triage", {{"ticket", "T-1"}});
  const Caller task = bench.broker().FindHandle(started->token.Reveal());
  auto witness = std::make_shared<int>(0);
  for (int i = 0; i < 100; ++i) {
    bench.broker().WatchTask(task, started->task.id, "active", seconds(1), [witness](auto) { ++*witness; });
    bench.Pass(seconds(1));
  }
  EXPECT_EQ(*witness, 100);
  EXPECT_LT(witness.use_count(), 5);
}

TEST_F(Attack, ATaskHoldsOnlySoManyTokens) {
  auto started = bench.Start("triage", {{"ticket", "T-1"}});
  int given = 0;
  for (int i = 0; i < 1000; ++i) given += Token(*started, "https://api.test/" + std::to_string(i)).has_value();
  EXPECT_GE(given, 10);
  EXPECT_LE(given, 100);
  EXPECT_TRUE(Token(*started, "https://api.test/0").has_value());  // those that are there are renewed
}

TEST_F(Attack, ATaskThatListsSeesItselfAlone) {
  auto start = [&] {
    bench.clock.Advance(seconds(1));  // ids sort by time
    return bench.Start("triage", {{"ticket", "T-1"}}).value();
  };
  const StartAnswer first = start(), second = start(), third = start();
  const StartAnswer *one = &first, *two = &second, *three = &third;
  auto ids = [&](const Caller& by, ListFilter filter) {
    std::vector<std::string> found;
    const json::Value list = *bench.broker().ListTasks(by, filter);
    for (const json::Value& shown : list.Find("tasks")->AsArray()) found.push_back(*shown.FindString("id"));
    return found;
  };
  EXPECT_EQ(ids(bench.broker().FindHandle(two->token.Reveal()), {}), std::vector<std::string>{two->task.id});
  EXPECT_EQ(ids(bench.broker().FindHandle(two->token.Reveal()), {.after = two->task.id}), std::vector<std::string>{});
  EXPECT_EQ(ids(Bench::Agent(), {.limit = 2}), (std::vector<std::string>{one->task.id, two->task.id}));
  EXPECT_EQ(ids(Bench::Agent(), {.limit = 2, .after = two->task.id}), std::vector<std::string>{three->task.id});
  const ListFilter back{.limit = 2, .newest_first = true}, further{.limit = 2, .after = two->task.id, .newest_first = true};
  EXPECT_EQ(ids(Bench::Agent(), back), (std::vector<std::string>{three->task.id, two->task.id}));
  EXPECT_EQ(ids(Bench::Agent(), further), std::vector<std::string>{one->task.id});
  EXPECT_EQ(ids(bench.broker().FindHandle(two->token.Reveal()), back), std::vector<std::string>{two->task.id});
  EXPECT_EQ(ids(bench.broker().FindHandle(two->token.Reveal()), further), std::vector<std::string>{});
  ASSERT_TRUE(bench.Complete(*two).has_value());
  ASSERT_TRUE(bench.Complete(*one).has_value());
  EXPECT_EQ(ids(Bench::Agent(), {}), std::vector<std::string>{three->task.id});
  EXPECT_EQ(ids(Bench::Agent(), {.state = "ended", .limit = 1}), std::vector<std::string>{one->task.id});
  EXPECT_EQ(ids(Bench::Agent(), {.state = "completed", .after = one->task.id}), std::vector<std::string>{two->task.id});
  EXPECT_EQ(ids(Bench::Agent(), {.state = "ended", .newest_first = true}), (std::vector<std::string>{two->task.id, one->task.id}));
  EXPECT_EQ(ids(Bench::Agent(), {.state = "ended", .limit = 1, .newest_first = true}), std::vector<std::string>{two->task.id});
  EXPECT_EQ(ids(Bench::Agent(), {.state = "ended", .after = two->task.id, .newest_first = true}), std::vector<std::string>{one->task.id});
}

}  // namespace
}  // namespace remit::broker
