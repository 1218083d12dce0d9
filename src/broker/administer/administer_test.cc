// Administration is a decision like any other: who may, what waits for a second person, and that nobody is locked out or lets themselves in.
#include "broker/setup/catalog_change.h"
#include "broker/test_bench.h"
#include "json/write.h"

namespace remit::broker {
namespace {

// ann, bob and kim may load catalogs, with a second yes; the sync job puts tickets; the rest is the bench's.
constexpr std::string_view kAdministration = R"(
@id("admins") permit (principal in Team::"admins", action in [Remit::Action::"catalog.load", Remit::Action::"actor.change",
  Remit::Action::"person.change", Remit::Action::"offboard", Remit::Action::"target.change"], resource);
@id("facts") permit (principal in Team::"admins", action == Remit::Action::"facts.put", resource);
@id("sync") permit (principal == Agent::"helpdesk", action == Remit::Action::"facts.put", resource == Remit::EntityType::"Ticket");
@id("say-yes") permit (principal in Team::"admins", action in [Remit::Action::"approve", Remit::Action::"deny"], resource == Remit::Server::"remit");
@id("auditors") permit (principal == Employee::"zoe", action == Remit::Action::"view", resource == Remit::Server::"remit");
@id("four-eyes") @unless_approved("1") forbid (principal, action in [Remit::Action::"catalog.load", Remit::Action::"person.change"], resource);
@id("four-eyes-facts") @unless_approved("1") forbid (principal, action == Remit::Action::"facts.put", resource == Remit::EntityType::"Employee");
)";

class AdministrationTest : public BrokerTest {
 protected:
  AdministrationTest() {
    policies_ = std::string(kPolicies) + std::string(kAdministration);
    bench.LoadCatalog(policies_);
    EXPECT_TRUE(bench.broker().SetUpIsOpen());
    const Result<FactsAnswer> put = PutFacts(Bench::Operator(), R"([
      {"uid": {"type": "Team", "id": "admins"}, "attrs": {}, "parents": []},
      {"uid": {"type": "Employee", "id": "ann"}, "attrs": {}, "parents": [{"type": "Team", "id": "admins"}, {"type": "Team", "id": "leads"}]},
      {"uid": {"type": "Employee", "id": "bob"}, "attrs": {}, "parents": [{"type": "Team", "id": "admins"}]}])");
    EXPECT_TRUE(put.has_value()) << put.error().ToString();
    EXPECT_FALSE(bench.broker().SetUpIsOpen());
  }

  static std::vector<task::CatalogFile> Files(const std::string& policies) {
    return {{"t.cedarschema", std::string(kSchema)}, {"t.cedar", policies}};
  }
  Result<CatalogAnswer> Load(const Caller& by, const std::string& policies, LoadOptions options = {}) {
    std::optional<Result<CatalogAnswer>> answer;
    bench.broker().LoadCatalog(by, Files(policies), options, [&](Result<CatalogAnswer> a) { answer = std::move(a); });
    bench.Settle();
    return answer ? *std::move(answer) : Fail(Code::kInternal, "no-answer", "no answer");
  }
  Result<FactsAnswer> PutFacts(const Caller& by, std::string_view facts, bool replace = false, FactsOrigin origin = {}) {
    std::optional<Result<FactsAnswer>> answer;
    bench.broker().PutFacts(by, *json::Parse(facts), replace, [&](Result<FactsAnswer> a) { answer = std::move(a); }, std::move(origin));
    bench.Settle();
    return answer ? *std::move(answer) : Fail(Code::kInternal, "no-answer", "no answer");
  }
  Result<json::Value> PutActor(const Caller& by, const std::string& id, bool barred = false) {
    std::optional<Result<json::Value>> answer;
    bench.broker().PutActor(by, {{"Agent", id}, "", nullptr, std::nullopt, barred}, [&](Result<json::Value> a) { answer = std::move(a); });
    bench.Settle();
    return answer ? *std::move(answer) : Fail(Code::kInternal, "no-answer", "no answer");
  }
  Result<json::Value> PutPerson(const Caller& by, const std::string& id, bool barred = false) {
    std::optional<Result<json::Value>> answer;
    bench.broker().PutPerson(by, {{"Employee", id}, "", barred}, [&](Result<json::Value> a) { answer = std::move(a); });
    bench.Settle();
    return answer ? *std::move(answer) : Fail(Code::kInternal, "no-answer", "no answer");
  }
  template <class T>
  static std::string ReasonOf(const Result<T>& result) {
    return result ? "done" : result.error().reason;
  }
  Result<json::Value> Deny(const Caller& by, const std::string& approval) {
    std::optional<Result<json::Value>> answer;
    bench.broker().Deny(by, approval, "no", [&](Result<json::Value> a) { answer = std::move(a); });
    return answer ? *std::move(answer) : Fail(Code::kInternal, "no-answer", "no answer");
  }
  std::string InForce() { return bench.broker().catalog()->hash(); }

