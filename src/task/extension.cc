// More time for a task that runs: asked for, approved where its type wants that, and given. See life.h.
//
// INVARIANT: Extend alone moves a deadline, only to a later time, never beyond started + max_ttl, and never beyond a parent's.
#include <utility>

#include "base/limits.h"
#include "task/life_parts.h"

namespace remit::task {
namespace {

Status CheckRuns(const TaskRecord& record, Time now) {
  if (record.state != State::kActive) return WrongState(record);
  if (now >= record.deadline) return PastDeadline(record);
  return {};
}

// What is asked for and has not expired.
Result<const Extension*> Asked(const TaskRecord& record, Time now) {
  if (!record.extension || now >= record.extension->expires)
    return Fail(Code::kNotFound, "unknown-approval", fmt::format("task `{}` asks for nothing", record.id));
  return &*record.extension;
}

}  // namespace

Status CheckExtension(const TaskRecord& record, Duration by, Time now, Time latest) {
  REMIT_TRY(CheckRuns(record, now));
  if (by <= Duration(0)) return Fail(Code::kInvalidArgument, "bad-duration", "more time is longer than nothing");
  const Time longest = *record.started + record.max_ttl;
  if (by > record.max_ttl || record.deadline + by > longest)
    return Fail(Code::kInvalidArgument, "too-long",
                record.max_ttl == Duration(0) ? fmt::format("task `{}` cannot be extended", record.id)
                                              : fmt::format("task `{}` lives until {} at most", record.id, FormatTime(longest)),
                record.deadline < longest ? fmt::format("ask for {} or less", FormatDuration(longest - record.deadline))
                                          : "its type may say a longer @max_ttl, for tasks that start from then on");
  if (record.deadline + by > latest)
    return Fail(Code::kInvalidArgument, "too-long", fmt::format("the task above `{}` ends at {}, and it with that", record.id, FormatTime(latest)),
                "extend the task above it first");
  return {};
}

Result<Transition> Extend(const TaskRecord& record, Duration by, const std::string& who, const std::string& why, Time now, Time latest) {
  REMIT_TRY(CheckExtension(record, by, now, latest));
  Transition t{record, {}};
  t.next.deadline = record.deadline + by;
  t.next.extension.reset();
  json::Object event = Event("task.extended", record, now);
  event.Set("by", who);
  if (!why.empty()) event.Set("reason", why);
  event.Set("more", FormatDuration(by));
  event.Set("deadline", FormatTime(t.next.deadline));
  t.events.push_back(std::move(event));
  return t;
}

Result<Transition> AskExtension(const TaskRecord& record, Extension asked, const std::string& who, Time now) {
  REMIT_TRY(CheckRuns(record, now));
  Transition t{record, {}};
  asked.requested = now;
  asked.expires = std::min<Time>(now + limits::kRequestLife, record.deadline);
  asked.approvals.clear();
  json::Object event = Event("task.extension-requested", record, now);
  event.Set("by", who);
  if (!asked.reason.empty()) event.Set("reason", asked.reason);
  event.Set("more", FormatDuration(asked.by));
  event.Set("approvals_needed", asked.approvals_needed);
  event.Set("request_hash", HexEncode(asked.request_hash));
  event.Set("expires", FormatTime(asked.expires));
  t.events.push_back(std::move(event));
  t.next.extension = std::move(asked);
  return t;
}

Result<Transition> ApproveExtension(const TaskRecord& record, const cedar::EntityUid& person, Time now) {
  REMIT_TRY(CheckRuns(record, now));
  REMIT_ASSIGN(const Extension* asked, Asked(record, now));
  if (IsOwn(record, person))
    return Fail(Code::kPermissionDenied, "own-request", fmt::format("`{}` is in the chain of this request and cannot approve it", person.ToString()),
                "ask somebody else");
  if (std::ranges::find(asked->approvals, person, &Yes::person) != asked->approvals.end())
    return Fail(Code::kAlreadyExists, "already-approved", fmt::format("`{}` has approved this request before", person.ToString()));
  Transition t{record, {}};
  t.next.extension->approvals.push_back({person, now});
  json::Object event = Event("task.extension-approved", record, now);
  event.Set("by", person.ToString());
  event.Set("request_hash", HexEncode(asked->request_hash));
  event.Set("approvals", t.next.extension->approvals.size());
  event.Set("approvals_needed", asked->approvals_needed);
  t.events.push_back(std::move(event));
  return t;
}

Result<Transition> DenyExtension(const TaskRecord& record, const cedar::EntityUid& person, const std::string& why, Time now) {
  if (!IsRunning(record)) return WrongState(record);
  REMIT_ASSIGN(const Extension* asked, Asked(record, now));
  Transition t{record, {}};
  json::Object event = Event("task.extension-denied", record, now);
  event.Set("by", person.ToString());
  event.Set("reason", why);
  event.Set("request_hash", HexEncode(asked->request_hash));
  t.events.push_back(std::move(event));
  t.next.extension.reset();
  return t;
}

}  // namespace remit::task
