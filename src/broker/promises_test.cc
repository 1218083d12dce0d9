// The promises, held up by random sequences of everything that can happen: starts, uses, approvals, ends, time, failing commits, a target
// that goes down, crashes. After each step the model says what must be true:
//
//   I1  nothing is allowed that the task's policies do not allow
//   I2  nothing is allowed, and no token is active, after the end; every credential dies
//   I3  a state change and its event are one commit: what the ledger says and what the rows say agree
//   I4  after any crash everything that should be dead dies
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "broker/test_bench.h"

namespace remit::broker {
namespace {

// What the test knows of a task that it started.
struct Known {
  StartAnswer start;
  std::string ticket;  // triage and change
  bool ended = false;  // its end was acknowledged, or denied in memory
  bool comment_spent = false;
  bool box = false;
};

class World {
 public:
  void Step() {
    switch (*rc::gen::inRange(0, 14)) {
      case 0:
      case 1: Start("triage"); break;
      case 2: Start("box"); break;
      case 3: Start("change"); break;
      case 4:
      case 5: Use(); break;
      case 6: Complete(); break;
      case 7: Revoke(); break;
      case 8: Approve(); break;
      case 9: bench.Pass(std::chrono::seconds(*rc::gen::inRange(0, 30))); break;
      case 10: bench.store().FailNext(*rc::gen::inRange(1, 3), Error(Code::kUnavailable, "store-failed", "the disk is gone")); break;
      case 11: bench.box->down = !bench.box->down; break;
      case 12: Restart(); break;
      case 13: Settle(); break;
    }
    Check();
  }

  // Everything is well again, and time passes: what should be dead dies.
  void Finish() {
    bench.store().FailNext(0, Error());
    bench.box->down = false;
    Restart();
    bench.Pass(std::chrono::minutes(3));
    Check();
    std::set<std::string> live;
    auto rows = bench.store().Scan(store::Table::kCredential, "", [&](std::string_view, std::string_view row) {
      auto record = task::CredentialRecord::Decode(row);
      RC_ASSERT(record.has_value());
      RC_ASSERT(record->state == task::CredentialState::kLive);
      live.insert(record->name);
      return true;
    });
    RC_ASSERT(rows.has_value());
    RC_ASSERT(bench.box->exists == live);  // at the target: exactly what is live in the ledger
    CheckLedger();
  }

 private:
  void Start(const std::string& type) {
    Known known;
    known.box = type == "box";
    known.ticket = *rc::gen::element<std::string>("T-1", "T-2");
    json::Object parameters = known.box ? json::Object{{"box", "b"}} : json::Object{{"ticket", known.ticket}};
    StartRequest request;
    request.type = type;
    request.parameters = std::move(parameters);
    bench.broker().Start(Bench::Agent(), std::move(request), [this, known](Result<StartAnswer> answer) mutable {
      if (!answer) return;
      known.start = *std::move(answer);
      tasks.push_back(std::move(known));
    });
    if (*rc::gen::inRange(0, 3) > 0) Settle();  // else it is still being made, and its answer may be lost in a crash
  }

  // An end that was answered with "could not be written down" is denied by this process; a crash before the retry may bring it back, which is
  // what the answer said. It is over for good once it is in the store.
  void Restart() {
    bench.Restart();
    for (Known& known : tasks)
      if (unrecorded.erase(known.start.task.id) > 0 && bench.StateOf(known.start.task.id) == "active") known.ended = false;
  }

  Known* Any() { return tasks.empty() ? nullptr : &tasks[*rc::gen::inRange<std::size_t>(0, tasks.size())]; }

  void Use() {
    Known* known = Any();
    if (known == nullptr) return;
    std::string action = *rc::gen::element<std::string>("ticket.read", "ticket.comment", "ticket.close");
    std::string ticket = *rc::gen::element<std::string>("T-1", "T-2");
    auto answer = bench.Use(known->start.task.id, action, ticket);
    if (!answer || !answer->allowed) {
      if (action == "ticket.comment" && !answer) known->comment_spent = true;  // lost with its answer
      return;
    }
    // I1: the model of the catalog in test_bench.h, written down a second time.
    RC_ASSERT(!known->ended);
    RC_ASSERT(!known->box);
    RC_ASSERT(ticket == known->ticket);
    bool change = known->start.task.name == "change";
    RC_ASSERT(change == (action == "ticket.close"));
    if (action == "ticket.comment") {
      RC_ASSERT(!known->comment_spent);
      RC_ASSERT(ticket == "T-1");  // T-2 is a vip's, and nobody approves in this world
      known->comment_spent = true;
    }
  }