  std::string policies_;
  const std::string wider_ = std::string(kPolicies) + std::string(kAdministration) +
                             R"(@id("wide") permit (principal is Triage, action == Action::"ticket.read", resource);)";
};

// "Everyone in the request's chain": of an actor that asks for a change, whoever answers for it too.
TEST_F(AdministrationTest, WhoOwnsTheActorThatAsksForAChangeDoesNotApproveIt) {
  const std::string robots =
      policies_ + R"(@id("robot") permit (principal == Agent::"helpdesk", action == Remit::Action::"catalog.load", resource);)";
  ASSERT_TRUE(bench.Approve(bench.Person("bob"), Load(bench.Person("ann"), robots)->approval));
  ActorRecord robot{{"Agent", "helpdesk"}, "", nullptr, std::nullopt, false};
  robot.owner = cedar::EntityUid{"Employee", "bob"};
  bench.broker().PutActor(bench.Person("ann"), robot, [](auto a) { Bench::Expect(a); });
  bench.Settle();
  const std::string before = InForce(), approval = Load(Bench::Agent("helpdesk"), wider_)->approval;
  ASSERT_FALSE(approval.empty());
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("bob"), approval)), "own-request");
  robot.owner = cedar::EntityUid{"Employee", "eve"};
  bench.broker().PutActor(bench.Person("ann"), robot, [](auto a) { Bench::Expect(a); });
  bench.Settle();
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("bob"), approval)), "own-request");  // it was his when it was asked
  EXPECT_EQ(InForce(), before);
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("ann"), approval)), "done");
  EXPECT_NE(InForce(), before);
}

// Who may change an actor only with a second yes may so say who owns it, and what is not said stays what it is when the yes comes.
TEST_F(AdministrationTest, AnOwnerThatWaitsForAYesIsThatOneAndTheRestIsAsItIsThen) {
  const std::string two =
      policies_ + R"(@id("two-change") @unless_approved("1") forbid (principal, action == Remit::Action::"actor.change", resource);)";
  ASSERT_TRUE(bench.Approve(bench.Person("bob"), Load(bench.Person("ann"), two)->approval));
  const auto ask = [&](ActorRecord actor) {
    std::string approval;
    bench.broker().PutActor(bench.Person("ann"), std::move(actor), [&](auto a) { approval = a ? *a->FindString("approval") : a.error().reason; });
    bench.Settle();
    return approval;
  };
  ActorRecord robot{{"Agent", "helpdesk"}, "desk", nullptr, std::nullopt, false};
  const std::string first = ask(robot);  // says nothing of an owner
  robot.owner = cedar::EntityUid{"Employee", "eve"};
  const std::string second = ask(robot);
  EXPECT_EQ(bench.broker().FindActor({"Agent", "helpdesk"})->HasOwner(), false);
  ASSERT_TRUE(bench.Approve(bench.Person("bob"), second));
  ASSERT_TRUE(bench.Approve(bench.Person("bob"), first));
  EXPECT_EQ(*bench.broker().FindActor({"Agent", "helpdesk"})->owner, (cedar::EntityUid{"Employee", "eve"}));
}

TEST_F(AdministrationTest, TheOperatorGivesNothingOnceTheFirstSetUpIsOver) {
  EXPECT_EQ(ReasonOf(Load(Bench::Operator(), wider_)), "set-up-is-over");
  EXPECT_EQ(ReasonOf(PutFacts(Bench::Operator(), "[]", true)), "set-up-is-over");
  EXPECT_EQ(ReasonOf(PutActor(Bench::Operator(), "new")), "set-up-is-over");
  EXPECT_TRUE(bench.broker().MaySweep(Bench::Operator()));                    // takes away
  EXPECT_EQ(ReasonOf(PutActor(Bench::Operator(), "bot")), "set-up-is-over");  // also another key for one that is there
  EXPECT_EQ(ReasonOf(PutPerson(Bench::Operator(), "mallory")), "set-up-is-over");
  std::optional<Result<SecretAnswer>> wrote;
  bench.broker().WriteSecret(Bench::Operator(), "prod/x", Secret("s"), [&](Result<SecretAnswer> a) { wrote = std::move(a); });
  EXPECT_EQ(ReasonOf(*wrote), "set-up-is-over");
  // It takes away, and reads.
  EXPECT_EQ(ReasonOf(PutActor(Bench::Operator(), "helpdesk", true)), "done");
  EXPECT_TRUE(bench.broker().ListActors(Bench::Operator()).has_value());
}

