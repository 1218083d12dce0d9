// Approvals: a person's yes, bound to exactly what was asked, counted once, and evaluated again when it takes effect.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "base/ids.h"
#include "base/limits.h"
#include "broker/core.h"
#include "crypto/hash.h"
#include "json/object_reader.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::broker {

using Kind = Caller::Kind;
using Verdict = task::Decision::Verdict;

Status CheckPerson(const Caller& by, Time now) {
  if (!by.Is(Kind::kPerson))
    return Fail(Code::kPermissionDenied, "not-a-person", "only a person, in a session of their own, answers approvals",
                "sign in with the link that an administrator made for you");
  if (now - by.signed_in > limits::kApprovalSession)
    return Fail(Code::kUnauthenticated, "session-too-old",
                fmt::format("an approval needs a session that is younger than {}", FormatDuration(limits::kApprovalSession)), "sign in again");
  return {};
}

// --- what the answers to starts and to uses share

Status CheckHash(const std::string& given, const Hash& wanted, const std::string& id) {
  if (given == HexEncode(wanted)) return {};
  return Fail(Code::kConflict, "request-changed", fmt::format("request `{}` is not what it was when you read it", id),
              "read it again with `remit approvals`");
}

Error RequestChanged() { return Error(Code::kConflict, "request-changed", "what the request would give has changed; it must be approved again"); }

json::Array YesJson(const std::vector<task::Yes>& yes) {
  json::Array array;
  for (const task::Yes& one : yes) array.push_back(json::Object{{"person", one.person.ToString()}, {"at", FormatTime(one.at)}});
  return array;
}

std::unexpected<Error> NoSuchApproval(const std::string& id) {
  return Fail(Code::kNotFound, "unknown-approval", fmt::format("no request `{}` waits for you", id));
}

void Broker::Approve(const Caller& by, const std::string& approval, const std::string& hash, Answer<json::Value> answer) {
  core_->Locked([&] {
    const auto refuse = core_->Refusing(answer);
    if (Status status = CheckPerson(by, core_->Now()); !status) return refuse(std::move(status.error()));
    if (core_->change_requests.waiting.contains(approval)) return core_->change_requests.Approve(by, approval, hash, answer);
    std::string task_id = TaskIdOf(approval);
    if (LiveTask* live = task_id.empty() ? nullptr : core_->Find(task_id)) {
      core_->RunWhenIdle(*live, [core = core_.get(), by, task_id, hash, answer] { core->approvals.Approve(by, task_id, hash, answer); });
      return;
    }
    if (!core_->use_approvals.waiting.contains(approval)) return refuse(NoSuchApproval(approval).error());
    LiveTask* owner = core_->Find(core_->use_approvals.waiting.at(approval).task);
    if (owner == nullptr) return refuse(NoSuchApproval(approval).error());
    core_->RunWhenIdle(*owner, [core = core_.get(), by, approval, hash, answer] { core->use_approvals.Approve(by, approval, hash, answer); });
  });
}

// --- a start ---------------------------------------------------------------------------------------------------------------------------

// How many of those who said yes are still permitted to.
std::uint32_t Approvals::StandingYes(const task::TaskRecord& record, const cedar::Entity& entity, const std::vector<task::Yes>& yes) {
  std::uint32_t count = 0;
  for (const task::Yes& one : yes) {
    auto person = core_.registry.people.find(one.person);
    if (person == core_.registry.people.end() || person->second.barred || !core_.who_may.MayJudge(one.person, record)) continue;
    Caller caller{.kind = Kind::kPerson, .uid = one.person, .task = {}, .signed_in = one.at, .session = {}};
    if (core_.who_may.AskVerb(caller, "approve", entity).verdict == Verdict::kAllow) ++count;
  }
  return count;
}

