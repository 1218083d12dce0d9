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

namespace {

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

bool InChain(const task::TaskRecord& record, const cedar::EntityUid& person) {
  return person == record.actor || std::ranges::find(record.chain, person) != record.chain.end();
}

}  // namespace

std::unexpected<Error> NoSuchApproval(const std::string& id) {
  return Fail(Code::kNotFound, "unknown-approval", fmt::format("no request `{}` waits for you", id));
}

std::string UseApproval::Question() const {
  return json::Canonical(
      json::Object{{"action", action.ToString()}, {"resource", resource.ToString()}, {"attributes", attributes}, {"context", context}});
}

json::Value UseApproval::ToJson() const {
  json::Array given;
  for (const task::Yes& one : yes) given.push_back(json::Object{{"person", one.person.ToString()}, {"at", Micros(one.at)}});
  return json::Object{{"id", id},
                      {"task", task},
                      {"action", action.ToString()},
                      {"resource", resource.ToString()},
                      {"attributes", attributes},
                      {"context", context},
                      {"hash", HexEncode(hash)},
                      {"needed", needed},
                      {"yes", given},
                      {"requested", Micros(requested)},
                      {"expires", Micros(expires)}};
}

Result<UseApproval> UseApproval::FromJson(const json::Value& document) {
  UseApproval approval;
  json::ObjectReader r(document, "approval");
  approval.id = r.RequiredString("id");
  approval.task = r.RequiredString("task");
  std::string action = r.RequiredString("action"), resource = r.RequiredString("resource"), hash = r.RequiredString("hash");
  if (const json::Object* said = r.OptionalObject("attributes")) approval.attributes = *said;
  if (const json::Object* said = r.OptionalObject("context")) approval.context = *said;
  approval.needed = static_cast<std::uint32_t>(r.RequiredInt("needed"));
  approval.requested = FromMicros(r.RequiredInt("requested"));
  approval.expires = FromMicros(r.RequiredInt("expires"));
  for (const json::Value& given : r.RequiredArray("yes")) {
    json::ObjectReader one(given, "approval.yes");
    std::string person = one.RequiredString("person");
    Time at = FromMicros(one.RequiredInt("at"));
    REMIT_TRY(one.Finish());
    REMIT_ASSIGN(cedar::EntityUid uid, cedar::EntityUid::Parse(person));
    approval.yes.push_back({std::move(uid), at});
  }
  REMIT_TRY(r.Finish());
  REMIT_ASSIGN(approval.action, cedar::EntityUid::Parse(action));
  REMIT_ASSIGN(approval.resource, cedar::EntityUid::Parse(resource));
  REMIT_ASSIGN(Bytes bytes, HexDecode(hash));
  if (bytes.size() != approval.hash.size()) return Fail(Code::kCorrupt, "store-corrupt", "an approval's hash has the wrong size");
  std::ranges::copy(bytes, approval.hash.begin());
  return approval;
}

void Broker::Approve(const Caller& by, const std::string& approval, const std::string& hash, Answer<json::Value> answer) {
  impl_->Locked([&] {
    auto refuse = [&](Error error) { impl_->Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); }); };
    if (Status status = CheckPerson(by, impl_->Now()); !status) return refuse(std::move(status.error()));
    if (impl_->change_requests.contains(approval)) return impl_->ApproveChange(by, approval, hash, answer);
    std::string task_id = TaskIdOf(approval);
    if (LiveTask* live = task_id.empty() ? nullptr : impl_->Find(task_id)) {
      impl_->RunWhenIdle(*live, [im = impl_.get(), by, task_id, hash, answer] { im->ApproveStart(by, task_id, hash, answer); });
      return;
    }
    if (!impl_->use_approvals.contains(approval)) return refuse(NoSuchApproval(approval).error());
    LiveTask* owner = impl_->Find(impl_->use_approvals.at(approval).task);
    if (owner == nullptr) return refuse(NoSuchApproval(approval).error());
    impl_->RunWhenIdle(*owner, [im = impl_.get(), by, approval, hash, answer] { im->ApproveUse(by, approval, hash, answer); });
  });
}

// --- a start ---------------------------------------------------------------------------------------------------------------------------

// How many of those who said yes are still permitted to.
std::uint32_t Broker::Impl::StandingYes(const task::TaskRecord& record, const cedar::Entity& entity, const std::vector<task::Yes>& yes) {
  std::uint32_t count = 0;
  for (const task::Yes& one : yes) {
    auto person = people.find(one.person);
    if (person == people.end() || person->second.barred || InChain(record, one.person)) continue;
    Caller caller{.kind = Kind::kPerson, .uid = one.person, .task = {}, .signed_in = one.at, .session = {}};
    if (AskVerb(caller, "approve", entity).verdict == Verdict::kAllow) ++count;
  }
  return count;
}

