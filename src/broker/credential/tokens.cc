// Tokens for other resource servers: signed, for one audience, written down as credentials before they are handed out.
#include <fmt/format.h>

#include "base/ids.h"
#include "base/limits.h"
#include "broker/core.h"
#include "jose/access_token.h"
#include "jose/jwk.h"
#include "json/write.h"

namespace remit::broker {

using Kind = Caller::Kind;

namespace {

// What may go offline: nobody asks Remit again, so nothing that depends on being asked.
task::PermissionSet PlainOnly(task::PermissionSet set) {
  std::erase_if(set.permissions, [](const task::Permission& permission) { return !permission.IsPlain(); });
  return set;
}

// What a token says of the task that it is for.
jose::AccessToken TokenOf(Core& core, const task::TaskRecord& record, const task::PermissionSet& permissions) {
  jose::AccessToken token;
  const json::Object actors = core.delegation.Actors(record);
  token.issuer = core.parts.issuer;
  token.subject = actors.Find("sub")->AsString();
  token.client_id = record.actor.ToString();
  token.authorization_details = AuthorizationDetails(record, permissions, limits::kTokenPermissionBytes);
  token.extra = json::Object{{"remit_task", record.id}};
  if (const json::Value* act = actors.Find("act")) token.extra.Set("act", *act);
  return token;
}

}  // namespace

json::Array AuthorizationDetails(const task::TaskRecord& record, const task::PermissionSet& set, std::size_t most_bytes) {
  json::Object detail{{"type", "remit_task"}, {"task", record.id}, {"task_type", record.name}, {"parameters", record.parameters}};
  json::Value permissions = set.ToJson();
  if (json::Write(permissions).size() > most_bytes) {
    detail.Set("permissions_ref", "urn:remit:permissions:" + HexEncode(set.Digest()));
  } else {
    detail.Set("permissions", std::move(permissions));
  }
  return json::Array{std::move(detail)};
}

void Broker::IssueToken(const Caller& by, TokenRequest request, Answer<TokenAnswer> answer) {
  Core& core = *core_;
  core.Locked([&] {
    const auto refuse = core.Refusing(answer);
    LiveTask* live = core.Find(request.task);
    bool own = (by.Is(Kind::kTask) || by.Is(Kind::kHolder)) && by.task == request.task;
    if (live == nullptr || !own) return refuse(NoSuchTask(request.task).error());
    core.tokens.Issue(*live, request, std::move(answer));
  });
}

Status Tokens::MayIssue(LiveTask& live, const TokenRequest& request) {
  if (!core_.trees.Usable(live) || !core_.current)
    return Fail(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is not active", live.id()));
  if (core_.ClockInDoubt()) return Fail(Code::kUnavailable, "clock-in-doubt", "the clock is behind the ledger's last event");
  REMIT_TRY(ToSign(core_.keys->access));
  if (request.audience.empty() || request.audience.size() > limits::kAudienceBytes || request.audience == core_.parts.issuer)
    return Fail(Code::kInvalidArgument, "bad-audience", "an audience is the one resource server that the token is for, and not Remit itself");
  return {};
}

void Tokens::Issue(LiveTask& live, const TokenRequest& request, Answer<TokenAnswer> answer) {
  const auto refuse = core_.Refusing(answer);
  if (Status may = MayIssue(live, request); !may) return refuse(std::move(may.error()));
  task::PermissionSet permissions = core_.trees.PermissionsOf(live.record(), core_.EntityOf(live));
  if (request.offline) permissions = PlainOnly(std::move(permissions));
  const Time now = core_.Stamp();
  const std::string_view kind = request.offline ? kOfflineKind : kIntrospectKind;
  const Time expires = request.offline ? std::min<Time>(now + limits::kOfflineTokenLife, live.deadline()) : live.deadline();
  LiveCredential* before = Find(live, kind, request.audience, permissions);
  const std::size_t held = live.record().credentials.size();
  // Where it can hold no other one, what it has goes on.
  if (before != nullptr && held >= limits::kTokensPerTask) permissions = task::Intersect(before->record.permissions, permissions);
  const bool fresh = before == nullptr || (held < limits::kTokensPerTask && !(before->record.permissions == permissions));
  if (fresh && held >= limits::kTokensPerTask)
    return refuse(Error(Code::kResourceExhausted, "too-many-tokens", fmt::format("task `{}` holds {} credentials already", live.id(), held))
                      .Hint("ask again for an audience that it has a token for, or start a task of its own"));
  store::Batch batch;
  std::string id;
  if (fresh) {
    task::CredentialRecord draft;
    draft.kind = kind;
    draft.name = request.audience;
    draft.permissions = permissions;
    draft.not_after = expires;
    id = PutNew(live, std::move(draft), now, batch);
  } else {
    id = before->record.id;
    PutRenewal(live, *before, expires, now, batch);
  }
  jose::AccessToken token = TokenOf(core_, live.record(), permissions);
  token.audience = request.audience;
  token.id = id;
  token.issued_at = now;
  token.expires = expires;
  core_.Commit(std::move(batch), [this, answer, token = std::move(token), id, task_id = live.id(), fresh](const auto& committed) {
    LiveTask* owner = core_.Find(task_id);
    // Chosen under the mutex: commits come back in their order, so that what was committed behind a rotation is signed with the new key.
    Result<NamedKey> key = committed ? ToSign(core_.keys->access) : std::unexpected(committed.error());
    if (!key) {  // it was never handed out
      if (fresh && owner != nullptr && !owner->latched) core_.credentials.StartEnd(id);
      return core_.Refuse(answer, std::move(key.error()));
    }
    if (owner == nullptr || !core_.trees.Usable(*owner)) return core_.Later([answer, task_id] { answer(NoSuchTask(task_id)); });
    if (fresh) ++core_.totals.credentials_made;
    core_.Later([answer, token, id, key = *std::move(key)] {
      answer(TokenAnswer{Secret(jose::SignAccessToken(key.key, key.id, token)), token.expires, id});
    });
  });
}

LiveCredential* Tokens::Find(const LiveTask& live, std::string_view kind, const std::string& audience, const task::PermissionSet& permissions) {
  LiveCredential* found = nullptr;
  for (const std::string& id : live.live_credentials) {
    LiveCredential* credential = core_.credentials.Find(id);
    if (credential == nullptr || credential->record.kind != kind || credential->record.name != audience ||
        credential->record.state != task::CredentialState::kLive)
      continue;
    if (credential->record.permissions == permissions) return credential;
    found = credential;
  }
  return found;
}

// Live from its plan on: there is nothing to make. In memory before it is committed, so that an end in between ends it too.
std::string Tokens::PutNew(LiveTask& live, task::CredentialRecord draft, Time now, store::Batch& batch) {
  draft.id = NewId(kCredentialPrefix, now, core_.parts.rng);
  draft.task = live.id();
  draft.target = kTokenTarget;
  task::CredentialTransition planned = task::PlanCredential(std::move(draft), now);
  Result<task::CredentialTransition> made = task::MakeLive(planned.next, {}, now);
  REMIT_CHECK(made.has_value());
  core_.AddEvents(batch, std::move(planned.events));
  core_.AddEvents(batch, std::move(made->events));
  const std::string id = made->next.id;
  task::TaskRecord with = live.record();
  with.credentials.push_back(id);
  live.Set(std::move(with));
  live.live_credentials.push_back(id);
  batch.writes.push_back({store::Table::kTask, live.id(), live.Encode()});
  batch.writes.push_back(core_.credentials.CredentialWrite(made->next));
  core_.credentials.alive[id].record = std::move(made->next);
  return id;
}

void Tokens::PutRenewal(const LiveTask& live, LiveCredential& before, Time expires, Time now, store::Batch& batch) {
  before.record.not_after = std::max(before.record.not_after, expires);  // memory expects the longer life first
  json::Object event = Core::Event("credential.renewed", now);
  event.Set("task", live.id());
  event.Set("credential", before.record.id);
  event.Set("not_after", FormatTime(before.record.not_after));
  core_.AddEvents(batch, {std::move(event)});
  batch.writes.push_back(core_.credentials.CredentialWrite(before.record));
}

// --- their ends --------------------------------------------------------------------------------------------------------------------------

void Credentials::BuryToken(const std::string& id, Time now, store::Batch& batch) {
  auto found = alive.find(id);
  Result<task::CredentialTransition> dead =
      task::MakeDead(found->second.record, {{"introspection", "answers inactive from this commit on", now}}, now);
  REMIT_CHECK(dead.has_value());
  batch.writes.push_back({store::Table::kCredential, id, std::nullopt});
  batch.writes.push_back({store::Table::kEndedCredential, id, dead->next.Encode()});
  core_.AddEvents(batch, std::move(dead->events));
  ++core_.totals.credentials_ended;
  alive.erase(found);
}

// A token that others accept without asking is dead when its `exp` has passed everywhere, and says so until then.
void Credentials::EndToken(const std::string& id) {
  LiveCredential* credential = Find(id);
  if (credential->record.kind == kIntrospectKind) return Bury(id, {{"introspection", "answers inactive since its task ended", core_.Stamp()}});
  Time gone = credential->record.not_after + limits::kClockSkew;
  Time now = core_.Now();
  if (now >= gone)
    return Bury(id,
                {{"expired",
                  fmt::format("`exp` {} and {} of clock skew are over", FormatTime(credential->record.not_after), FormatDuration(limits::kClockSkew)),
                  core_.Stamp()}});
  target::EndResult waits;
  waits.reason = fmt::format("offline until {}", FormatTime(gone));
  waits.retry_at = gone;
  OnEnded(id, std::move(waits));
}

}  // namespace remit::broker