void Approvals::Approve(const Caller& by, const std::string& task_id, const std::string& hash, Answer<json::Value> answer) {
  const auto refuse = core_.Refusing(answer);
  LiveTask* live = core_.Find(task_id);
  std::string id = ApprovalIdOf(task_id);
  if (live != nullptr && live->state() == task::State::kActive && live->asks_for_more())
    return core_.extensions.Approve(*live, by, hash, std::move(answer));
  if (live == nullptr || live->latched || live->state() != task::State::kRequested || !core_.current) return refuse(NoSuchApproval(id).error());
  const task::TaskRecord& record = live->record();
  std::shared_ptr<const cedar::Entity> entity = core_.MakeEntity(record, *core_.current);
  bool may = entity && core_.who_may.AskVerb(by, "approve", *entity).verdict == Verdict::kAllow;
  if (!may && !core_.who_may.MayView(by, *live)) return refuse(NoSuchApproval(id).error());
  if (!may) return refuse(Error(Code::kPermissionDenied, "approve-denied", fmt::format("no policy permits you to approve `{}`", id)));
  if (Status others = core_.who_may.MayJudge(by.uid, record); !others) return refuse(std::move(others.error()));
  if (Status status = CheckHash(hash, record.request_hash, id); !status) return refuse(std::move(status.error()));
  Time now = core_.Stamp();
  if (now >= live->deadline()) return refuse(NoSuchApproval(id).error());
  if (Status stands = core_.trees.ParentStands(record); !stands) return refuse(std::move(stands.error()));
  // INVARIANT: a yes is to what would be given at the moment of the yes. What people are shown is worked out anew each time, and a catalog
  // that comes and goes between two yeses must not make one of them a yes to something else.
  if (const task::PermissionSet permissions = core_.trees.PermissionsOf(record, *entity);
      task::RequestHash(record, permissions) != record.request_hash)
    return AskAnew(*live, permissions, std::move(answer));
  Result<task::Transition> yes = task::Approve(record, by.uid, now);
  if (!yes) return refuse(std::move(yes.error()));
  if (StandingYes(record, *entity, yes->next.approvals) >= record.approvals_needed) return Activate(*live, std::move(*yes), std::move(answer));

  store::Batch batch;
  batch.writes.push_back({store::Table::kTask, task_id, yes->next.Encode()});
  core_.AddEvents(batch, std::move(yes->events));
  live->busy = true;
  core_.Commit(std::move(batch), [this, task_id, next = std::move(yes->next), answer](const auto& committed) mutable {
    LiveTask* again = core_.Find(task_id);
    if (again == nullptr) return core_.Later([answer, task_id] { answer(NoSuchTask(task_id)); });
    if (!committed) {
      core_.Refuse(answer, committed.error());
    } else if (again->latched) {
      core_.Later([answer, task_id] { answer(NoSuchTask(task_id)); });
    } else {
      again->Set(std::move(next));
      core_.Changed(*again);
      core_.Later([answer, json = ApprovalJson(*again)] { answer(json); });
    }
    core_.NotBusy(*again);
  });
}

// What somebody is about to approve is not what would be given: it is asked anew, with the new content.
void Approvals::AskAnew(LiveTask& live, const task::PermissionSet& permissions, Answer<json::Value> answer) {
  const task::TaskRecord& record = live.record();
  Windows::Standing standing;
  standing.kind = Windows::Standing::Kind::kChanged;
  if (const auto entity = core_.MakeEntity(record, *core_.current))
    standing.needed = ApprovalsNeeded(core_.delegation.AskBegin(record, *entity, std::numeric_limits<std::uint32_t>::max(),
                                                                std::max(core_.Now(), record.not_before.value_or(core_.Now()))));
  standing.permissions = permissions;
  core_.windows.AskAgain(live, standing);
  core_.Later([answer] { answer(std::unexpected(RequestChanged())); });
}

// All approvals are there: everything is evaluated again, as it stands now, before the task is activated.
void Approvals::Activate(LiveTask& live, task::Transition yes, Answer<json::Value> answer) {
  const std::string task_id = live.id();
  const auto refuse = core_.Refusing(answer);
  task::TaskRecord& record = yes.next;
  const bool ahead = record.not_before && core_.Now() < *record.not_before;
  const Windows::Standing standing = core_.windows.Reconsider(record, ahead ? *record.not_before : core_.Now());
  if (standing.kind == Windows::Standing::Kind::kDenied) {
    core_.ends.End(
        live, [why = standing.why](const task::TaskRecord& before, Time now) { return task::DenyByPolicy(before, why, now); }, Duration(0), nullptr);
    return refuse(Error(Code::kFailedPrecondition, "start-denied", standing.why));
  }
  if (core_.ClockInDoubt()) return refuse(Error(Code::kUnavailable, "clock-in-doubt", "the clock is behind the ledger's last event"));
  if (standing.kind == Windows::Standing::Kind::kChanged) {
    core_.windows.AskAgain(live, standing);
    return refuse(RequestChanged());
  }
  if (!ahead)
    if (Status room = core_.budgets.Check(record, core_.Stamp(), true); !room) return refuse(std::move(room.error()));
  if (record.parent.empty()) core_.starts.CountStart(record, standing.charges);  // as of a start that nobody had to approve, or by break-glass
  live.busy = true;
  auto done = [this, task_id, answer](Status status) {
    LiveTask* again = core_.Find(task_id);
    if (status && again != nullptr) {
      core_.Later([answer, json = ApprovalJson(*again)] { answer(json); });
    } else {
      Error error = status ? NoSuchTask(task_id).error() : std::move(status.error());
      if (error.reason == "conflict") error = core_.start_waits.Raced("");
      core_.Later([answer, error = std::move(error)] { answer(std::unexpected(error)); });
    }
    if (again != nullptr) core_.NotBusy(*again);
  };
  if (ahead) return core_.windows.ScheduleThen(std::move(record), std::move(yes.events), {}, std::move(done));
  core_.activations.Activate(std::move(record), std::move(yes.events), standing.permissions, standing.charges, {}, std::move(done));
}