void Broker::Impl::ApproveStart(const Caller& by, const std::string& task_id, const std::string& hash, Answer<json::Value> answer) {
  auto refuse = [&](Error error) { Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); }); };
  LiveTask* live = Find(task_id);
  std::string id = ApprovalIdOf(task_id);
  if (live != nullptr && live->state() == task::State::kActive && live->asks_for_more()) return ApproveExtension(*live, by, hash, std::move(answer));
  if (live == nullptr || live->latched || live->state() != task::State::kRequested || !current) return refuse(NoSuchApproval(id).error());
  const task::TaskRecord& record = live->record();
  std::shared_ptr<const cedar::Entity> entity = MakeEntity(record, *current);
  bool may = entity && AskVerb(by, "approve", *entity).verdict == Verdict::kAllow;
  if (!may && !MayView(by, *live)) return refuse(NoSuchApproval(id).error());
  if (!may) return refuse(Error(Code::kPermissionDenied, "approve-denied", fmt::format("no policy permits you to approve `{}`", id)));
  if (InChain(record, by.uid))
    return refuse(Error(Code::kPermissionDenied, "own-request", "who is in the request's own chain does not approve it").Hint("ask somebody else"));
  if (Status status = CheckHash(hash, record.request_hash, id); !status) return refuse(std::move(status.error()));
  Time now = Stamp();
  if (now >= live->deadline()) return refuse(NoSuchApproval(id).error());
  if (Status stands = ParentStands(record); !stands) return refuse(std::move(stands.error()));
  // INVARIANT: a yes is to what would be given at the moment of the yes. What people are shown is worked out anew each time, and a catalog
  // that comes and goes between two yeses must not make one of them a yes to something else.
  if (const task::PermissionSet permissions = PermissionsOf(record, *entity); task::RequestHash(record, permissions) != record.request_hash)
    return AskAnew(*live, permissions, std::move(answer));
  Result<task::Transition> yes = task::Approve(record, by.uid, now);
  if (!yes) return refuse(std::move(yes.error()));
  if (StandingYes(record, *entity, yes->next.approvals) >= record.approvals_needed)
    return ActivateApproved(*live, std::move(*yes), std::move(answer));

  store::Batch batch;
  batch.writes.push_back({store::Table::kTask, task_id, yes->next.Encode()});
  AddEvents(batch, std::move(yes->events));
  live->busy = true;
  Commit(std::move(batch), [this, task_id, next = std::move(yes->next), answer](const auto& committed) mutable {
    LiveTask* again = Find(task_id);
    if (again == nullptr) return Later([answer, task_id] { answer(NoSuchTask(task_id)); });
    if (!committed) {
      Later([answer, error = committed.error()] { answer(std::unexpected(error)); });
    } else if (again->latched) {
      Later([answer, task_id] { answer(NoSuchTask(task_id)); });
    } else {
      again->Set(std::move(next));
      Changed(*again);
      Later([answer, json = ApprovalJson(*again)] { answer(json); });
    }
    NotBusy(*again);
  });
}

// What somebody is about to approve is not what would be given: it is asked anew, with the new content.
void Broker::Impl::AskAnew(LiveTask& live, const task::PermissionSet& permissions, Answer<json::Value> answer) {
  const task::TaskRecord& record = live.record();
  Standing standing;
  standing.kind = Standing::Kind::kChanged;
  if (const auto entity = MakeEntity(record, *current))
    standing.needed =
        ApprovalsNeeded(AskBegin(record, *entity, std::numeric_limits<std::uint32_t>::max(), std::max(Now(), record.not_before.value_or(Now()))));
  standing.permissions = permissions;
  AskAgain(live, standing);
  Later([answer] { answer(std::unexpected(RequestChanged())); });
}