// With end_older a yes ends what runs: whoever says it reads what, as it is when he looks.
TEST_F(AdministrationTest, WhoApprovesACatalogThatEndsTasksSeesWhich) {
  const auto would_end = [&](const Caller& by) {
    const Result<json::Value> list = bench.broker().ListApprovals(by);
    const json::Value* found = list->Find("approvals")->AsArray().empty() ? nullptr : list->Find("approvals")->AsArray()[0].Find("would_end");
    return found == nullptr ? json::Value() : *found;
  };
  const StartAnswer first = Triage();
  const Result<CatalogAnswer> asked = Load(bench.Person("ann"), wider_, {.end_older = true});
  ASSERT_TRUE(asked) << asked.error().ToString();
  json::Value shown = would_end(bench.Person("bob"));
  ASSERT_FALSE(shown.IsNull());
  EXPECT_EQ(shown.Find("count")->AsInt(), 1);
  EXPECT_EQ(shown.Find("tasks")->AsArray()[0],
            json::Value(json::Object{{"task", first.task.id}, {"type", "triage"}, {"actor", R"(Agent::"bot")"}, {"state", "active"}}));
  EXPECT_EQ(would_end(bench.Person("zoe")).Find("count")->AsInt(), 1);
  EXPECT_TRUE(would_end(bench.Person("zoe")).Find("tasks")->AsArray().empty()) << "who sees requests need not see tasks";
  const StartAnswer second = Triage("T-2");
  EXPECT_EQ(would_end(bench.Person("bob")).Find("count")->AsInt(), 2) << "as it is when it is looked at";
  ASSERT_TRUE(bench.Complete(first));
  shown = would_end(bench.Person("bob"));
  EXPECT_EQ(shown.Find("count")->AsInt(), 1);
  EXPECT_EQ(*shown.Find("tasks")->AsArray()[0].FindString("task"), second.task.id);
  EXPECT_TRUE(would_end(bench.Person("eve")).IsNull()) << "it is for whom the request is";
  for (std::size_t i = 0; i < CatalogChange::kOlderShown; ++i) Triage();
  shown = would_end(bench.Person("bob"));
  EXPECT_EQ(shown.Find("count")->AsInt(), static_cast<std::int64_t>(CatalogChange::kOlderShown) + 1);
  EXPECT_EQ(shown.Find("tasks")->AsArray().size(), CatalogChange::kOlderShown);
  // The yes is to the catalog, not to the list, and ends what was shown.
  ASSERT_TRUE(bench.Approve(bench.Person("bob"), asked->approval));
  EXPECT_EQ(bench.StateOf(second.task.id), "revoked");
}

TEST_F(AdministrationTest, ACatalogThatEndsNothingShowsNoTasks) {
  Triage();
  ASSERT_TRUE(Load(bench.Person("ann"), wider_));
  const Result<json::Value> list = bench.broker().ListApprovals(bench.Person("bob"));
  EXPECT_EQ(list->Find("approvals")->AsArray()[0].Find("would_end"), nullptr);
}

TEST_F(AdministrationTest, BarringByTheOperatorChangesNothingElse) {
  ActorRecord with_uid{{"Agent", "bot"}, "bot", nullptr, 1234, false};
  bool registered = false;
  bench.broker().PutActor(bench.Person("ann"), with_uid, [&](auto a) { registered = a.has_value(); });
  ASSERT_TRUE(registered);
  const StartAnswer running = Triage();
  with_uid.unix_uid = 4321;  // not by the way
  with_uid.barred = true;
  std::optional<Result<json::Value>> answer;
  bench.broker().PutActor(Bench::Operator(), with_uid, [&](Result<json::Value> a) { answer = std::move(a); });
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ(bench.broker().FindActor({"Agent", "bot"})->unix_uid, 1234u);
  // And it says what goes on.
  EXPECT_EQ((*answer)->Find("still_running")->Find("count")->AsInt(), 1);
  EXPECT_EQ(*(*answer)->Find("still_running")->Find("tasks")->AsArray()[0].FindString("task"), running.task.id);
}

