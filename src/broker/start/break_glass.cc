// Starts without approval, in an emergency: of types with `@break_glass`, by whom the catalog permits the verb `break_glass`. What policy does
// not permit at all, it does not permit so either: nothing is lifted but the wait for people. Each leaves a review open, until somebody who
// could have approved it signs for what was done.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/limits.h"
#include "base/text.h"
#include "broker/core.h"
#include "broker/views.h"
#include "json/object_reader.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::broker {

using Kind = Caller::Kind;
using Verdict = task::Decision::Verdict;

Status BreakGlassStarts::Admit(const Caller& by, const task::TaskType& type, const cedar::Entity& entity, task::TaskRecord& record) {
  const task::Decision may = core_.who_may.AskVerb(by, "break_glass", entity);
  if (may.verdict != Verdict::kAllow)
    return Fail(Code::kPermissionDenied, "break-glass-denied",
                fmt::format("{} may not start `{}` without its approvals: {}", by.uid.ToString(), type.name,
                            may.reason == "no-permit" ? "no policy permits it" : may.reason) +
                    (may.policies.empty() ? "" : " (" + Join(may.policies, ", ") + ")"),
                "start it without break-glass, and ask somebody to approve it");
  record.break_glass = true;
  record.approvals_needed = 0;
  core_.starts.CountStart(record, core_.who_may.AskVerb(by, "start", entity, std::numeric_limits<std::uint32_t>::max()).charges);
  return {};
}

json::Value BreakGlassStarts::EventOf(const task::TaskRecord& started) {
  json::Array not_asked;
  std::uint32_t skipped = 0;
  if (const auto entity = core_.MakeEntity(started, *core_.current)) {
    const Caller starter = core_.who_may.AsActor(started);
    skipped = ApprovalsNeeded(core_.who_may.AskVerb(starter, "start", *entity, std::numeric_limits<std::uint32_t>::max()));
    for (const auto& [uid, person] : core_.registry.people) {
      if (person.barred || !core_.who_may.MayJudge(uid, started)) continue;
      const Caller approver{.kind = Kind::kPerson, .uid = uid, .task = {}, .signed_in = {}, .session = {}};
      if (core_.who_may.AskVerb(approver, "approve", *entity).verdict == Verdict::kAllow) not_asked.push_back(uid.ToString());
    }
  }
  json::Object event = core_.Event("task.break-glass", started.started.value_or(core_.last_event));
  event.Set("task", started.id);
  event.Set("by", started.actor.ToString());
  event.Set("reason", started.reason);
  event.Set("approvals_skipped", skipped);
  event.Set("not_asked", std::move(not_asked));
  return event;
}

json::Value BreakGlassStarts::OpenReview(const task::TaskRecord& started, store::Batch& batch) {
  json::Value event = EventOf(started);
  batch.writes.push_back({store::Table::kReview, started.id, json::Canonical(json::Object{{"actor", started.actor.ToString()}})});
  open_reviews_.emplace(started.id, started.actor);
  return event;
}

std::vector<std::string> BreakGlassStarts::OpenReviews() const {
  std::vector<std::string> ids;
  for (const auto& [id, actor] : open_reviews_) ids.push_back(id);
  return ids;
}

namespace {

Result<cedar::EntityUid> ReadReview(std::string_view row) {
  REMIT_ASSIGN(const json::Value document, json::Parse(row));
  json::ObjectReader r(document, "review row");
  const std::string actor = r.RequiredString("actor");
  REMIT_TRY(r.Finish());
  return cedar::EntityUid::Parse(actor);
}

}  // namespace

Status BreakGlassStarts::LoadReviews() {
  Error failed;
  bool ok = true;
  REMIT_TRY(core_.parts.store.Scan(store::Table::kReview, "", [&](std::string_view key, std::string_view row) {
    Result<cedar::EntityUid> actor = ReadReview(row);
    if (actor) open_reviews_.emplace(key, *std::move(actor));
    if (!actor) failed = Error(Code::kCorrupt, "store-corrupt", fmt::format("review of `{}`: {}", key, actor.error().message)), ok = false;
    return ok;
  }));
  if (!ok) return std::unexpected(std::move(failed));
  return {};
}

std::uint32_t BreakGlassStarts::OpenReviewsOf(const cedar::EntityUid& actor) const {
  return static_cast<std::uint32_t>(std::ranges::count_if(open_reviews_, [&](const auto& review) { return review.second == actor; }));
}

// --- the review ------------------------------------------------------------------------------------------------------------------------

void Broker::Review(const Caller& by, const std::string& task, const std::string& note, Answer<json::Value> answer) {
  if (note.size() > limits::kReasonBytes || !IsUtf8(note))
    return answer(Fail(Code::kInvalidArgument, "bad-reason", fmt::format("a note is text of at most {} bytes", limits::kReasonBytes)));
  // What is signed for is what was done: a task that runs has no review yet.
  Result<std::optional<std::string>> row = core_->parts.store.Get(store::Table::kEndedTask, task);
  if (!row) return answer(std::unexpected(row.error()));
  if (!*row) {
    Result<task::TaskRecord> live = core_->views.Visible(by, task);
    if (!live) return answer(std::unexpected(live.error()));
    return answer(Fail(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is {}", task, task::StateName(live->state)),
                       "sign for it when it has ended; `remit revoke` ends it"));
  }
  Result<task::TaskRecord> record = task::TaskRecord::Decode(**row);
  if (!record) return answer(std::unexpected(record.error()));
  if (Status may = core_->Locked([&] { return core_->break_glass.MaySign(by, *record); }); !may) return answer(std::unexpected(may.error()));
  const Result<bool> did = record->break_glass ? core_->break_glass.DidAPart(task, by.uid) : Result<bool>(false);
  if (!did) return answer(std::unexpected(did.error()));
  if (*did)  // as if they stood in its chain
    return answer(Fail(Code::kPermissionDenied, "own-request",
                       fmt::format("`{}` did a part of task `{}` and cannot sign for it", by.uid.ToString(), task), "ask somebody else"));
  core_->Locked([&] { core_->break_glass.SignReview(by, *record, **row, note, answer); });
}

