// Approvals of one use within a task: asked for by the decision that needs them, and spent by it.
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
  approval.needed = r.RequiredCount("needed");
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

// The question that people are asked for this use, without what they answered.
UseApproval UseApprovals::AskedBy(const LiveTask& live, const UseRequest& request) const {
  UseApproval asked;
  asked.task = live.id();
  asked.action = request.action;
  asked.resource = request.resource;
  if (request.resource_attributes.IsObject() && core_.current->IsFromPep(request.resource.type)) asked.attributes = request.resource_attributes;
  if (request.context.IsObject()) asked.context = request.context;
  return asked;
}

UseApproval* UseApprovals::Find(const LiveTask& live, const UseRequest& request) {
  if (Of(live.id()).empty() || !core_.current) return nullptr;
  auto found = asked_questions_.find({live.id(), AskedBy(live, request).Question()});
  return found == asked_questions_.end() ? nullptr : &waiting.at(found->second);
}

std::vector<std::string> UseApprovals::Of(const std::string& task) const {
  std::vector<std::string> ids;
  for (auto at = asked_questions_.lower_bound({task, ""}); at != asked_questions_.end() && at->first.first == task; ++at) ids.push_back(at->second);
  return ids;
}

UseApproval& UseApprovals::Keep(UseApproval approval) {
  std::string id = approval.id;
  asked_questions_[{approval.task, approval.Question()}] = id;
  return waiting[id] = std::move(approval);
}

void UseApprovals::Forget(const std::string& id) {
  auto found = waiting.find(id);
  if (found == waiting.end()) return;
  asked_questions_.erase({found->second.task, found->second.Question()});
  waiting.erase(found);
}

UseApproval& UseApprovals::Ask(LiveTask& live, const UseRequest& request, std::uint32_t needed, store::Batch& batch) {
  Time now = core_.Stamp();
  UseApproval approval = AskedBy(live, request);
  approval.id = NewId(kApprovalPrefix, now, core_.parts.rng);
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
  json::Object event = core_.Event("approval.requested", now);
  event.Set("task", live.id());
  event.Set("approval", approval.id);
  event.Set("action", request.action.ToString());
  event.Set("resource", request.resource.ToString());
  event.Set("attributes", approval.attributes);
  event.Set("context", approval.context);
  event.Set("needed", needed);
  batch.writes.push_back({store::Table::kApproval, approval.id, json::Canonical(approval.ToJson())});
  core_.AddEvents(batch, {std::move(event)});
  return Keep(std::move(approval));
}

void UseApprovals::Approve(const Caller& by, const std::string& id, const std::string& hash, Answer<json::Value> answer) {
  const auto refuse = core_.Refusing(answer);
  auto found = waiting.find(id);
  LiveTask* live = found == waiting.end() ? nullptr : core_.Find(found->second.task);
  if (live == nullptr || live->latched || !core_.current || core_.Now() >= found->second.expires) return refuse(NoSuchApproval(id).error());
  std::shared_ptr<const cedar::Entity> entity = core_.MakeEntity(live->record(), *core_.current);
  bool may = entity && core_.who_may.AskVerb(by, "approve", *entity).verdict == Verdict::kAllow;
  if (!may && !core_.who_may.MayView(by, *live)) return refuse(NoSuchApproval(id).error());
  if (!may) return refuse(Error(Code::kPermissionDenied, "approve-denied", fmt::format("no policy permits you to approve `{}`", id)));
  if (Status others = core_.who_may.MayJudge(by.uid, live->record()); !others) return refuse(std::move(others.error()));
  if (Status status = CheckHash(hash, found->second.hash, id); !status) return refuse(std::move(status.error()));
  UseApproval next = found->second;
  for (const task::Yes& one : next.yes)
    if (one.person == by.uid) return refuse(Error(Code::kAlreadyExists, "already-approved", fmt::format("you approved `{}` already", id)));
  Time now = core_.Stamp();
  next.yes.push_back({by.uid, now});
  json::Object event = core_.Event("approval.given", now);
  event.Set("task", live->id());
  event.Set("approval", id);
  event.Set("person", by.uid.ToString());
  store::Batch batch;
  batch.writes.push_back({store::Table::kApproval, id, json::Canonical(next.ToJson())});
  core_.AddEvents(batch, {std::move(event)});
  std::string task_id = live->id();
  live->busy = true;
  core_.Commit(std::move(batch), [this, id, task_id, next = std::move(next), answer](const auto& committed) {
    LiveTask* again = core_.Find(task_id);
    auto kept = waiting.find(id);
    if (committed && kept != waiting.end()) {
      kept->second = next;
      core_.Later([answer, json = ApprovalJson(next)] { answer(json); });
    } else {
      core_.Later([answer, error = committed ? NoSuchApproval(id).error() : committed.error()] { answer(std::unexpected(error)); });
    }
    if (again != nullptr) core_.NotBusy(*again);
  });
}

json::Value UseApprovals::ApprovalJson(const UseApproval& approval) {
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
  if (LiveTask* live = core_.Find(approval.task)) {
    json.Set("type", live->record().name);
    json.Set("parameters", live->record().parameters);
    json.Set("actor", live->record().actor.ToString());
    json.Set("reason", live->record().reason);
  }
  return json;
}

}  // namespace remit::broker
