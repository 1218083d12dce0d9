// The state machine of a task. See life.h.
//
// INVARIANTS: an end state is left by nothing; only exactly `active` spends; the deadline is set by Activate, and moved by
// Extend alone (extension.cc), later and never beyond started + max_ttl; whatever changes the state or a count of uses tells the ledger.
#include "task/life.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/limits.h"
#include "task/life_parts.h"

namespace remit::task {
namespace {

json::Array Uids(const std::vector<cedar::EntityUid>& uids) {
  json::Array array;
  for (const auto& uid : uids) array.push_back(uid.ToString());
  return array;
}

// What is asked for: said once, in the first event of a task.
void Describe(const TaskRecord& record, json::Object& event) {
  event.Set("task_type", record.type);
  event.Set("name", record.name);
  event.Set("purpose", record.purpose);
  event.Set("actor", record.actor.ToString());
  event.Set("chain", Uids(record.chain));
  if (!record.parent.empty()) event.Set("parent", record.parent);
  event.Set("parameters", record.parameters);
  if (!record.reason.empty()) event.Set("reason", record.reason);
  event.Set("ttl", FormatDuration(record.ttl));
  if (record.not_before) event.Set("at", FormatTime(*record.not_before));
  if (record.break_glass) event.Set("break_glass", true);
  event.Set("catalog", record.catalog);
  event.Set("facts", record.facts);
}

// Every end of a task: the state, when, why, by whom, and how often it was allowed and refused.
Transition End(const TaskRecord& record, State state, const std::string& reason, const std::string& by, Time now) {
  Transition t{record, {}};
  t.next.state = state;
  t.next.ended = now;
  t.next.suspended.reset();
  t.next.extension.reset();
  t.next.end_reason = reason;
  t.next.ended_by = by;
  json::Object event = Event(fmt::format("task.{}", StateName(state)), record, now);
  event.Set("reason", reason);
  if (!by.empty()) event.Set("by", by);
  if (record.started) {
    event.Set("started", FormatTime(*record.started));
    event.Set("allowed", std::to_string(record.allowed));
    event.Set("denied", std::to_string(record.denied));
  }
  t.events.push_back(std::move(event));
  return t;
}

Status CheckApproved(const TaskRecord& record) {
  if (record.break_glass || record.approvals.size() >= record.approvals_needed) return {};
  return Fail(Code::kFailedPrecondition, "not-approved",
              fmt::format("task `{}` has {} of {} approvals", record.id, record.approvals.size(), record.approvals_needed));
}

}  // namespace

Transition Request(TaskRecord draft, Time now) {
  draft.state = State::kRequested;
  draft.requested = now;
  draft.started = draft.ended = draft.suspended = std::nullopt;
  draft.extension.reset();
  draft.deadline = std::max(now + limits::kRequestLife, draft.not_before.value_or(now));
  draft.approvals.clear();
  draft.allowed = draft.denied = 0;
  draft.credentials.clear();
  draft.end_reason.clear();
  draft.ended_by.clear();
  if (draft.approvals_needed == 0) return {std::move(draft), {}};
  json::Object event = Event("task.requested", draft, now);
  Describe(draft, event);
  event.Set("approvals_needed", draft.approvals_needed);
  event.Set("request_hash", HexEncode(draft.request_hash));
  event.Set("expires", FormatTime(draft.deadline));
  return {std::move(draft), {std::move(event)}};
}

Result<Transition> Approve(const TaskRecord& record, const cedar::EntityUid& person, Time now) {
  if (record.state != State::kRequested) return WrongState(record);
  if (now >= record.deadline) return PastDeadline(record);
  if (IsOwn(record, person)) {
    return Fail(Code::kPermissionDenied, "own-request", fmt::format("`{}` is in the chain of this request and cannot approve it", person.ToString()),
                "ask somebody else");
  }
  if (std::ranges::find(record.approvals, person, &Yes::person) != record.approvals.end()) {
    return Fail(Code::kAlreadyExists, "already-approved", fmt::format("`{}` has approved this request before", person.ToString()));
  }
  Transition t{record, {}};
  t.next.approvals.push_back({person, now});
  json::Object event = Event("task.approved", record, now);
  event.Set("by", person.ToString());
  event.Set("request_hash", HexEncode(record.request_hash));
  event.Set("approvals", t.next.approvals.size());
  event.Set("approvals_needed", record.approvals_needed);
  t.events.push_back(std::move(event));
  return t;
}

Result<Transition> Deny(const TaskRecord& record, const cedar::EntityUid& person, const std::string& why, Time now) {
  if (!IsWaiting(record)) return WrongState(record);
  return End(record, State::kDenied, why, person.ToString(), now);
}

Result<Transition> DenyByPolicy(const TaskRecord& record, const std::string& why, Time now) {
  if (!IsWaiting(record)) return WrongState(record);
  return End(record, State::kDenied, why, "", now);
}

Result<Transition> AskAgain(const TaskRecord& record, const Hash& request_hash, std::uint32_t approvals_needed, Time now) {
  if (!IsWaiting(record)) return WrongState(record);
  Transition t{record, {}};
  t.next.state = State::kRequested;
  t.next.approvals.clear();
  t.next.approvals_needed = approvals_needed;
  t.next.request_hash = request_hash;
  t.next.deadline = now + limits::kRequestLife;
  json::Object event = Event("task.asked-again", record, now);
  event.Set("approvals_needed", approvals_needed);
  event.Set("request_hash", HexEncode(request_hash));
  event.Set("expires", FormatTime(t.next.deadline));
  t.events.push_back(std::move(event));
  return t;
}

Error NotInThatState(const TaskRecord& record) {
  Error error(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is {}", record.id, StateName(record.state)));
  if (IsEnd(record.state) && !record.started)
    return std::move(error).Hint(fmt::format("it never began; `remit show {}` has what was asked for", record.id));
  if (IsEnd(record.state)) return std::move(error).Hint(fmt::format("what it did, and how what it held died: `remit receipt {}`", record.id));
  if (record.state == State::kSuspended)
    return std::move(error).Hint(fmt::format("`remit resume {}` lets it go on, `remit revoke {}` ends it", record.id, record.id));
  if (record.state == State::kActive) return std::move(error).Hint(fmt::format("`remit show {}` has what it is and holds", record.id));
  return std::move(error).Hint(fmt::format("`remit show {}` has what it waits for; `remit withdraw {}` takes it back", record.id, record.id));
}

Result<Transition> Withdraw(const TaskRecord& record, const cedar::EntityUid& by, Time now) {
  if (!IsWaiting(record)) return WrongState(record);
  return End(record, State::kWithdrawn, "withdrawn", by.ToString(), now);
}

Result<Transition> Activate(const TaskRecord& record, std::vector<std::string> credentials, Time now, Time latest) {
  if (!IsWaiting(record)) return WrongState(record);
  if (now >= record.deadline) return PastDeadline(record);
  if (record.not_before && now < *record.not_before) {
    return Fail(Code::kFailedPrecondition, "wrong-state",
                fmt::format("task `{}` does not start before {}", record.id, FormatTime(*record.not_before)));
  }
  REMIT_TRY(CheckApproved(record));
  Transition t{record, {}};
  t.next.state = State::kActive;
  t.next.started = now;
  t.next.deadline = std::min<Time>(now + record.ttl, latest);
  t.next.credentials = std::move(credentials);
  json::Object event = Event("task.started", record, now);
  if (record.approvals_needed == 0 && record.state == State::kRequested) Describe(record, event);
  event.Set("deadline", FormatTime(t.next.deadline));
  if (!t.next.credentials.empty()) event.Set("credentials", json::StringArray(t.next.credentials));
  t.events.push_back(std::move(event));
  return t;
}

Result<Transition> Schedule(const TaskRecord& record, Time now) {
  if (record.state != State::kRequested || !record.not_before) return WrongState(record);
  if (now >= record.deadline) return PastDeadline(record);
  REMIT_TRY(CheckApproved(record));
  Transition t{record, {}};
  t.next.state = State::kScheduled;
  t.next.deadline = *record.not_before + limits::kScheduleLate;
  json::Object event = Event("task.scheduled", record, now);
  if (record.approvals_needed == 0) Describe(record, event);
  event.Set("at", FormatTime(*record.not_before));
  t.events.push_back(std::move(event));
  return t;
}

Result<Transition> Review(const TaskRecord& record, const cedar::EntityUid& person, const std::string& note, Time now) {
  if (!record.break_glass) {
    return Fail(Code::kFailedPrecondition, "no-review",
                fmt::format("task `{}` was not started by break-glass: nobody has to sign for it", record.id));
  }
  if (!IsEnd(record.state)) return WrongState(record);
  if (record.review) {
    return Fail(Code::kAlreadyExists, "already-reviewed",
                fmt::format("`{}` has signed for task `{}` at {}", record.review->person.ToString(), record.id, FormatTime(record.review->at)));
  }
  if (IsOwn(record, person)) {
    return Fail(Code::kPermissionDenied, "own-request", fmt::format("`{}` is in the chain of this task and cannot sign for it", person.ToString()),
                "ask somebody else");
  }
  Transition t{record, {}};
  t.next.review = Yes{person, now};
  json::Object event = Event("task.reviewed", record, now);
  event.Set("by", person.ToString());
  if (!note.empty()) event.Set("note", note);
  t.events.push_back(std::move(event));
  return t;
}

Result<Transition> Complete(const TaskRecord& record, const cedar::EntityUid& by, const std::string& reason, Time now) {
  if (!IsRunning(record)) return WrongState(record);
  return End(record, State::kCompleted, reason, by.ToString(), now);
}

Result<Transition> Revoke(const TaskRecord& record, const cedar::EntityUid& by, const std::string& why, Time now) {
  if (!IsRunning(record)) return WrongState(record);
  return End(record, State::kRevoked, why, by.ToString(), now);
}

Result<Transition> Expire(const TaskRecord& record, const std::string& reason, Time now) {
  if (IsEnd(record.state)) return WrongState(record);
  if (reason == "deadline" && now < record.deadline) {
    return Fail(Code::kFailedPrecondition, "wrong-state",
                fmt::format("task `{}` is {} until {}", record.id, StateName(record.state), FormatTime(record.deadline)));
  }
  if (reason != "deadline" && !IsRunning(record)) return WrongState(record);
  return End(record, State::kExpired, reason, "", now);
}

Result<Transition> Fail(const TaskRecord& record, const std::string& why, Time now) {
  if (!IsRunning(record)) return WrongState(record);
  return End(record, State::kFailed, why, "", now);
}

Result<Transition> EndWithParent(const TaskRecord& record, Time now) {
  if (IsEnd(record.state)) return WrongState(record);
  return End(record, IsRunning(record) ? State::kRevoked : State::kWithdrawn, "parent-ended", "", now);
}

Result<Transition> Suspend(const TaskRecord& record, const std::string& by, const std::string& why, Time now, std::optional<Time> moment) {
  if (record.state != State::kActive) return WrongState(record);
  Transition t{record, {}};
  t.next.state = State::kSuspended;
  t.next.suspended = moment.value_or(now);
  json::Object event = Event("task.suspended", record, now);
  event.Set("reason", why);
  if (!by.empty()) event.Set("by", by);
  t.events.push_back(std::move(event));
  return t;
}

Result<Transition> Resume(const TaskRecord& record, const std::string& by, const std::vector<std::string>& credentials, Time now) {
  if (record.state != State::kSuspended) return WrongState(record);
  if (now >= record.deadline) return PastDeadline(record);
  Transition t{record, {}};
  t.next.state = State::kActive;
  t.next.suspended.reset();
  t.next.credentials.insert(t.next.credentials.end(), credentials.begin(), credentials.end());
  json::Object event = Event("task.resumed", record, now);
  if (!by.empty()) event.Set("by", by);
  event.Set("deadline", FormatTime(record.deadline));
  if (!credentials.empty()) event.Set("credentials", json::StringArray(credentials));
  t.events.push_back(std::move(event));
  return t;
}

Result<Transition> Spend(const TaskRecord& record, const std::vector<std::string>& forbids, const cedar::EntityUid& action,
                         const cedar::EntityUid& resource, Time now) {
  if (record.state != State::kActive) return WrongState(record);
  if (now >= record.deadline) return PastDeadline(record);
  Transition t{record, {}};
  json::Object uses;
  for (const std::string& forbid : forbids) {
    const std::uint32_t count = ++t.next.uses[forbid];
    uses.Set(forbid, count);
  }
  json::Object event = Event("task.spent", record, now);
  event.Set("action", action.ToString());
  event.Set("resource", resource.ToString());
  event.Set("uses", std::move(uses));
  t.events.push_back(std::move(event));
  return t;
}

}  // namespace remit::task