// --- denying, and reading --------------------------------------------------------------------------------------------------------------

void Broker::Deny(const Caller& by, const std::string& approval, const std::string& why, Answer<json::Value> answer) {
  Core& core = *core_;
  core.Locked([&] {
    const auto refuse = core.Refusing(answer);
    const auto change = core.change_requests.waiting.find(approval);
    const bool own_change = change != core.change_requests.waiting.end() && by.Is(Kind::kActor) && by.uid == change->second.by;
    if (!by.Is(Kind::kPerson) && !own_change) return refuse(Error(Code::kPermissionDenied, "not-a-person", "only a person answers approvals"));
    if (change != core.change_requests.waiting.end() && why.size() <= limits::kReasonBytes)
      return core.change_requests.Deny(by, approval, why, answer);
    if (why.size() > limits::kReasonBytes) return refuse(Error(Code::kInvalidArgument, "bad-reason", "the reason is too long"));
    std::string task_id = TaskIdOf(approval);
    LiveTask* live = task_id.empty() ? nullptr : core.Find(task_id);
    if (live == nullptr && core.use_approvals.waiting.contains(approval)) live = core.Find(core.use_approvals.waiting.at(approval).task);
    if (live == nullptr || !core.current) return refuse(NoSuchApproval(approval).error());
    auto entity = core.MakeEntity(live->record(), *core.current);
    bool may = entity && core.who_may.AskVerb(by, "deny", *entity).verdict == Verdict::kAllow;
    if (!may && !core.who_may.MayView(by, *live)) return refuse(NoSuchApproval(approval).error());
    if (!may) return refuse(Error(Code::kPermissionDenied, "deny-denied", fmt::format("no policy permits you to deny `{}`", approval)));
    if (live->id() == task_id && live->asks_for_more()) {
      // Behind what is on its way: a yes, or a resumption, that was drafted before would bring back what is denied here.
      core.RunWhenIdle(*live, [&core, by, task_id, approval, why, answer] {
        LiveTask* again = core.Find(task_id);
        if (again != nullptr && !again->latched) return core.extensions.Deny(*again, by, why, answer);
        core.Later([answer, approval] { answer(NoSuchApproval(approval)); });
      });
      return;
    }
    if (live->id() == task_id) {
      core.ends.End(
          *live, [person = by.uid, why](const task::TaskRecord& record, Time now) { return task::Deny(record, person, why, now); }, Duration(0),
          [answer](Result<EndAnswer> end) {
            if (!end) return answer(std::unexpected(end.error()));
            answer(json::Value(json::Object{{"task", end->task.id}, {"state", task::StateName(end->task.state)}}));
          });
      return;
    }
    UseApproval denied = core.use_approvals.waiting.at(approval);
    core.use_approvals.Forget(approval);
    json::Object event = Core::Event("approval.denied", core.Stamp());
    event.Set("task", denied.task);
    event.Set("approval", approval);
    event.Set("person", by.uid.ToString());
    event.Set("why", why);
    store::Batch batch;
    batch.must_fit = true;
    batch.writes.push_back({store::Table::kApproval, approval, std::nullopt});
    core.AddEvents(batch, {std::move(event)});
    core.Commit(std::move(batch), [answer, &core, denied](const auto& committed) {
      if (!committed) return core.Refuse(answer, committed.error());
      core.Later([answer, denied] { answer(json::Value(json::Object{{"id", denied.id}, {"task", denied.task}, {"state", "denied"}})); });
    });
  });
}