TEST_F(AdministrationTest, OnlyWhomTheCatalogPermitsInARecentSession) {
  EXPECT_EQ(ReasonOf(Load(bench.Person("eve"), wider_)), "administration-denied");
  EXPECT_EQ(ReasonOf(PutActor(bench.Person("eve"), "new")), "administration-denied");
  EXPECT_EQ(ReasonOf(PutActor(Bench::Agent(), "new")), "administration-denied");
  Caller token{.kind = Caller::Kind::kTask, .uid = {}, .task = Triage().task.id, .signed_in = {}, .session = {}};
  EXPECT_EQ(ReasonOf(PutActor(token, "new")), "administration-denied");
  EXPECT_EQ(ReasonOf(PutActor(Caller{}, "new")), "administration-denied");
  const Caller early = bench.Person("ann");
  bench.Pass(limits::kApprovalSession + std::chrono::seconds(1));
  EXPECT_EQ(ReasonOf(PutActor(early, "new")), "session-too-old");
  EXPECT_EQ(ReasonOf(PutActor(bench.Person("ann"), "new")), "done");
}

TEST_F(AdministrationTest, FactsArePermittedByEntityType) {
  const Caller sync = Bench::Agent("helpdesk");
  EXPECT_EQ(ReasonOf(PutFacts(sync, R"([{"uid": {"type": "Ticket", "id": "T-9"}, "attrs": {"project": "web"}, "parents": []}])")), "done");
  // Not with one of another type among them, nor by leaving others out.
  EXPECT_EQ(ReasonOf(PutFacts(sync, R"([{"uid": {"type": "Ticket", "id": "T-9"}, "attrs": {"project": "web"}, "parents": []},
                                       {"uid": {"type": "Agent", "id": "x"}, "attrs": {}, "parents": [{"type": "Team", "id": "support"}]}])")),
            "administration-denied");
  EXPECT_EQ(ReasonOf(PutFacts(sync, R"([{"uid": {"type": "Ticket", "id": "T-9"}, "attrs": {"project": "web"}, "parents": []}])", true)),
            "administration-denied");
  // Nor by a question that changes nothing: whether it is so is an answer, too.
  EXPECT_EQ(ReasonOf(PutFacts(sync, R"([{"uid": {"type": "Team", "id": "leads"}, "attrs": {}, "parents": []}])")), "administration-denied");
  EXPECT_EQ(ReasonOf(PutFacts(sync, "[]")), "administration-denied");
}

constexpr std::string_view kNewEmployee = R"([{"uid": {"type": "Employee", "id": "max"}, "attrs": {}, "parents": []}])";
constexpr std::string_view kNewTicket = R"([{"uid": {"type": "Ticket", "id": "T-9"}, "attrs": {"project": "web"}, "parents": []}])";

TEST_F(AdministrationTest, FactsTakeThePlaceOfThoseThatWereLookedAtOrOfNone) {
  const Caller sync = Bench::Agent("helpdesk");
  const json::Value source = json::Object{{"from", "/facts.json"}, {"hash", std::string(64, 'a')}};
  const std::string seen = *bench.broker().Facts().FindString("hash");
  EXPECT_EQ(ReasonOf(PutFacts(sync, kNewTicket, false, {std::string(64, '0'), source})), "facts-changed");
  EXPECT_EQ(*bench.broker().Facts().FindString("hash"), seen);
  EXPECT_EQ(ReasonOf(PutFacts(sync, kNewTicket, false, {seen, source})), "done");
  json::Value last;
  for (const json::Value& event : bench.Events())
    if (*event.FindString("type") == "facts.changed") last = event;
  EXPECT_EQ(*last.Find("source"), source);
  // Who may not is not told which facts are in force.
  EXPECT_EQ(ReasonOf(PutFacts(Bench::Agent("bot"), kNewTicket, false, {std::string(64, '0'), source})), "administration-denied");
}

