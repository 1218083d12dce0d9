// What the broker's tests stand on: a store in memory, a clock and timers that tests move, workers that run when told, and a target that
// remembers what was made and ended at it. Everything is deterministic. A crash is Restart(): a new broker on what was committed.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "broker/broker.h"
#include "json/read.h"
#include "store/memory/memory_store.h"

namespace remit::broker {

// A target for tests alone: it owns `Box` resources, keeps a set of names that exist, and fails when told. What a real target does is
// tested at real ones (target/postgres).
class BoxTarget final : public target::Target {
 public:
  std::string_view type() const override { return "box"; }
  const std::string& name() const override { return name_; }
  bool Owns(const cedar::EntityUid& action, const cedar::EntityUid&) const override { return action.id == "box.open"; }
  Status CheckPattern(const target::PermissionPattern&) const override { return {}; }
  Result<target::Plan> MakePlan(const std::string& id, const task::PermissionSet&, Rng& rng) const override {
    return target::Plan{"box-key", "box_" + id, {}, RandomSecret(rng, "pw_", 16)};
  }
  Result<target::Made> Make(const task::CredentialRecord& record, const Secret& secret) override {
    if (down || refuse) return Fail(refuse ? Code::kPermissionDenied : Code::kUnavailable, "box-refused", "the box refuses");
    exists.insert(record.name);
    ever.insert(record.name);
    passwords[record.name] = std::string(secret.Reveal());
    if (vanish_after_make) return Fail(Code::kUnavailable, "box-gone", "the connection broke after the key was made");
    return target::Made{Environment(record, secret), {{"box", "7"}}};
  }
  std::map<std::string, Secret> Environment(const task::CredentialRecord&, const Secret& secret) const override { return {{"BOX_PASSWORD", secret}}; }
  target::EndResult End(const task::CredentialRecord& record, const Secret&) override {
    ++ends;
    target::EndResult result;
    if (down) {
      result.reason = "the box does not answer";
      result.unreachable = true;
      return result;
    }
    exists.erase(record.name);
    result.dead = true;
    result.evidence = {{"gone", "no key of that name", record.planned}};
    return result;
  }
  Result<std::vector<target::Found>> Sweep() override {
    if (down) return Fail(Code::kUnavailable, "box-down", "the box does not answer");
    std::vector<target::Found> found;
    for (const std::string& name : exists)
      found.push_back(name.starts_with("box_") ? target::Found{name, installation, name.substr(4)} : target::Found{name, "another", name});
    return found;
  }
  Status Prolong(const task::CredentialRecord& record, const Secret&) override {
    if (down) return Fail(Code::kUnavailable, "box-down", "the box does not answer");
    until[record.name] = record.not_after;
    return {};
  }
  Status Ping() override { return {}; }
  std::vector<std::string> Accepted() const override { return accepted; }

  std::vector<std::string> accepted;
  bool down = false, refuse = false, vanish_after_make = false;
  int ends = 0;
  std::string installation;
  std::set<std::string> exists, ever;
  std::map<std::string, std::string> passwords;
  std::map<std::string, Time> until;  // where it was moved

 private:
  std::string name_ = "box";
};

inline constexpr std::string_view kSchema = R"(
entity Team;
@actor entity Agent in [Team];
@person entity Employee in [Team];
entity Ticket = { project: String };
@open entity Box;

@task("Triage one ticket") @name("triage") @ttl("15m") @max_ttl("1h")
entity Triage = { actor: Agent, ticket: Ticket };
@task("Open one box") @name("box") @ttl("10m")
entity OpenBox = { actor: Agent, box: Box };
@task("Change production") @name("change") @ttl("10m")
entity Change = { actor: Agent, ticket: Ticket };
@task("Rotate one secret") @name("rotate") @ttl("10m")
entity Rotate = { actor: Agent, path: Secret::Path };

action "ticket.read", "ticket.comment", "ticket.close" appliesTo { principal: [Triage, Change], resource: [Ticket] };
action "box.open" appliesTo { principal: [OpenBox], resource: [Box] };
)";