json::Value Approvals::ApprovalJson(LiveTask& live) {
  const task::TaskRecord& record = live.record();
  json::Array chain;
  for (const cedar::EntityUid& uid : record.chain) chain.push_back(uid.ToString());
  std::shared_ptr<const cedar::Entity> entity = core_.current ? core_.MakeEntity(record, *core_.current) : nullptr;
  json::Object json{{"id", ApprovalIdOf(record.id)},
                    {"kind", "start"},
                    {"task", record.id},
                    {"state", task::StateName(record.state)},
                    {"hash", HexEncode(record.request_hash)},
                    {"type", record.name},
                    {"purpose", record.purpose},
                    {"parameters", record.parameters},
                    {"actor", record.actor.ToString()},
                    {"chain", std::move(chain)},
                    {"reason", record.reason},
                    {"ttl", FormatDuration(record.ttl)},
                    {"permissions", entity ? core_.trees.PermissionsOf(record, *entity).ToJson() : json::Value(json::Array{})},
                    {"needed", record.approvals_needed},
                    {"given", YesJson(record.approvals)},
                    {"requested", FormatTime(record.requested)},
                    {"expires", FormatTime(record.deadline)}};
  if (record.not_before) json.Set("at", FormatTime(*record.not_before));
  return json;
}

Result<json::Value> Broker::ListApprovals(const Caller& by) {
  json::Array approvals;
  std::vector<std::pair<std::size_t, std::string>> end_older;  // changes among them that end tasks: where, and the catalog's hash
  core_->Locked([&] {
    auto mine = [&](LiveTask& live) {
      if (by.Is(Kind::kOperator)) return true;
      if (!core_->current) return false;
      auto entity = core_->MakeEntity(live.record(), *core_->current);
      return entity && (core_->who_may.AskVerb(by, "approve", *entity).verdict == Verdict::kAllow || core_->who_may.MayView(by, live));
    };
    // Why a person who sees it does not answer it.
    const auto add = [&](json::Value approval, bool may, const Status& judges) {
      if (by.Is(Kind::kPerson) && !(may && judges))
        approval.AsObject().Set("not_yours", judges ? "no policy permits you to approve it" : judges.error().message);
      approvals.push_back(std::move(approval));
    };
    const auto add_of = [&](LiveTask& live, json::Value approval) {
      const auto entity = core_->current ? core_->MakeEntity(live.record(), *core_->current) : nullptr;
      add(std::move(approval), entity && core_->who_may.AskVerb(by, "approve", *entity).verdict == Verdict::kAllow,
          core_->who_may.MayJudge(by.uid, live.record()));
    };
    for (auto& [id, live] : core_->tasks) {
      if (live->latched) continue;
      if (live->state() == task::State::kRequested && mine(*live)) add_of(*live, core_->approvals.ApprovalJson(*live));
      if (live->asks_for_more() && core_->Now() < live->record().extension->expires && mine(*live))
        add_of(*live, core_->extensions.ExtensionJson(*live));
    }
    for (auto& [id, approval] : core_->use_approvals.waiting)
      if (LiveTask* live = core_->Find(approval.task); live != nullptr && !live->latched && mine(*live))
        add_of(*live, core_->use_approvals.ApprovalJson(approval));
    for (const auto& [id, change] : core_->change_requests.waiting) {
      if (core_->Now() >= change.expires || !core_->change_requests.MaySee(by, change)) continue;
      if (change.verb == "catalog.load" && change.content.Find("end_older")->AsBool())
        end_older.emplace_back(approvals.size(), *change.content.FindString("catalog"));
      add(core_->change_requests.ChangeJson(change),
          by.Is(Kind::kPerson) && core_->administration.AskServer(by.uid, "approve").verdict == Verdict::kAllow,
          core_->who_may.MayJudge(by.uid, {change.by}, change.requested));
    }
  });
  // As it is now: tasks begin and end while it waits, so it is no part of what the yes is bound to.
  for (const auto& [at, catalog] : end_older) approvals[at].AsObject().Set("would_end", core_->catalog_change.WouldEnd(by, catalog));
  return json::Value(json::Object{{"approvals", std::move(approvals)}});
}

}  // namespace remit::broker