  void Complete() {
    Known* known = Any();
    if (known == nullptr) return;
    auto answer = bench.Complete(known->start);
    if (answer || answer.error().reason == "end-not-recorded") known->ended = true;
    if (!answer && answer.error().reason == "end-not-recorded") unrecorded.insert(known->start.task.id);
  }

  void Revoke() {
    Known* known = Any();
    if (known == nullptr) return;
    bench.broker().Revoke(bench.Person("ann"), known->start.task.id, "test", Duration(0), [&](auto answer) {
      if (answer || answer.error().reason == "end-not-recorded") known->ended = true;
      if (!answer && answer.error().reason == "end-not-recorded") unrecorded.insert(known->start.task.id);
    });
  }

  void Approve() {
    Known* known = Any();
    if (known == nullptr || known->start.approval.empty()) return;
    (void)bench.Approve(bench.Person(*rc::gen::element<std::string>("ann", "bob", "eve")), known->start.approval);
  }

  void Settle() { bench.Settle(); }

  void Check() {
    for (Known& known : tasks) {
      const std::string& id = known.start.task.id;
      bool active = bench.broker().Introspect(Bench::Operator(), known.start.token.Reveal()).Find("active")->AsBool();
      if (!known.ended) continue;
      RC_ASSERT(!active);  // I2
      for (const char* action : {"ticket.read", "ticket.comment", "ticket.close"})
        for (const char* ticket : {"T-1", "T-2"}) RC_ASSERT(!bench.Allowed(id, action, ticket));
      RC_ASSERT(bench.broker().FindHandle(known.start.token.Reveal()).Is(Caller::Kind::kNobody));
      RC_ASSERT(bench.broker().FindHandle(known.start.holder.Reveal()).Is(Caller::Kind::kNobody));
    }
    // I3: no name at the target without a row that says so.
    for (const std::string& name : bench.box->exists) {
      auto live = bench.store().Get(store::Table::kCredential, name.substr(4));
      RC_ASSERT(live.has_value());
      RC_ASSERT(live->has_value());
    }
  }

  // I3: the ledger's events replayed give exactly the rows that there are.
  void CheckLedger() {
    std::map<std::string, std::string> states;
    for (const json::Value& event : bench.Events()) {
      const std::string& type = *event.FindString("type");
      if (!type.starts_with("task.") || event.FindString("task") == nullptr) continue;
      std::string what = type.substr(5);
      std::string& state = states[*event.FindString("task")];
      if (what == "started")
        state = "active";
      else if (what == "requested")
        state = "requested";
      else if (what == "completed" || what == "revoked" || what == "expired" || what == "failed" || what == "denied" || what == "withdrawn") {
        RC_ASSERT(state == "active" || state == "requested");  // one end each
        state = what;
      }
    }
    std::map<std::string, std::string> rows;
    for (store::Table table : {store::Table::kTask, store::Table::kEndedTask}) {
      auto scanned = bench.store().Scan(table, "", [&](std::string_view key, std::string_view row) {
        auto record = task::TaskRecord::Decode(row);
        RC_ASSERT(record.has_value());
        RC_ASSERT(task::IsEnd(record->state) == (table == store::Table::kEndedTask));
        RC_ASSERT(rows.emplace(key, task::StateName(record->state)).second);
        return true;
      });
      RC_ASSERT(scanned.has_value());
    }
    RC_ASSERT(rows == states);
  }

  Bench bench;
  std::deque<Known> tasks;  // references stay good while answers arrive
  std::set<std::string> unrecorded;
};

TEST(Promises, HoldWhateverHappens) {
  bool held = rc::check("I1 to I4", [] {
    World world;
    int steps = *rc::gen::inRange(1, 60);
    for (int i = 0; i < steps; ++i) world.Step();
    world.Finish();
  });
  EXPECT_TRUE(held);
}

}  // namespace
}  // namespace remit::broker