TEST_F(AdministrationTest, WhatASourceSaysIsAskedOnceAndMadeOfThoseFactsAlone) {
  const json::Value source = json::Object{{"from", "/facts.json"}, {"hash", std::string(64, 'a')}};
  const FactsOrigin origin{*bench.broker().Facts().FindString("hash"), source};
  const Result<FactsAnswer> first = PutFacts(bench.Person("ann"), kNewEmployee, false, origin);
  ASSERT_TRUE(first.has_value()) << first.error().ToString();
  ASSERT_NE(first->approval, "");
  EXPECT_EQ(PutFacts(bench.Person("ann"), kNewEmployee, false, origin)->approval, first->approval);
  EXPECT_NE(PutFacts(bench.Person("bob"), kNewEmployee, false, origin)->approval, first->approval);
  bench.Restart();
  EXPECT_EQ(PutFacts(bench.Person("ann"), kNewEmployee, false, origin)->approval, first->approval);
  // Others changed facts since: what was shown is not what would be.
  EXPECT_EQ(ReasonOf(PutFacts(Bench::Agent("helpdesk"), kNewTicket)), "done");
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("bob"), first->approval)), "facts-changed");
  const FactsOrigin now{*bench.broker().Facts().FindString("hash"), source};
  const Result<FactsAnswer> again = PutFacts(bench.Person("ann"), kNewEmployee, false, now);
  ASSERT_TRUE(again.has_value());
  EXPECT_NE(again->approval, first->approval);
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("bob"), again->approval)), "done");
  json::Value last;
  for (const json::Value& event : bench.Events())
    if (*event.FindString("type") == "facts.changed") last = event;
  EXPECT_EQ(*last.Find("source"), source);
  EXPECT_NE(json::Write(bench.broker().Facts()).find("max"), std::string::npos);
}

TEST_F(AdministrationTest, ACatalogWaitsForASecondPersonAndIsThenExactlyThatOne) {
  const std::string before = InForce();
  const Result<CatalogAnswer> asked = Load(bench.Person("ann"), wider_);
  ASSERT_TRUE(asked.has_value()) << asked.error().ToString();
  EXPECT_FALSE(asked->loaded);
  ASSERT_NE(asked->approval, "");
  EXPECT_EQ(InForce(), before);
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("ann"), asked->approval)), "own-request");
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("eve"), asked->approval)), "unknown-approval");
  EXPECT_EQ(ReasonOf(bench.Approve(Bench::Agent(), asked->approval)), "not-a-person");
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("bob"), asked->approval, std::string(64, '0'))), "request-changed");
  bench.Restart();  // it waits on
  const Result<json::Value> done = bench.Approve(bench.Person("bob"), asked->approval);
  ASSERT_TRUE(done.has_value()) << done.error().ToString();
  EXPECT_EQ(*done->FindString("state"), "done");
  EXPECT_EQ(InForce(), asked->hash);
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("bob"), asked->approval, *done->FindString("id"))), "unknown-approval");  // not twice
  bench.Restart();
  EXPECT_EQ(InForce(), asked->hash);
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("bob"), asked->approval, std::string(64, '0'))), "unknown-approval");
}

TEST_F(AdministrationTest, AYesIsToAChangeOfWhatWasInForceThen) {
  const Result<CatalogAnswer> first = Load(bench.Person("ann"), wider_), second = Load(bench.Person("ann"), policies_ + "\n");
  ASSERT_TRUE(first.has_value() && second.has_value());
  ASSERT_TRUE(bench.Approve(bench.Person("bob"), second->approval).has_value());
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("bob"), first->approval)), "request-changed");
  EXPECT_EQ(InForce(), second->hash);
}

TEST_F(AdministrationTest, AYesOfSomebodyWhoLostTheRightOrWasBarredMakesNothing) {
  const std::string before = InForce();
  const Result<CatalogAnswer> asked = Load(bench.Person("ann"), wider_);
  ASSERT_TRUE(asked.has_value());
  EXPECT_EQ(ReasonOf(PutPerson(bench.Person("bob"), "ann", true)), "locks-everybody-out");  // of two, each is needed
  // A third one, by both.
  const auto kim = PutPerson(bench.Person("ann"), "kim");
  ASSERT_TRUE(kim.has_value() && bench.Approve(bench.Person("bob"), *kim->FindString("approval")).has_value());
  const auto team =
      PutFacts(bench.Person("ann"), R"([{"uid": {"type": "Employee", "id": "kim"}, "attrs": {}, "parents": [{"type": "Team", "id": "admins"}]}])");
  ASSERT_TRUE(team.has_value() && bench.Approve(bench.Person("bob"), team->approval).has_value());
  // Now the one who asked is barred: nothing comes of what they asked for.
  ASSERT_EQ(ReasonOf(PutPerson(bench.Person("bob"), "ann", true)), "done");
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("bob"), asked->approval)), "administration-denied");
  EXPECT_EQ(InForce(), before);
}

TEST_F(AdministrationTest, WhoAskedAndWhoMayDenyEndARequest) {
  const Result<CatalogAnswer> first = Load(bench.Person("ann"), wider_), second = Load(bench.Person("ann"), wider_);
  EXPECT_EQ(ReasonOf(Deny(bench.Person("eve"), first->approval)), "unknown-approval");
  EXPECT_EQ(ReasonOf(Deny(bench.Person("ann"), first->approval)), "done");
  EXPECT_EQ(ReasonOf(Deny(bench.Person("bob"), second->approval)), "done");
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("bob"), first->approval, std::string(64, '0'))), "unknown-approval");
  const Result<CatalogAnswer> third = Load(bench.Person("ann"), wider_);
  bench.Pass(limits::kRequestLife);
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("bob"), third->approval, std::string(64, '0'))), "unknown-approval");
}