inline constexpr std::string_view kPolicies = R"(
@id("read") permit (principal is Triage, action == Action::"ticket.read", resource) when { resource == principal.ticket };
@id("comment") permit (principal is Triage, action == Action::"ticket.comment", resource) when { resource == principal.ticket };
@id("comment-once") @after_uses("1") forbid (principal is Triage, action == Action::"ticket.comment", resource);
@id("vip") @unless_approved("1") forbid (principal is Triage, action == Action::"ticket.comment", resource) when { resource.project == "vip" };
@id("change") permit (principal is Change, action == Action::"ticket.close", resource) when { resource == principal.ticket };
@id("box") permit (principal is OpenBox, action == Action::"box.open", resource) when { resource == principal.box };
@id("rotate") permit (principal is Rotate, action in [Secret::Action::"read", Secret::Action::"write"], resource) when { resource == principal.path };
@id("start") permit (principal in Team::"support", action == Remit::Action::"start", resource);
@id("two") @unless_approved("2") forbid (principal, action == Remit::Action::"start", resource is Change);
@id("approve") permit (principal in Team::"leads", action in [Remit::Action::"approve", Remit::Action::"deny", Remit::Action::"view"], resource);
@id("revoke") permit (principal in Team::"leads", action == Remit::Action::"revoke", resource);
@id("pep") permit (principal == Agent::"helpdesk", action == Remit::Action::"enforce", resource);
)";

inline constexpr std::string_view kFacts = R"([
  {"uid": {"type": "Team", "id": "support"}, "attrs": {}, "parents": []},
  {"uid": {"type": "Team", "id": "leads"}, "attrs": {}, "parents": []},
  {"uid": {"type": "Agent", "id": "bot"}, "attrs": {}, "parents": [{"type": "Team", "id": "support"}]},
  {"uid": {"type": "Agent", "id": "helpdesk"}, "attrs": {}, "parents": []},
  {"uid": {"type": "Employee", "id": "ann"}, "attrs": {}, "parents": [{"type": "Team", "id": "leads"}]},
  {"uid": {"type": "Employee", "id": "bob"}, "attrs": {}, "parents": [{"type": "Team", "id": "leads"}]},
  {"uid": {"type": "Employee", "id": "eve"}, "attrs": {}, "parents": []},
  {"uid": {"type": "Ticket", "id": "T-1"}, "attrs": {"project": "web"}, "parents": []},
  {"uid": {"type": "Ticket", "id": "T-2"}, "attrs": {"project": "vip"}, "parents": []}
])";

class Bench {
 public:
  Bench() : store_(std::make_unique<store::MemoryStore>(rng, store::MemoryStore::Mode::kInline)) {
    Open();
    LoadCatalog(kPolicies);
    bool put = false;
    broker().PutFacts(Operator(), *json::Parse(kFacts), true, [&](Result<FactsAnswer> a) { put = Expect(a); });
    EXPECT_TRUE(put);
    for (const char* id : {"bot", "helpdesk"})
      broker().PutActor(Operator(), {{"Agent", id}, "", nullptr, std::nullopt, false}, [](auto a) { Expect(a); });
    for (const char* id : {"ann", "bob", "eve"}) broker().PutPerson(Operator(), {{"Employee", id}, "", false}, [](auto a) { Expect(a); });
    Settle();
  }

  ~Bench() { store_->LoseHeld(); }

  template <class T>
  static bool Expect(const Result<T>& result) {
    EXPECT_TRUE(result.has_value()) << result.error().ToString();
    return result.has_value();
  }

  void LoadCatalog(std::string_view policies, std::string_view schema = kSchema) {
    broker().LoadCatalog(Operator(), {{"t.cedarschema", std::string(schema)}, {"t.cedar", std::string(policies)}}, false, [](auto a) { Expect(a); });
    Settle();
  }
  // The schema with more annotations on the type of this @name.
  static std::string Annotated(const std::string& name, const std::string& annotations) {
    std::string schema(kSchema);
    const std::string mark = "@name(\"" + name + "\")";
    schema.insert(schema.find(mark) + mark.size(), " " + annotations);
    return schema;
  }

