// The promises, for tasks that stop and go on, live longer, and hand parts of themselves to others: random sequences of all of it with
// failing commits, a target that goes down and crashes. Beside those of promises_test.cc:
//
//   I1  a sub-task is never allowed what it or any task above it is not, nor more often than each of them may
//   I2  while a task is over or stopped, nothing below it is allowed; no deadline is later than one above it, or than the longest life
//   I3  the ledger replayed gives the rows, also of what stopped and went on
//   I4  after any crash no sub-task is left without its parent
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <deque>

#include "broker/life_bench.h"

namespace remit::broker {
namespace {

struct Known {
  StartAnswer start;
  Known* parent = nullptr;
  std::string ticket;  // lead and part
  bool ended = false, suspended = false;
  bool unrecorded = false;  // one of both was answered with "could not be written down": a crash may bring it back
  int comments = 0;         // its own and those of all below it
};

class World {
 public:
  void Step() {
    switch (*rc::gen::inRange(0, 18)) {
      case 0:
      case 1: StartLead(); break;
      case 2:
      case 3:
      case 4: Delegate(); break;
      case 5:
      case 6:
      case 7: Use(); break;
      case 8:
      case 9: Suspend(); break;
      case 10:
      case 11: Resume(); break;
      case 12: Extend(); break;
      case 13: End(); break;
      case 14: bench.Pass(std::chrono::minutes(*rc::gen::inRange(0, 4))); break;
      case 15: bench.store().FailNext(*rc::gen::inRange(1, 3), Error(Code::kUnavailable, "store-failed", "the disk is gone")); break;
      case 16: bench.box->down = !bench.box->down; break;
      case 17: Restart(); break;
    }
    Check();
  }

  void Finish() {
    bench.store().FailNext(0, Error());
    bench.box->down = false;
    Restart();
    bench.Pass(std::chrono::minutes(3));
    Check();
    std::map<std::string, std::string> live;  // the name at the target: its task
    auto rows = bench.store().Scan(store::Table::kCredential, "", [&](std::string_view, std::string_view row) {
      auto record = task::CredentialRecord::Decode(row);
      RC_ASSERT(record.has_value());
      RC_ASSERT(record->state == task::CredentialState::kLive);
      live.emplace(record->name, record->task);
      return true;
    });
    RC_ASSERT(rows.has_value());
    // Nothing is there that is not live. What is live and gone was taken away by an end or a suspension that a crash kept from the store (the
    // sweep tells of it), and by nothing else.
    for (const std::string& name : bench.box->exists) RC_ASSERT(live.contains(name));
    for (const auto& [name, task] : live)
      if (!bench.box->exists.contains(name)) RC_ASSERT(forgotten.contains(task));
    CheckRows();
  }

 private:
  Known* Any() { return tasks.empty() ? nullptr : &tasks[*rc::gen::inRange<std::size_t>(0, tasks.size())]; }
  static bool Blocked(const Known* known) {
    for (; known != nullptr; known = known->parent)
      if (known->ended || known->suspended) return true;
    return false;
  }
  void MaybeSettle() {
    if (*rc::gen::inRange(0, 3) > 0) bench.Settle();
  }

  void StartLead() {
    const std::string ticket = *rc::gen::element<std::string>("T-1", "T-2");
    StartRequest request;
    request.type = "lead";
    request.parameters = json::Object{{"ticket", ticket}};
    bench.broker().Start(Bench::Agent(), std::move(request), [this, ticket](Result<StartAnswer> answer) {
      if (answer) tasks.push_back({.start = *std::move(answer), .ticket = ticket});
    });
    MaybeSettle();
  }

  void Delegate() {
    Known* parent = Any();
    if (parent == nullptr) return;
    const bool box = *rc::gen::inRange(0, 3) == 0;
    const std::string ticket = box ? "" : *rc::gen::element<std::string>("T-1", "T-2");
    DelegateRequest request;
    request.start.type = box ? "box" : "part";
    request.start.parameters = box ? json::Object{{"box", *rc::gen::element<std::string>("b1", "b2")}} : json::Object{{"ticket", ticket}};
    const bool blocked = Blocked(parent);
    bench.broker().Delegate(bench.Holder(parent->start), parent->start.task.id, std::move(request),
                            [this, parent, ticket, blocked](Result<StartAnswer> answer) {
                              if (!answer) return;
                              RC_ASSERT(!blocked);
                              tasks.push_back({.start = *std::move(answer), .parent = parent, .ticket = ticket});
                            });
    MaybeSettle();
  }

  void Use() {
    Known* known = Any();
    if (known == nullptr) return;
    const std::string action = *rc::gen::element<std::string>("ticket.read", "ticket.comment", "ticket.comment", "ticket.close");
    const std::string ticket = *rc::gen::element<std::string>("T-1", "T-2");
    auto answer = bench.Use(known->start.task.id, action, ticket);
    if (!answer || !answer->allowed) return;
    RC_ASSERT(!Blocked(known));
    for (Known* one = known; one != nullptr; one = one->parent) {
      RC_ASSERT(one->ticket == ticket);
      const bool lead = one->start.task.name == "lead";
      RC_ASSERT(action != "ticket.close" || !lead);
      if (action == "ticket.comment") RC_ASSERT(++one->comments <= (lead ? 3 : 2));
    }
  }