Status BreakGlassStarts::MaySign(const Caller& by, const task::TaskRecord& record) {
  REMIT_TRY(CheckPerson(by, core_.Now()));
  const auto known = core_.registry.people.find(by.uid);
  const bool barred = known == core_.registry.people.end() || known->second.barred;
  const auto entity = core_.current ? core_.MakeEntity(record, *core_.current) : nullptr;
  if (!barred && entity && core_.who_may.AskVerb(by, "approve", *entity).verdict == Verdict::kAllow)
    return core_.who_may.MayJudge(by.uid, record, "sign for");
  if (barred || !core_.who_may.MayViewEnded(by, record)) return NoSuchTask(record.id);
  return Fail(Code::kPermissionDenied, "review-denied", fmt::format("no policy permits you to approve, and so to sign for, `{}`", record.id));
}

// A task that ends meanwhile goes from the first table to the second, and is seen in one of them.
Result<bool> BreakGlassStarts::DidAPart(const std::string& task, const cedar::EntityUid& who) const {
  const auto owned = core_.Locked([&] { return core_.who_may.OwnedBy(who); });
  const auto is_theirs = [&](const task::TaskRecord& record) {
    return std::ranges::any_of(record.chain, [&](const cedar::EntityUid& uid) {
      const auto until = owned.find(uid);
      return uid == who || (until != owned.end() && until->second >= record.requested);
    });
  };
  std::map<std::string, std::string> parents;
  std::vector<std::string> theirs;
  Status read;
  for (const store::Table table : {store::Table::kTask, store::Table::kEndedTask}) {
    REMIT_TRY(core_.parts.store.Scan(table, "", [&](std::string_view, std::string_view row) {
      Result<task::TaskRecord> record = task::TaskRecord::Decode(row);
      if (!record) read = std::unexpected(std::move(record.error()));
      if (!record || record->parent.empty()) return record.has_value();
      parents[record->id] = record->parent;
      if (is_theirs(*record)) theirs.push_back(record->id);
      return true;
    }));
    REMIT_TRY(read);
  }
  return std::ranges::any_of(theirs, [&](const std::string& id) {
    auto at = parents.find(id);
    for (std::size_t steps = 0; at != parents.end() && steps <= limits::kDelegationDepth; ++steps, at = parents.find(at->second))
      if (at->second == task) return true;
    return false;
  });
}

void BreakGlassStarts::SignReview(const Caller& by, const task::TaskRecord& record, const std::string& row, const std::string& note,
                                  Answer<json::Value> answer) {
  const auto refuse = core_.Refusing(answer);
  if (Status may = MaySign(by, record); !may) return refuse(std::move(may.error()));
  Result<task::Transition> signed_for = task::Review(record, by.uid, note, core_.Stamp());
  if (!signed_for) return refuse(std::move(signed_for.error()));
  store::Batch batch;
  batch.expects.push_back({store::Table::kEndedTask, record.id, row});
  batch.writes.push_back({store::Table::kEndedTask, record.id, signed_for->next.Encode()});
  batch.writes.push_back({store::Table::kReview, record.id, std::nullopt});
  core_.AddEvents(batch, std::move(signed_for->events));
  core_.Commit(std::move(batch), [this, answer, next = std::move(signed_for->next)](const auto& committed) {
    if (committed) {
      open_reviews_.erase(next.id);
      return core_.Later([answer, json = json::Value(TaskJson(next))] { answer(json); });
    }
    Error error = committed.error();
    if (error.reason == "conflict")
      error = Error(Code::kAlreadyExists, "already-reviewed", fmt::format("somebody else signed for task `{}` at the same moment", next.id));
    core_.Later([answer, error = std::move(error)] { answer(std::unexpected(error)); });
  });
}

Result<json::Value> Broker::ListReviews(const Caller& by) {
  const std::vector<std::string> ids = core_->Locked([&] { return core_->break_glass.OpenReviews(); });
  json::Array reviews;
  for (const std::string& id : ids) {
    Result<task::TaskRecord> record = core_->views.Visible(by, id);
    if (!record) {
      if (record.error().code != Code::kNotFound) return std::unexpected(std::move(record.error()));
      // Who may sign for it sees it here, whatever else they may see.
      REMIT_ASSIGN(std::optional<std::string> row, core_->parts.store.Get(store::Table::kEndedTask, id));
      if (!row) continue;
      record = task::TaskRecord::Decode(*row);
      const bool may = record && core_->Locked([&] {
        const auto entity = core_->current ? core_->MakeEntity(*record, *core_->current) : nullptr;
        return entity && core_->who_may.AskVerb(by, "approve", *entity).verdict == Verdict::kAllow;
      });
      if (!may) continue;
    }
    reviews.push_back(TaskJson(*record));
  }
  return json::Value(json::Object{{"reviews", std::move(reviews)}});
}

}  // namespace remit::broker
