// More time for a task that runs, up to its @max_ttl and never beyond the tasks above it. A type may ask for a new approval of it.
//
// It gives access, so nothing applies before its commit. What changed meanwhile (uses that were spent, a suspension) stays: the deadline is all
// that an extension touches.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "broker/core.h"
#include "crypto/hash.h"
#include "json/write.h"

namespace remit::broker {

using Kind = Caller::Kind;
using Verdict = task::Decision::Verdict;

namespace {

json::Object AskedJson(const task::TaskRecord& record, const task::Extension& asked) {
  json::Array given;
  for (const task::Yes& yes : asked.approvals) given.push_back(json::Object{{"person", yes.person.ToString()}, {"at", FormatTime(yes.at)}});
  return json::Object{{"id", ApprovalIdOf(record.id)},
                      {"kind", "extension"},
                      {"task", record.id},
                      {"hash", HexEncode(asked.request_hash)},
                      {"type", record.name},
                      {"purpose", record.purpose},
                      {"parameters", record.parameters},
                      {"actor", record.actor.ToString()},
                      {"reason", asked.reason},
                      {"deadline", FormatTime(record.deadline)},
                      {"more", FormatDuration(asked.by)},
                      {"needed", asked.approvals_needed},
                      {"given", std::move(given)},
                      {"requested", FormatTime(asked.requested)},
                      {"expires", FormatTime(asked.expires)}};
}

}  // namespace

void Broker::Extend(const Caller& by, const std::string& task, Duration more, const std::string& reason, Answer<ExtendAnswer> answer) {
  Core& core = *core_;
  core.Locked([&] {
    const auto refuse = core.Refusing(answer);
    LiveTask* live = core.Find(task);
    if (live == nullptr) return refuse(core.who_may.NotLive(by, task));
    if (by.Is(Kind::kTask) && by.task == task)
      return refuse(Error(Code::kPermissionDenied, "holder-key-needed", "REMIT_TOKEN allows use, not life: extending needs the holder key"));
    if (reason.size() > limits::kReasonBytes || !IsUtf8(reason))
      return refuse(Error(Code::kInvalidArgument, "bad-reason", "the reason is too long, or not UTF-8"));
    core.RunWhenIdle(*live, [&core, by, task, more, reason, answer = std::move(answer)] {
      if (LiveTask* again = core.Find(task)) return core.extensions.Extend(*again, by, more, reason, answer);
      core.Later([answer, task] { answer(NoSuchTask(task)); });
    });
  });
}

void Extensions::Extend(LiveTask& live, const Caller& by, Duration more, const std::string& reason, Answer<ExtendAnswer> answer) {
  const auto refuse = core_.Refusing(answer);
  const task::TaskRecord& record = live.record();
  const bool holder = by.Is(Kind::kHolder) && by.task == live.id();
  const Caller asks = holder ? core_.who_may.AsActor(record) : by;
  std::shared_ptr<const cedar::Entity> entity = core_.current ? core_.MakeEntity(record, *core_.current) : nullptr;
  task::Decision decision = entity ? core_.who_may.AskVerb(asks, "extend", *entity, 0, std::nullopt, &record.uses) : task::Decision{};
  if (decision.verdict == Verdict::kDeny) {
    if (!core_.who_may.MayView(by, live)) return refuse(NoSuchTask(live.id()).error());
    const std::string why = decision.reason == "no-permit" || decision.reason.empty() ? "no policy permits it" : decision.reason;
    const std::string policies = decision.policies.empty() ? "" : " (" + Join(decision.policies, ", ") + ")";
    return refuse(Error(Code::kPermissionDenied, "extend-denied",
                        fmt::format("{} may not extend task `{}`: {}{}", asks.uid.ToString(), live.id(), why, policies))
                      .Hint("the catalog says who may: a permit for `Remit::Action::\"extend\"`"));
  }
  if (live.latched) return refuse(Error(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is ending", live.id())));
  if (core_.ClockInDoubt()) return refuse(Error(Code::kUnavailable, "clock-in-doubt", "the clock is behind the ledger's last event"));
  if (Status stands = core_.trees.ParentStands(record); !stands) return refuse(std::move(stands.error()));
  if (Status may = task::CheckExtension(record, more, core_.Now(), core_.trees.LatestDeadline(record)); !may) return refuse(std::move(may.error()));
  if (const cedar::EntityUid* barred = core_.who_may.BarredOf(record))
    return refuse(Error(Code::kPermissionDenied, "extend-denied", fmt::format("{} is barred, or not registered", barred->ToString())));
  if (decision.verdict == Verdict::kNeedsApproval) {
    // It is asked again when everybody has said yes, and then for its actor.
    if (asks.uid != record.actor)
      return refuse(Error(Code::kPermissionDenied, "extend-denied", "an extension that needs approval is asked for by the task's holder or actor"));
    task::Extension asked;
    asked.by = more;
    asked.reason = reason;
    asked.approvals_needed =
        ApprovalsNeeded(core_.who_may.AskVerb(asks, "extend", *entity, std::numeric_limits<std::uint32_t>::max(), std::nullopt, &record.uses));
    return AskFor(live, std::move(asked), asks.uid.ToString(), std::move(answer));
  }
  task::TaskRecord charged = core_.ends.Present(live);
  for (const task::Charge& charge : decision.charges) charged.uses[charge.policy] += 1;
  Result<task::Transition> extended = task::Extend(charged, more, asks.uid.ToString(), reason, core_.Stamp(), core_.trees.LatestDeadline(record));
  if (!extended) return refuse(std::move(extended.error()));
  CommitExtension(live, *std::move(extended), std::move(answer));
}

// What approvers say yes to: what the task is, what it could go on doing, and until when.
Hash Extensions::ExtensionHash(LiveTask& live, const task::Extension& asked) {
  const task::TaskRecord& record = live.record();
  const json::Object request{{"form", "remit/extension/v1"},
                             {"task", HexEncode(task::RequestHash(record, core_.trees.PermissionsOf(record, core_.EntityOf(live))))},
                             {"deadline", FormatTime(record.deadline)},
                             {"more", FormatDuration(asked.by)},
                             {"reason", asked.reason},
                             {"requested", FormatTime(asked.requested)}};
  return crypto::Sha256(json::Canonical(request));
}

void Extensions::AskFor(LiveTask& live, task::Extension asked, const std::string& who, Answer<ExtendAnswer> answer) {
  const Time now = core_.Stamp();
  const std::string id = live.id();
  if (const auto& before = live.record().extension; before && now < before->expires && before->by == asked.by && before->reason == asked.reason)
    return core_.Later([answer, record = core_.ends.Present(live), id] { answer(ExtendAnswer{record, ApprovalIdOf(id)}); });  // people are asked once
  asked.requested = now;
  asked.request_hash = ExtensionHash(live, asked);
  Result<task::Transition> transition = task::AskExtension(core_.ends.Present(live), std::move(asked), who, now);
  if (!transition) return core_.Later([answer, error = transition.error()] { answer(std::unexpected(error)); });
  transition->events.back().AsObject().Set("permissions", core_.trees.PermissionsOf(live.record(), core_.EntityOf(live)).ToJson());
  store::Batch batch;
  batch.writes.push_back({store::Table::kTask, id, transition->next.Encode()});
  core_.AddEvents(batch, std::move(transition->events));
  live.busy = true;
  core_.Commit(std::move(batch), [this, id, answer, version = live.version(), extension = *transition->next.extension](const auto& committed) {
    LiveTask* again = core_.Find(id);
    if (again == nullptr) return core_.Later([answer, id] { answer(NoSuchTask(id)); });
    if (!committed) {
      core_.Refuse(answer, committed.error());
    } else {
      Keep(*again, extension, version);
      core_.Later([answer, record = core_.ends.Present(*again), id] { answer(ExtendAnswer{record, ApprovalIdOf(id)}); });
    }
    core_.NotBusy(*again);
  });
}

// What is asked for, and who said yes, after its commit. Where the record went on meanwhile its row is written again, as it is now.
void Extensions::Keep(LiveTask& live, const std::optional<task::Extension>& extension, std::uint64_t version) {
  if (live.latched) return;
  const bool went_on = live.version() != version;
  task::TaskRecord next = live.record();
  next.extension = extension;
  live.Set(std::move(next));
  if (went_on && !live.unrecorded) WriteAgain(live);
}

void Extensions::WriteAgain(LiveTask& live) {
  store::Batch batch;
  batch.writes.push_back({store::Table::kTask, live.id(), live.Encode()});
  core_.Commit(std::move(batch), [](const auto&) {});
}

void Extensions::CommitExtension(LiveTask& live, task::Transition transition, Answer<ExtendAnswer> answer) {
  const std::string id = live.id();
  store::Batch batch;
  batch.writes.push_back({store::Table::kTask, id, transition.next.Encode()});
  core_.AddEvents(batch, std::move(transition.events));
  live.busy = true;
  core_.Commit(std::move(batch), [this, id, answer, version = live.version(), next = std::move(transition.next)](const auto& committed) mutable {
    LiveTask* again = core_.Find(id);
    if (again == nullptr) return core_.Later([answer, id] { answer(NoSuchTask(id)); });
    if (!committed) {
      core_.Refuse(answer, committed.error());
    } else if (again->latched) {
      core_.Later([answer, id] { answer(Fail(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is ending", id))); });
    } else {
      const bool went_on = again->version() != version;
      if (went_on) {  // what else became of it stays
        task::TaskRecord merged = again->record();
        merged.deadline = next.deadline;
        merged.extension.reset();
        for (const auto& [policy, count] : next.uses) merged.uses[policy] = std::max(merged.uses[policy], count);
        next = std::move(merged);
      }
      again->Set(std::move(next));
      if (again->recorded) again->recorded->deadline = again->deadline();
      again->warned = false;
      core_.Schedule(*again);
      if (went_on && !again->unrecorded) WriteAgain(*again);
      core_.Tell(*again, json::Object{{"event", "extended"}, {"deadline", FormatTime(again->deadline())}});
      core_.credentials.ProlongAll(*again);
      core_.Later([answer, record = core_.ends.Present(*again)] { answer(ExtendAnswer{record, ""}); });
    }
    core_.NotBusy(*again);
  });
}

// --- approvals of it ---------------------------------------------------------------------------------------------------------------------

// The caller is a person in a recent session. Its id is that of the request to start the task, which nobody waits for any more.
void Extensions::Approve(LiveTask& live, const Caller& by, const std::string& hash, Answer<json::Value> answer) {
  const auto refuse = core_.Refusing(answer);
  const std::string id = live.id(), approval = ApprovalIdOf(id);
  const task::TaskRecord& record = live.record();
  std::shared_ptr<const cedar::Entity> entity = core_.current ? core_.MakeEntity(record, *core_.current) : nullptr;
  const bool may = entity && core_.who_may.AskVerb(by, "approve", *entity).verdict == Verdict::kAllow;
  if (live.latched || (!may && !core_.who_may.MayView(by, live))) return refuse(NoSuchApproval(approval).error());
  if (!may) return refuse(Error(Code::kPermissionDenied, "approve-denied", fmt::format("no policy permits you to approve `{}`", approval)));
  if (Status others = core_.who_may.MayJudge(by.uid, record); !others) return refuse(std::move(others.error()));
  Result<task::Transition> yes = task::ApproveExtension(core_.ends.Present(live), by.uid, core_.Stamp());
  if (!yes) return refuse(std::move(yes.error()));
  task::Extension asked = *yes->next.extension;
  if (hash != HexEncode(asked.request_hash))
    return refuse(Error(Code::kConflict, "request-changed", fmt::format("request `{}` is not what it was when you read it", approval))
                      .Hint("read it again with `remit approvals`"));
  if (core_.approvals.StandingYes(record, *entity, asked.approvals) >= asked.approvals_needed)
    return ExtendApproved(live, *std::move(yes), std::move(answer));
  store::Batch batch;
  batch.writes.push_back({store::Table::kTask, id, yes->next.Encode()});
  core_.AddEvents(batch, std::move(yes->events));
  live.busy = true;
  core_.Commit(std::move(batch), [this, id, answer, version = live.version(), asked = std::move(asked)](const auto& committed) {
    LiveTask* again = core_.Find(id);
    if (again == nullptr) return core_.Later([answer, id] { answer(NoSuchTask(id)); });
    if (!committed) {
      core_.Refuse(answer, committed.error());
    } else {
      Keep(*again, asked, version);
      core_.Later([answer, json = ExtensionJson(*again)] { answer(json); });
    }
    core_.NotBusy(*again);
  });
}

// Everybody said yes: asked again, as things stand now. What would go on must be what they saw.
void Extensions::ExtendApproved(LiveTask& live, task::Transition yes, Answer<json::Value> answer) {
  const auto refuse = core_.Refusing(answer);
  const task::TaskRecord& record = yes.next;
  const task::Extension asked = *record.extension;
  std::shared_ptr<const cedar::Entity> entity = core_.MakeEntity(record, *core_.current);
  const std::uint32_t standing = core_.approvals.StandingYes(record, *entity, asked.approvals);
  const task::Decision decision = core_.who_may.AskVerb(core_.who_may.AsActor(record), "extend", *entity, standing, std::nullopt, &record.uses);
  Status may = core_.trees.ParentStands(record);
  if (may) may = task::CheckExtension(record, asked.by, core_.Now(), core_.trees.LatestDeadline(record));
  if (may && (core_.who_may.BarredOf(record) != nullptr || decision.verdict != Verdict::kAllow))
    may = Fail(Code::kFailedPrecondition, "extend-denied", "more time is not permitted any more");
  if (may && core_.ClockInDoubt()) return refuse(Error(Code::kUnavailable, "clock-in-doubt", "the clock is behind the ledger's last event"));
  if (may && ExtensionHash(live, asked) != asked.request_hash)
    may = Fail(Code::kConflict, "request-changed", "what the task could go on doing has changed; it must be asked for again");
  if (!may) {  // void, with every yes: before the commit
    Result<task::Transition> denied = task::DenyExtension(core_.ends.Present(live), {"Remit::Policy", "current"}, may.error().message, core_.Stamp());
    if (denied) Void(live, *std::move(denied), nullptr);
    return refuse(std::move(may.error()));
  }
  task::TaskRecord charged = record;
  for (const task::Charge& charge : decision.charges) charged.uses[charge.policy] += 1;
  Result<task::Transition> extended =
      task::Extend(charged, asked.by, record.actor.ToString(), asked.reason, core_.Stamp(), core_.trees.LatestDeadline(record));
  if (!extended) return refuse(std::move(extended.error()));
  extended->events.insert(extended->events.begin(), yes.events.begin(), yes.events.end());
  CommitExtension(live, *std::move(extended), [answer, asked](Result<ExtendAnswer> given) {
    if (!given) return answer(std::unexpected(given.error()));
    answer(AskedJson(given->task, asked));  // its deadline is the new one
  });
}

void Extensions::Deny(LiveTask& live, const Caller& by, const std::string& why, Answer<json::Value> answer) {
  Result<task::Transition> denied = task::DenyExtension(core_.ends.Present(live), by.uid, why, core_.Stamp());
  if (!denied) return core_.Later([answer, error = denied.error()] { answer(std::unexpected(error)); });
  Void(live, *std::move(denied), std::move(answer));
}

void Extensions::Void(LiveTask& live, task::Transition denied, Answer<json::Value> answer) {
  live.Set(std::move(denied.next));
  store::Batch batch;
  batch.must_fit = true;
  if (!live.unrecorded) batch.writes.push_back({store::Table::kTask, live.id(), live.Encode()});
  core_.AddEvents(batch, std::move(denied.events));
  core_.Commit(std::move(batch), [this, id = live.id(), answer](const auto& committed) {
    if (!answer) return;
    if (!committed) return core_.Refuse(answer, committed.error());
    core_.Later([answer, id] { answer(json::Value(json::Object{{"id", ApprovalIdOf(id)}, {"task", id}, {"state", "denied"}})); });
  });
}

json::Value Extensions::ExtensionJson(LiveTask& live) {
  const task::TaskRecord& record = live.record();
  json::Object json = record.extension ? AskedJson(record, *record.extension) : json::Object{{"id", ApprovalIdOf(record.id)}, {"task", record.id}};
  json.Set("permissions", core_.trees.PermissionsOf(record, core_.EntityOf(live)).ToJson());
  return json;
}

}  // namespace remit::broker