  void Suspend() {
    Known* known = Any();
    if (known == nullptr) return;
    bench.broker().Suspend(Bench::Operator(), known->start.task.id, "test", Duration(0), [known](Result<EndAnswer> answer) {
      if (!answer && answer.error().reason != "suspend-not-recorded") return;
      known->suspended = true;
      known->unrecorded = !answer;
    });
    MaybeSettle();
  }

  void Resume() {
    Known* known = Any();
    if (known == nullptr) return;
    const bool above = Blocked(known->parent);
    auto refused = std::make_shared<bool>(false);
    bench.broker().Resume(Bench::Operator(), known->start.task.id, [refused](Result<StartAnswer> answer) { *refused = !answer; });
    // Its answer waits for credentials, perhaps for ever; that it goes on is not refused from its commit on.
    if (!*refused) {
      RC_ASSERT(!above);
      known->suspended = false;
    }
    MaybeSettle();
  }

  void Extend() {
    Known* known = Any();
    if (known == nullptr) return;
    bench.broker().Extend(Bench::Agent(), known->start.task.id, std::chrono::minutes(*rc::gen::inRange(1, 30)), "", [](auto) {});
    MaybeSettle();
  }

  void End() {
    Known* known = Any();
    if (known == nullptr) return;
    bench.broker().Revoke(Bench::Operator(), known->start.task.id, "test", Duration(0), [known](Result<EndAnswer> answer) {
      if (!answer && answer.error().reason != "end-not-recorded") return;
      known->ended = true;
      known->unrecorded = !answer;
    });
    MaybeSettle();
  }

  void Restart() {
    for (const Known& known : tasks)
      for (const Known* above = &known; above != nullptr; above = above->parent)
        if (above->unrecorded) forgotten.insert(known.start.task.id);
    bench.Restart();
    for (Known& known : tasks) {
      if (!std::exchange(known.unrecorded, false)) continue;
      const std::string state = bench.StateOf(known.start.task.id);
      if (state == "active" || state == "suspended") known.ended = false;
      if (state == "active") known.suspended = false;
    }
  }

  void Check() {
    for (Known& known : tasks) {
      const std::string& id = known.start.task.id;
      const bool active = bench.Active(known.start);
      if (known.parent != nullptr && active) RC_ASSERT(bench.Active(known.parent->start));
      const json::Value shown = bench.Shown(id);
      const Time deadline = ParseTime(*shown.FindString("deadline")).value();
      RC_ASSERT(deadline <= *known.start.task.started + known.start.task.max_ttl);
      if (known.parent != nullptr && active)
        RC_ASSERT(deadline <= ParseTime(*bench.Shown(known.parent->start.task.id).FindString("deadline")).value());
      if (!Blocked(&known)) continue;
      RC_ASSERT(!active);
      for (const char* action : {"ticket.read", "ticket.comment"}) RC_ASSERT(!bench.Allowed(id, action, known.ticket.empty() ? "T-1" : known.ticket));
      RC_ASSERT(bench.Token(known.start).Is(Caller::Kind::kNobody));
    }
  }

  void CheckRows() {
    std::map<std::string, std::string> states;
    for (const json::Value& event : bench.Events()) {
      const std::string& type = *event.FindString("type");
      if (!type.starts_with("task.") || event.FindString("task") == nullptr) continue;
      std::string& state = states[*event.FindString("task")];
      const std::string what = type.substr(5);
      if (what == "started") {
        state = "active";
      } else if (what == "suspended") {
        RC_ASSERT(state == "active");
        state = what;
      } else if (what == "resumed") {
        RC_ASSERT(state == "suspended");
        state = "active";
      } else if (what == "completed" || what == "revoked" || what == "expired" || what == "failed") {
        RC_ASSERT(state == "active" || state == "suspended");  // one end each
        state = what;
      }
    }
    std::map<std::string, std::string> rows, parents;
    for (store::Table table : {store::Table::kTask, store::Table::kEndedTask}) {
      auto scanned = bench.store().Scan(table, "", [&](std::string_view key, std::string_view row) {
        auto record = task::TaskRecord::Decode(row);
        RC_ASSERT(record.has_value());
        RC_ASSERT(task::IsEnd(record->state) == (table == store::Table::kEndedTask));
        RC_ASSERT(rows.emplace(key, task::StateName(record->state)).second);
        if (!record->parent.empty()) parents[std::string(key)] = record->parent;
        return true;
      });
      RC_ASSERT(scanned.has_value());
    }
    RC_ASSERT(rows == states);
    for (const auto& [child, parent] : parents) {
      if (rows[child] == "active") RC_ASSERT(rows[parent] == "active");
      if (rows[child] == "suspended") RC_ASSERT(rows[parent] == "active" || rows[parent] == "suspended");
    }
  }

  LifeBench bench;
  std::deque<Known> tasks;          // references stay good while answers arrive
  std::set<std::string> forgotten;  // tasks whose end or suspension a crash may have kept from the store
};

TEST(TreePromises, HoldWhateverHappens) {
  bool held = rc::check("I1 to I4 of trees", [] {
    World world;
    int steps = *rc::gen::inRange(1, 60);
    for (int i = 0; i < steps; ++i) world.Step();
    world.Finish();
  });
  EXPECT_TRUE(held);
}

}  // namespace
}  // namespace remit::broker