// All approvals are there: everything is evaluated again, as it stands now, before the task is activated.
void Broker::Impl::ActivateApproved(LiveTask& live, task::Transition yes, Answer<json::Value> answer) {
  const std::string task_id = live.id();
  auto refuse = [&](Error error) { Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); }); };
  task::TaskRecord& record = yes.next;
  const bool ahead = record.not_before && Now() < *record.not_before;
  const Standing standing = Reconsider(record, ahead ? *record.not_before : Now());
  if (standing.kind == Standing::Kind::kDenied) {
    End(live, [why = standing.why](const task::TaskRecord& before, Time now) { return task::DenyByPolicy(before, why, now); }, Duration(0), nullptr);
    return refuse(Error(Code::kFailedPrecondition, "start-denied", standing.why));
  }
  if (ClockInDoubt()) return refuse(Error(Code::kUnavailable, "clock-in-doubt", "the clock is behind the ledger's last event"));
  if (standing.kind == Standing::Kind::kChanged) {
    AskAgain(live, standing);
    return refuse(RequestChanged());
  }
  if (!ahead)
    if (Status room = CheckBudgets(record, Stamp(), true); !room) return refuse(std::move(room.error()));
  if (record.parent.empty()) CountStart(record, standing.charges);  // as of a start that nobody had to approve, or by break-glass
  live.busy = true;
  auto done = [this, task_id, answer](Status status) {
    LiveTask* again = Find(task_id);
    if (status && again != nullptr) {
      Later([answer, json = ApprovalJson(*again)] { answer(json); });
    } else {
      Error error = status ? NoSuchTask(task_id).error() : std::move(status.error());
      if (error.reason == "conflict") error = Raced("");
      Later([answer, error = std::move(error)] { answer(std::unexpected(error)); });
    }
    if (again != nullptr) NotBusy(*again);
  };
  if (ahead) return ScheduleThen(std::move(record), std::move(yes.events), {}, std::move(done));
  ActivateThen(std::move(record), std::move(yes.events), standing.permissions, standing.charges, {}, std::move(done));
}

// --- a use -----------------------------------------------------------------------------------------------------------------------------

// The question that people are asked for this use, without what they answered.
UseApproval Broker::Impl::AskedBy(const LiveTask& live, const UseRequest& request) const {
  UseApproval asked;
  asked.task = live.id();
  asked.action = request.action;
  asked.resource = request.resource;
  if (request.resource_attributes.IsObject() && current->IsFromPep(request.resource.type)) asked.attributes = request.resource_attributes;
  if (request.context.IsObject()) asked.context = request.context;
  return asked;
}

UseApproval* Broker::Impl::FindUseApproval(const LiveTask& live, const UseRequest& request) {
  if (UseApprovalsOf(live.id()).empty() || !current) return nullptr;
  auto found = asked_questions.find({live.id(), AskedBy(live, request).Question()});
  return found == asked_questions.end() ? nullptr : &use_approvals.at(found->second);
}

std::vector<std::string> Broker::Impl::UseApprovalsOf(const std::string& task) const {
  std::vector<std::string> ids;
  for (auto at = asked_questions.lower_bound({task, ""}); at != asked_questions.end() && at->first.first == task; ++at) ids.push_back(at->second);
  return ids;
}

UseApproval& Broker::Impl::KeepUseApproval(UseApproval approval) {
  std::string id = approval.id;
  asked_questions[{approval.task, approval.Question()}] = id;
  return use_approvals[id] = std::move(approval);
}

void Broker::Impl::ForgetUseApproval(const std::string& id) {
  auto found = use_approvals.find(id);
  if (found == use_approvals.end()) return;
  asked_questions.erase({found->second.task, found->second.Question()});
  use_approvals.erase(found);
}

UseApproval& Broker::Impl::AskApproval(LiveTask& live, const UseRequest& request, std::uint32_t needed, store::Batch& batch) {
  Time now = Stamp();
  UseApproval approval = AskedBy(live, request);
  approval.id = NewId(kApprovalPrefix, now, parts.rng);
  approval.needed = needed;
  approval.requested = now;
  approval.expires = std::min<Time>(now + limits::kRequestLife, live.deadline());
  json::Value asked = json::Object{{"approval", approval.id},
                                   {"task", live.id()},
                                   {"request", HexEncode(live.record().request_hash)},
                                   {"action", request.action.ToString()},
                                   {"resource", request.resource.ToString()},
                                   {"attributes", approval.attributes},
                                   {"context", approval.context}};
  approval.hash = crypto::Sha256("remit use approval v1\n" + json::Canonical(asked));
  json::Object event = Event("approval.requested", now);
  event.Set("task", live.id());
  event.Set("approval", approval.id);
  event.Set("action", request.action.ToString());
  event.Set("resource", request.resource.ToString());
  event.Set("attributes", approval.attributes);
  event.Set("context", approval.context);
  event.Set("needed", needed);
  batch.writes.push_back({store::Table::kApproval, approval.id, json::Canonical(approval.ToJson())});
  AddEvents(batch, {std::move(event)});
  return KeepUseApproval(std::move(approval));
}