TEST_F(AdministrationTest, NobodyMakesThemselvesASecondPerson) {
  const std::string before = InForce();
  // ann alone: a person of straw, in the team, who would say yes.
  const auto straw = PutPerson(bench.Person("ann"), "straw");
  ASSERT_TRUE(straw.has_value());
  EXPECT_NE(straw->FindString("approval"), nullptr);
  EXPECT_FALSE(bench.broker().FindPerson({"Employee", "straw"}).has_value());
  const auto team =
      PutFacts(bench.Person("ann"), R"([{"uid": {"type": "Employee", "id": "eve"}, "attrs": {}, "parents": [{"type": "Team", "id": "admins"}]}])");
  ASSERT_TRUE(team.has_value());
  EXPECT_NE(team->approval, "");
  const auto asked = Load(bench.Person("ann"), wider_);
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("eve"), asked->approval)), "unknown-approval");
  EXPECT_EQ(InForce(), before);
}

TEST_F(AdministrationTest, ALoadThatLocksEverybodyOutIsRefused) {
  const std::string before = InForce(), without = std::string(kPolicies);
  EXPECT_EQ(ReasonOf(Load(bench.Person("ann"), without)), "locks-everybody-out");
  EXPECT_EQ(ReasonOf(Load(bench.Person("ann"), without, {.dry_run = true})), "locks-everybody-out");
  // So does one that asks for more yeses than there are people.
  std::string three = policies_;
  three.replace(three.find("@unless_approved(\"1\") forbid (principal, action in [Remit::Action::\"catalog"), 21, "@unless_approved(\"2\")");
  EXPECT_EQ(ReasonOf(Load(bench.Person("ann"), three)), "locks-everybody-out");
  // Nor by the way of facts.
  EXPECT_EQ(ReasonOf(PutFacts(bench.Person("ann"), R"([{"uid": {"type": "Employee", "id": "bob"}, "attrs": {}, "parents": []}])")),
            "locks-everybody-out");
  // Nor by the operator, who would be an administrator again.
  EXPECT_EQ(ReasonOf(PutPerson(Bench::Operator(), "ann", true)), "locks-everybody-out");
  EXPECT_EQ(InForce(), before);
  // Knowingly, by two: the operator administers again.
  const auto asked = Load(bench.Person("ann"), without, {.allow_lock_out = true});
  ASSERT_TRUE(asked.has_value()) << asked.error().ToString();
  ASSERT_TRUE(bench.Approve(bench.Person("bob"), asked->approval).has_value());
  EXPECT_TRUE(bench.broker().SetUpIsOpen());
  EXPECT_EQ(ReasonOf(PutActor(Bench::Operator(), "new")), "done");
}

TEST_F(BrokerTest, ABarThatRacesAChangeOfFactsLocksNobodyOut) {
  bench.LoadCatalog(
      std::string(kPolicies) +
      R"(@id("admins") permit (principal in Team::"leads", action in [Remit::Action::"catalog.load", Remit::Action::"facts.put"], resource);)");
  std::optional<Result<FactsAnswer>> put;
  std::optional<Result<json::Value>> barred;
  bench.store().HoldCommits();  // of two, bob is about to be none
  bench.broker().PutFacts(bench.Person("ann"), *json::Parse(R"([{"uid": {"type": "Employee", "id": "bob"}, "attrs": {}, "parents": []}])"), false,
                          [&](Result<FactsAnswer> a) { put = std::move(a); });
  bench.broker().PutPerson(Bench::Operator(), {{"Employee", "ann"}, "", true}, [&](Result<json::Value> a) { barred = std::move(a); });
  bench.store().ReleaseCommits();
  bench.Settle();
  ASSERT_TRUE(put && put->has_value() && barred);
  ASSERT_FALSE(barred->has_value());
  EXPECT_EQ(barred->error().reason, "locks-everybody-out");
  EXPECT_FALSE(bench.broker().SetUpIsOpen());
}