  void Open() {
    Parts parts{*store_, clock, rng, *timers, *workers, master, {box}, "http://remit.test", limits::kSweepInterval, accept_clock};
    auto opened = Broker::Open(std::move(parts));
    ASSERT_TRUE(opened.has_value()) << opened.error().ToString();
    broker_ = std::move(*opened);
    box->installation = Installation();
  }

  // A crash and a start: everything that was not committed is gone, and so are the timers and the work that waited.
  void Restart() { RestartFrom(store_->Snapshot()); }
  // On another store: a copy that was put in its place.
  void RestartFrom(std::unique_ptr<store::MemoryStore> left) {
    store_->LoseHeld();
    broker_.reset();
    store_ = std::move(left);
    timers = std::make_unique<io::FakeTimers>(clock);
    workers = std::make_unique<io::InlineWorkers>();
    Open();
  }

  std::string Installation() { return **store_->Get(store::Table::kMeta, "installation"); }

  // Time passes, and everything that is due or waits is done.
  void Pass(Duration span) {
    for (constexpr Duration kStep = std::chrono::seconds(1); span > kStep; span -= kStep) {
      timers->RunFor(kStep);
      Settle();
    }
    timers->RunFor(span);
    Settle();
  }
  void Settle() {
    for (int i = 0; i < 100 && workers->RunAll() > 0; ++i) timers->RunFor(Duration(0));
  }

  // In force after a restart, as an earlier version of Remit left it, which took what this one refuses.
  void LeaveCatalog(const std::string& policies, std::string_view schema = kSchema) {
    const std::vector<task::CatalogFile> files = {{"t.cedar", policies}, {"t.cedarschema", std::string(schema)}};
    EXPECT_EQ(task::Catalog::Load(files).catalog, nullptr) << "it could be loaded";
    const auto left = task::Catalog::ReadBack(files).catalog;
    ASSERT_NE(left, nullptr);
    store::Batch batch;
    batch.writes.push_back({store::Table::kCatalog, left->hash(), task::Catalog::EncodeFiles(files)});
    batch.writes.push_back({store::Table::kMeta, "catalog", left->hash()});
    ASSERT_TRUE(store().CommitNow(std::move(batch)));
    Restart();
    EXPECT_EQ(broker().catalog()->hash(), left->hash());
  }
  // Who answers for an actor; "": nobody. What else is registered of it is as in the constructor.
  void PutOwner(const std::string& agent, const std::string& person) {
    ActorRecord actor{{"Agent", agent}, "", nullptr, std::nullopt, false};
    actor.owner = person.empty() ? cedar::EntityUid{} : cedar::EntityUid{"Employee", person};
    broker().PutActor(Operator(), std::move(actor), [](auto a) { Expect(a); });
    Settle();
  }
  void PutVouches(const std::string& agent, std::vector<std::string> vouches_for) {
    ActorRecord actor{{"Agent", agent}, "", nullptr, std::nullopt, false};
    actor.vouches_for = std::move(vouches_for);
    broker().PutActor(Operator(), std::move(actor), [](auto a) { Expect(a); });
    Settle();
  }
  static Caller Operator() {
    return {.kind = Caller::Kind::kOperator, .uid = {"Remit::Operator", "uid:0"}, .task = {}, .signed_in = {}, .session = {}};
  }
  static Caller Agent(const std::string& id = "bot") {
    return {.kind = Caller::Kind::kActor, .uid = {"Agent", id}, .task = {}, .signed_in = {}, .session = {}};
  }
  Caller Person(const std::string& id) {
    return {.kind = Caller::Kind::kPerson, .uid = {"Employee", id}, .task = {}, .signed_in = clock.Now(), .session = {}};
  }