void Broker::Impl::ApproveUse(const Caller& by, const std::string& id, const std::string& hash, Answer<json::Value> answer) {
  auto refuse = [&](Error error) { Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); }); };
  auto found = use_approvals.find(id);
  LiveTask* live = found == use_approvals.end() ? nullptr : Find(found->second.task);
  if (live == nullptr || live->latched || !current || Now() >= found->second.expires) return refuse(NoSuchApproval(id).error());
  std::shared_ptr<const cedar::Entity> entity = MakeEntity(live->record(), *current);
  bool may = entity && AskVerb(by, "approve", *entity).verdict == Verdict::kAllow;
  if (!may && !MayView(by, *live)) return refuse(NoSuchApproval(id).error());
  if (!may) return refuse(Error(Code::kPermissionDenied, "approve-denied", fmt::format("no policy permits you to approve `{}`", id)));
  if (InChain(live->record(), by.uid))
    return refuse(Error(Code::kPermissionDenied, "own-request", "who is in the request's own chain does not approve it").Hint("ask somebody else"));
  if (Status status = CheckHash(hash, found->second.hash, id); !status) return refuse(std::move(status.error()));
  UseApproval next = found->second;
  for (const task::Yes& one : next.yes)
    if (one.person == by.uid) return refuse(Error(Code::kAlreadyExists, "already-approved", fmt::format("you approved `{}` already", id)));
  Time now = Stamp();
  next.yes.push_back({by.uid, now});
  json::Object event = Event("approval.given", now);
  event.Set("task", live->id());
  event.Set("approval", id);
  event.Set("person", by.uid.ToString());
  store::Batch batch;
  batch.writes.push_back({store::Table::kApproval, id, json::Canonical(next.ToJson())});
  AddEvents(batch, {std::move(event)});
  std::string task_id = live->id();
  live->busy = true;
  Commit(std::move(batch), [this, id, task_id, next = std::move(next), answer](const auto& committed) {
    LiveTask* again = Find(task_id);
    auto kept = use_approvals.find(id);
    if (committed && kept != use_approvals.end()) {
      kept->second = next;
      Later([answer, json = ApprovalJson(next)] { answer(json); });
    } else {
      Later([answer, error = committed ? NoSuchApproval(id).error() : committed.error()] { answer(std::unexpected(error)); });
    }
    if (again != nullptr) NotBusy(*again);
  });
}

// --- denying, and reading --------------------------------------------------------------------------------------------------------------

void Broker::Deny(const Caller& by, const std::string& approval, const std::string& why, Answer<json::Value> answer) {
  Impl& im = *impl_;
  im.Locked([&] {
    auto refuse = [&](Error error) { im.Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); }); };
    const auto change = im.change_requests.find(approval);
    const bool own_change = change != im.change_requests.end() && by.Is(Kind::kActor) && by.uid == change->second.by;
    if (!by.Is(Kind::kPerson) && !own_change) return refuse(Error(Code::kPermissionDenied, "not-a-person", "only a person answers approvals"));
    if (change != im.change_requests.end() && why.size() <= limits::kReasonBytes) return im.DenyChange(by, approval, why, answer);
    if (why.size() > limits::kReasonBytes) return refuse(Error(Code::kInvalidArgument, "bad-reason", "the reason is too long"));
    std::string task_id = TaskIdOf(approval);
    LiveTask* live = task_id.empty() ? nullptr : im.Find(task_id);
    if (live == nullptr && im.use_approvals.contains(approval)) live = im.Find(im.use_approvals.at(approval).task);
    if (live == nullptr || !im.current) return refuse(NoSuchApproval(approval).error());
    auto entity = im.MakeEntity(live->record(), *im.current);
    bool may = entity && im.AskVerb(by, "deny", *entity).verdict == Verdict::kAllow;
    if (!may && !im.MayView(by, *live)) return refuse(NoSuchApproval(approval).error());
    if (!may) return refuse(Error(Code::kPermissionDenied, "deny-denied", fmt::format("no policy permits you to deny `{}`", approval)));
    if (live->id() == task_id && live->asks_for_more()) {
      // Behind what is on its way: a yes, or a resumption, that was drafted before would bring back what is denied here.
      im.RunWhenIdle(*live, [&im, by, task_id, approval, why, answer] {
        LiveTask* again = im.Find(task_id);
        if (again != nullptr && !again->latched) return im.DenyExtension(*again, by, why, answer);
        im.Later([answer, approval] { answer(NoSuchApproval(approval)); });
      });
      return;
    }
    if (live->id() == task_id) {
      im.End(
          *live, [person = by.uid, why](const task::TaskRecord& record, Time now) { return task::Deny(record, person, why, now); }, Duration(0),
          [answer](Result<EndAnswer> end) {
            if (!end) return answer(std::unexpected(end.error()));
            answer(json::Value(json::Object{{"task", end->task.id}, {"state", task::StateName(end->task.state)}}));
          });
      return;
    }
    UseApproval denied = im.use_approvals.at(approval);
    im.ForgetUseApproval(approval);
    json::Object event = Impl::Event("approval.denied", im.Stamp());
    event.Set("task", denied.task);
    event.Set("approval", approval);
    event.Set("person", by.uid.ToString());
    event.Set("why", why);
    store::Batch batch;
    batch.must_fit = true;
    batch.writes.push_back({store::Table::kApproval, approval, std::nullopt});
    im.AddEvents(batch, {std::move(event)});
    im.Commit(std::move(batch), [answer, &im, denied](const auto& committed) {
      if (!committed) return im.Later([answer, error = committed.error()] { answer(std::unexpected(error)); });
      im.Later([answer, denied] { answer(json::Value(json::Object{{"id", denied.id}, {"task", denied.task}, {"state", "denied"}})); });
    });
  });
}