TEST_F(AdministrationTest, WhatWasDeniedWhileItWasTakenUpIsNeitherMadeNorThereAgain) {
  const std::string before = InForce();
  const Result<CatalogAnswer> asked = Load(bench.Person("ann"), wider_);
  ASSERT_TRUE(asked.has_value());
  const std::string hash = *bench.broker().ListApprovals(Bench::Operator())->Find("approvals")->AsArray().at(0).FindString("hash");
  std::optional<Result<json::Value>> approved;
  bench.broker().Approve(bench.Person("bob"), asked->approval, hash, [&](Result<json::Value> a) { approved = std::move(a); });
  ASSERT_FALSE(approved.has_value()) << "it was made before it could be denied";
  EXPECT_EQ(ReasonOf(Deny(bench.Person("ann"), asked->approval)), "done");
  bench.Settle();
  ASSERT_TRUE(approved.has_value());
  EXPECT_EQ(ReasonOf(*approved), "unknown-approval");
  EXPECT_EQ(InForce(), before);
  EXPECT_TRUE(bench.broker().ListApprovals(Bench::Operator())->Find("approvals")->AsArray().empty());
}

TEST_F(AdministrationTest, WhatIsBarredDoesNotWaitForAYes) {
  EXPECT_EQ(ReasonOf(PutPerson(bench.Person("ann"), "eve", true)), "done");
  EXPECT_TRUE(bench.broker().FindPerson({"Employee", "eve"})->barred);
  // Lifting the bar does.
  const auto back = PutPerson(bench.Person("ann"), "eve");
  ASSERT_TRUE(back.has_value());
  EXPECT_NE(back->FindString("approval"), nullptr);
  EXPECT_TRUE(bench.broker().FindPerson({"Employee", "eve"})->barred);
}

TEST_F(AdministrationTest, AYesToWhatWasAskedBeforeLetsNoPersonInAgain) {
  const Result<json::Value> asked = PutPerson(bench.Person("ann"), "eve");  // another name, say
  ASSERT_TRUE(asked && asked->FindString("approval"));
  ASSERT_EQ(ReasonOf(PutPerson(bench.Person("ann"), "eve", true)), "done");
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("bob"), *asked->FindString("approval"))), "unknown-approval");
  bench.Restart();
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("bob"), *asked->FindString("approval"))), "unknown-approval");
}

// Between the last yes and the commit of what it makes, the bar comes.
class BarAtTheLastMoment : public AdministrationTest {
 protected:
  // bob says yes to eve's change; while that is being made, she is barred. With `fails` the change cannot be written down, and the bar can.
  Result<json::Value> ApproveAndBar(const std::string& approval, bool fails) {
    const std::string hash = *bench.broker().ListApprovals(Bench::Operator())->Find("approvals")->AsArray().at(0).FindString("hash");
    std::optional<Result<json::Value>> approved, barred;
    bench.store().HoldCommits();
    bench.broker().Approve(bench.Person("bob"), approval, hash, [&](Result<json::Value> a) { approved = std::move(a); });
    // Its answer comes when the yes is written down, and what it makes is on its way.
    bench.broker().PutActor(bench.Person("ann"), {{"Agent", "other"}, "", nullptr, std::nullopt, false}, [&](auto put) {
      Bench::Expect(put);
      EXPECT_EQ(bench.store().HeldCommits(), 1u) << "the change is not on its way";
      bench.broker().PutPerson(Bench::Operator(), {{"Employee", "eve"}, "", true}, [&](Result<json::Value> a) { barred = std::move(a); });
      if (fails) bench.store().FailNext(1, Error(Code::kResourceExhausted, "store-full", "the disk is full"));
    });
    bench.store().ReleaseCommits();
    bench.Settle();
    EXPECT_TRUE(barred && *barred);
    EXPECT_TRUE(approved.has_value());
    return *std::move(approved);
  }
  void ExpectBarredForGood(const std::string& approval) {
    for (int restarted = 0; restarted < 2; ++restarted) {
      SCOPED_TRACE(restarted == 0 ? "at once" : "after a restart");
      EXPECT_TRUE(bench.broker().FindPerson({"Employee", "eve"})->barred);
      EXPECT_TRUE(bench.broker().ListApprovals(Bench::Operator())->Find("approvals")->AsArray().empty());
      EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("bob"), approval, std::string(64, '0'))), "unknown-approval");
      EXPECT_TRUE(bench.broker().FindPerson({"Employee", "eve"})->barred);
      bench.Restart();
    }
  }
};

TEST_F(BarAtTheLastMoment, TheBarWinsOverAChangeThatIsBeingMade) {
  const Result<json::Value> asked = PutPerson(bench.Person("ann"), "eve");
  ASSERT_TRUE(asked && asked->FindString("approval"));
  EXPECT_EQ(ReasonOf(ApproveAndBar(*asked->FindString("approval"), false)), "done");
  ExpectBarredForGood(*asked->FindString("approval"));
}