  Result<StartAnswer> Start(const std::string& type, json::Object parameters, const Caller& by = Agent(), bool held = false) {
    StartRequest request;
    request.held = held;
    request.type = type;
    request.parameters = std::move(parameters);
    return Start(std::move(request), by);
  }
  Result<StartAnswer> Start(StartRequest request, const Caller& by = Agent()) {
    std::optional<Result<StartAnswer>> answer;
    broker().Start(by, std::move(request), [&](Result<StartAnswer> a) { answer = std::move(a); });
    Settle();
    if (!answer) return Fail(Code::kInternal, "no-answer", "start did not answer");
    return *std::move(answer);
  }

  static UseRequest Question(const std::string& task, const std::string& action, const std::string& type, const std::string& id) {
    UseRequest request;
    request.task = task;
    request.action = {"Action", action};
    request.resource = {type, id};
    return request;
  }

  Result<UseAnswer> Use(const std::string& task, const std::string& action, const std::string& ticket) {
    std::optional<Result<UseAnswer>> answer;
    broker().Evaluate(Agent("helpdesk"), Question(task, action, "Ticket", ticket), [&](Result<UseAnswer> a) { answer = std::move(a); });
    if (!answer) return Fail(Code::kInternal, "no-answer", "evaluate did not answer");
    return *std::move(answer);
  }
  bool Allowed(const std::string& task, const std::string& action, const std::string& ticket) {
    auto answer = Use(task, action, ticket);
    return answer && answer->allowed;
  }

  Result<EndAnswer> Complete(const StartAnswer& started) {
    std::optional<Result<EndAnswer>> answer;
    broker().Complete(broker().FindHandle(started.holder.Reveal()), started.task.id, Duration(0),
                      [&](Result<EndAnswer> a) { answer = std::move(a); });
    if (!answer) return Fail(Code::kInternal, "no-answer", "complete did not answer");
    return *std::move(answer);
  }

  Result<json::Value> Approve(const Caller& by, const std::string& approval, std::string hash = "") {
    if (hash.empty()) {
      auto list = broker().ListApprovals(Operator());
      for (const json::Value& one : list->Find("approvals")->AsArray())
        if (*one.FindString("id") == approval) hash = *one.FindString("hash");
    }
    std::optional<Result<json::Value>> answer;
    broker().Approve(by, approval, hash, [&](Result<json::Value> a) { answer = std::move(a); });
    Settle();
    if (!answer) return Fail(Code::kInternal, "no-answer", "approve did not answer");
    return *std::move(answer);
  }

  std::string StateOf(const std::string& task) {
    auto shown = broker().ShowTask(Operator(), task);
    return shown ? *shown->FindString("state") : "";
  }

  // The first event of this type, or null.
  json::Value EventOf(std::string_view type) {
    for (const json::Value& event : Events())
      if (*event.FindString("type") == type) return event;
    return {};
  }

  std::vector<json::Value> Events() {
    std::vector<json::Value> events;
    EXPECT_TRUE(store_
                    ->ScanEvents(0,
                                 [&](const store::StoredEvent& event) {
                                   events.push_back(*json::Parse(*event.body));
                                   return true;
                                 })
                    .has_value());
    return events;
  }

  Broker& broker() { return *broker_; }
  store::MemoryStore& store() { return *store_; }

  SeededRng rng{7};
  FakeClock clock;
  std::unique_ptr<io::FakeTimers> timers = std::make_unique<io::FakeTimers>(clock);
  std::unique_ptr<io::InlineWorkers> workers = std::make_unique<io::InlineWorkers>();
  bool accept_clock = false;  // of the next Open
  crypto::MasterKey master = crypto::MasterKey::Random(rng);
  std::shared_ptr<BoxTarget> box = std::make_shared<BoxTarget>();

 private:
  std::unique_ptr<store::MemoryStore> store_;
  std::unique_ptr<Broker> broker_;
};

// The fixture of most of the broker's tests.
class BrokerTest : public ::testing::Test {
 protected:
  StartAnswer Triage(const std::string& ticket = "T-1") {
    auto started = bench.Start("triage", {{"ticket", ticket}});
    EXPECT_TRUE(started.has_value()) << started.error().ToString();
    return started ? *std::move(started) : StartAnswer{};
  }
  Bench bench;
};

}  // namespace remit::broker