json::Value Broker::Impl::ApprovalJson(LiveTask& live) {
  const task::TaskRecord& record = live.record();
  json::Array chain;
  for (const cedar::EntityUid& uid : record.chain) chain.push_back(uid.ToString());
  std::shared_ptr<const cedar::Entity> entity = current ? MakeEntity(record, *current) : nullptr;
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
                    {"permissions", entity ? PermissionsOf(record, *entity).ToJson() : json::Value(json::Array{})},
                    {"needed", record.approvals_needed},
                    {"given", YesJson(record.approvals)},
                    {"requested", FormatTime(record.requested)},
                    {"expires", FormatTime(record.deadline)}};
  if (record.not_before) json.Set("at", FormatTime(*record.not_before));
  return json;
}

json::Value Broker::Impl::ApprovalJson(const UseApproval& approval) {
  json::Object json{{"id", approval.id},
                    {"kind", "use"},
                    {"task", approval.task},
                    {"hash", HexEncode(approval.hash)},
                    {"action", approval.action.ToString()},
                    {"resource", approval.resource.ToString()},
                    {"attributes", approval.attributes},
                    {"context", approval.context},
                    {"needed", approval.needed},
                    {"given", YesJson(approval.yes)},
                    {"requested", FormatTime(approval.requested)},
                    {"expires", FormatTime(approval.expires)}};
  if (LiveTask* live = Find(approval.task)) {
    json.Set("type", live->record().name);
    json.Set("parameters", live->record().parameters);
    json.Set("actor", live->record().actor.ToString());
    json.Set("reason", live->record().reason);
  }
  return json;
}

Result<json::Value> Broker::ListApprovals(const Caller& by) {
  return impl_->Locked([&]() -> Result<json::Value> {
    json::Array approvals;
    auto mine = [&](LiveTask& live) {
      if (by.Is(Kind::kOperator)) return true;
      if (!impl_->current) return false;
      auto entity = impl_->MakeEntity(live.record(), *impl_->current);
      return entity && (impl_->AskVerb(by, "approve", *entity).verdict == Verdict::kAllow || impl_->MayView(by, live));
    };
    for (auto& [id, live] : impl_->tasks) {
      if (live->latched) continue;
      if (live->state() == task::State::kRequested && mine(*live)) approvals.push_back(impl_->ApprovalJson(*live));
      if (live->asks_for_more() && impl_->Now() < live->record().extension->expires && mine(*live)) approvals.push_back(impl_->ExtensionJson(*live));
    }
    for (auto& [id, approval] : impl_->use_approvals)
      if (LiveTask* live = impl_->Find(approval.task); live != nullptr && !live->latched && mine(*live))
        approvals.push_back(impl_->ApprovalJson(approval));
    for (const auto& [id, change] : impl_->change_requests)
      if (impl_->Now() < change.expires && impl_->MaySeeChange(by, change)) approvals.push_back(impl_->ChangeJson(change));
    return json::Value(json::Object{{"approvals", std::move(approvals)}});
  });
}

}  // namespace remit::broker