// Else it would wait again, with all its yeses: whoever gave one tries again, and lets in who was barred since.
TEST_F(BarAtTheLastMoment, AChangeThatFailedDoesNotWaitAgainForTheOneWhoWasBarred) {
  const Result<json::Value> asked = PutPerson(bench.Person("ann"), "eve");
  ASSERT_TRUE(asked && asked->FindString("approval"));
  EXPECT_EQ(ReasonOf(ApproveAndBar(*asked->FindString("approval"), true)), "store-full");
  EXPECT_EQ(*bench.EventOf("change.denied").FindString("approval"), *asked->FindString("approval"));
  ExpectBarredForGood(*asked->FindString("approval"));
}

TEST_F(BarAtTheLastMoment, WhatIsBeingAskedAboutTheOneWhoIsBarredDoesNotWait) {
  for (const bool crash : {false, true}) {
    std::optional<Result<json::Value>> asked, barred;
    bench.store().HoldCommits();
    bench.broker().PutPerson(bench.Person("ann"), {{"Employee", "eve"}, "", false}, [&](Result<json::Value> a) { asked = std::move(a); });
    bench.broker().PutPerson(Bench::Operator(), {{"Employee", "eve"}, "", true}, [&](Result<json::Value> a) {
      barred = std::move(a);
      if (crash) bench.store().FailAll(true);  // nothing more is written down
    });
    bench.store().ReleaseCommits();
    bench.Settle();
    bench.store().FailAll(false);
    ASSERT_TRUE(asked && barred && *barred);
    EXPECT_EQ(ReasonOf(*asked), "request-changed");
    ExpectBarredForGood("apv_00000000000000000000000000");
    EXPECT_EQ(bench.EventOf("change.denied").IsNull(), false);
  }
}

TEST_F(BarAtTheLastMoment, AFullDiskKeepsNobodyIn) {
  bench.store().FillDisk(true);
  EXPECT_EQ(ReasonOf(PutPerson(Bench::Operator(), "eve", true)), "done");
  bench.Restart();
  EXPECT_TRUE(bench.broker().FindPerson({"Employee", "eve"})->barred);
}

TEST_F(AdministrationTest, BarringRegistersNobody) {
  std::optional<Result<json::Value>> answer;
  bench.broker().PutActor(Bench::Operator(), {{"Gone", "x"}, "", nullptr, std::nullopt, true}, [&](Result<json::Value> a) { answer = std::move(a); });
  EXPECT_EQ(ReasonOf(*answer), "not-an-actor-type");
}

TEST_F(AdministrationTest, WhoTakesAPersonForAnActorIsToldTheOtherCommand) {
  const auto actor = [&](const std::string& type) {
    std::optional<Result<json::Value>> answer;
    bench.broker().PutActor(bench.Person("ann"), {{type, "x"}, "", nullptr, std::nullopt, false}, [&](auto a) { answer = std::move(a); });
    return answer->error().hint;
  };
  EXPECT_EQ(actor("Employee"), "it is marked @person: `remit person put`");
  EXPECT_EQ(actor("Ticket"), "these are: Agent");
  std::optional<Result<json::Value>> answer;
  bench.broker().PutPerson(bench.Person("ann"), {{"Agent", "x"}, "", false}, [&](auto a) { answer = std::move(a); });
  EXPECT_EQ(answer->error().hint, "it is marked @actor: `remit actor put`");
}

TEST_F(AdministrationTest, AChangeThatCannotBeWrittenDownStillWaits) {
  const auto asked = Load(bench.Person("ann"), wider_);
  const std::string hash = *bench.broker().ListApprovals(Bench::Operator())->Find("approvals")->AsArray()[0].FindString("hash");
  std::optional<Result<json::Value>> answer;
  bench.broker().Approve(bench.Person("bob"), asked->approval, hash, [&](Result<json::Value> a) { answer = std::move(a); });
  bench.store().FailNext(1, Error(Code::kResourceExhausted, "store-full", "the disk is full"));  // the yes is written down, the catalog is not
  bench.Settle();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(ReasonOf(*answer), "store-full");
  EXPECT_NE(InForce(), asked->hash);
  EXPECT_EQ(ReasonOf(bench.Approve(bench.Person("bob"), asked->approval)), "done");  // tried again, by one who said yes
  EXPECT_EQ(InForce(), asked->hash);
}

}  // namespace
}  // namespace remit::broker
