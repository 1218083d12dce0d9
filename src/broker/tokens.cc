// Tokens for other resource servers: signed, for one audience, written down as credentials before they are handed out.
#include <fmt/format.h>

#include "base/ids.h"
#include "base/limits.h"
#include "broker/core.h"
#include "jose/access_token.h"
#include "jose/jwk.h"
#include "json/read.h"
#include "json/write.h"

namespace remit::broker {

using Kind = Caller::Kind;

namespace {

// The permission set as authorization details (RFC 9396 §2): what the token carries for its resource server.
json::Array AuthorizationDetails(const task::TaskRecord& record, const task::PermissionSet& set) {
  json::Object detail{{"type", "remit_task"}, {"task", record.id}, {"task_type", record.name}, {"parameters", record.parameters}};
  json::Value permissions = set.ToJson();
  std::string digest = HexEncode(set.Digest());
  if (json::Write(permissions).size() > limits::kTokenPermissionBytes) {
    detail.Set("permissions_ref", "urn:remit:permissions:" + digest);
  } else {
    detail.Set("permissions", std::move(permissions));
  }
  return json::Array{std::move(detail)};
}

// What may go offline: nobody asks Remit again, so nothing that depends on being asked.
task::PermissionSet PlainOnly(task::PermissionSet set) {
  std::erase_if(set.permissions, [](const task::Permission& permission) { return !permission.IsPlain(); });
  return set;
}

}  // namespace

void Broker::IssueToken(const Caller& by, TokenRequest request, Answer<TokenAnswer> answer) {
  Core& core = *core_;
  core.Locked([&] {
    const auto refuse = core.Refusing(answer);
    LiveTask* live = core.Find(request.task);
    bool own = (by.Is(Kind::kTask) || by.Is(Kind::kHolder)) && by.task == request.task;
    if (live == nullptr || !own) return refuse(NoSuchTask(request.task).error());
    if (!core.trees.Usable(*live) || !core.current)
      return refuse(Error(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is not active", request.task)));
    if (core.ClockInDoubt()) return refuse(Error(Code::kUnavailable, "clock-in-doubt", "the clock is behind the ledger's last event"));
    if (request.audience.empty() || request.audience.size() > 512 || request.audience == core.parts.issuer)
      return refuse(
          Error(Code::kInvalidArgument, "bad-audience", "an audience is the one resource server that the token is for, and not Remit itself"));

    const task::TaskRecord& record = live->record();
    task::PermissionSet permissions = core.trees.PermissionsOf(record, core.EntityOf(*live));
    if (request.offline) permissions = PlainOnly(std::move(permissions));
    Time now = core.Stamp();
    std::string_view kind = request.offline ? kOfflineKind : kIntrospectKind;
    Time expires = request.offline ? std::min<Time>(now + limits::kOfflineTokenLife, live->deadline()) : live->deadline();

    // One credential per task, audience and kind: asking again renews it.
    LiveCredential* before = nullptr;
    for (const std::string& id : live->live_credentials) {
      LiveCredential* credential = core.credentials.Find(id);
      if (credential != nullptr && credential->record.kind == kind && credential->record.name == request.audience &&
          credential->record.state == task::CredentialState::kLive)
        before = credential;
    }
    if (before == nullptr && record.credentials.size() >= limits::kTokensPerTask)
      return refuse(Error(Code::kResourceExhausted, "too-many-tokens",
                          fmt::format("task `{}` holds {} credentials already", request.task, record.credentials.size()))
                        .Hint("ask again for an audience that it has a token for, or start a task of its own"));
    store::Batch batch;
    task::CredentialRecord next;
    bool fresh = before == nullptr;
    if (fresh) {
      task::CredentialRecord draft;
      draft.id = NewId(kCredentialPrefix, now, core.parts.rng);
      draft.task = record.id;
      draft.target = kTokenTarget;
      draft.kind = kind;
      draft.name = request.audience;
      draft.permissions = permissions;
      draft.not_after = expires;
      task::CredentialTransition planned = task::PlanCredential(std::move(draft), now);
      Result<task::CredentialTransition> made = task::MakeLive(planned.next, {}, now);
      REMIT_CHECK(made.has_value());
      core.AddEvents(batch, std::move(planned.events));
      core.AddEvents(batch, std::move(made->events));
      next = std::move(made->next);
      task::TaskRecord with = record;
      with.credentials.push_back(next.id);
      live->Set(std::move(with));
      live->live_credentials.push_back(next.id);
      core.credentials.alive[next.id].record = next;  // known before it is committed, so that an end in between ends it too
      batch.writes.push_back({store::Table::kTask, live->id(), live->Encode()});
    } else {
      next = before->record;
      next.not_after = std::max(next.not_after, expires);
      before->record.not_after = next.not_after;  // memory expects the longer life first
      json::Object event = Core::Event("credential.renewed", now);
      event.Set("task", live->id());
      event.Set("credential", next.id);
      event.Set("not_after", FormatTime(next.not_after));
      core.AddEvents(batch, {std::move(event)});
    }
    batch.writes.push_back(core.credentials.CredentialWrite(next));

    jose::AccessToken token;
    token.issuer = core.parts.issuer;
    const json::Object actors_of = core.delegation.Actors(live->record());
    token.subject = actors_of.Find("sub")->AsString();
    token.audience = request.audience;
    token.client_id = live->record().actor.ToString();
    token.id = next.id;
    token.issued_at = now;
    token.expires = expires;
    token.authorization_details = AuthorizationDetails(live->record(), permissions);
    token.extra = json::Object{{"remit_task", live->id()}};
    if (const json::Value* act = actors_of.Find("act")) token.extra.Set("act", *act);
    std::string id = next.id, task_id = live->id();
    core.Commit(std::move(batch), [&core, answer, token = std::move(token), id, task_id, fresh](const auto& committed) {
      LiveTask* owner = core.Find(task_id);
      if (!committed) {  // it was never handed out
        if (fresh && owner != nullptr && !owner->latched) core.credentials.StartEnd(id);
        return core.Refuse(answer, committed.error());
      }
      if (owner == nullptr || !core.trees.Usable(*owner)) return core.Later([answer, task_id] { answer(NoSuchTask(task_id)); });
      if (fresh) ++core.totals.credentials_made;
      core.Later([&core, answer, token, id] {
        answer(TokenAnswer{Secret(jose::SignAccessToken(core.keys->access.key, core.keys->access.id, token)), token.expires, id});
      });
    });
  });
}

json::Value Broker::Jwks() const {
  jose::JwkSet set;
  set.Add(core_->keys->access.key.public_key(), core_->keys->access.id);
  set.Add(core_->keys->receipt.key.public_key(), core_->keys->receipt.id);
  return set.ToJson();
}

// A token that dies with its task: by the commit of the end, introspection says inactive.
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

// --- introspection (RFC 7662) --------------------------------------------------------------------------------------------------------------

json::Value Broker::Introspect(const Caller& by, std::string_view token) {
  const json::Value inactive = json::Object{{"active", false}};
  if (by.Is(Kind::kNobody) || by.Is(Kind::kTask)) return inactive;
  if (token.find('.') == std::string_view::npos) {
    return core_->Locked([&]() -> json::Value {
      bool holder = false;
      LiveTask* live = core_->FindByHandle(token, &holder);
      if (live == nullptr || holder || !core_->trees.Usable(*live) || core_->ClockInDoubt()) return inactive;
      const task::TaskRecord& record = live->record();
      json::Object answer{{"active", true}, {"iss", core_->parts.issuer}};
      for (const auto& [name, value] : core_->delegation.Actors(record)) answer.Set(name, value);
      answer.Set("client_id", record.actor.ToString());
      answer.Set("token_type", "Bearer");
      answer.Set("exp", Micros(record.deadline) / 1'000'000);
      answer.Set("iat", Micros(record.started.value_or(record.requested)) / 1'000'000);
      answer.Set("remit_task", record.id);
      answer.Set("authorization_details", AuthorizationDetails(record, core_->trees.PermissionsOf(record, core_->EntityOf(*live))));
      return answer;
    });
  }
  jose::JwkSet trusted;
  trusted.Add(core_->keys->access.key.public_key(), core_->keys->access.id);
  Result<jose::Jws> jws = jose::VerifyCompact(token, trusted, jose::TypPolicy::Expect(jose::kAccessTokenTyp));
  if (!jws) return inactive;
  Result<json::Value> payload = json::Parse(AsText(jws->payload));
  if (!payload) return inactive;
  Result<jose::Claims> claims = jose::ClaimsFromJson(*payload);
  if (!claims || !claims->id || !claims->expires) return inactive;
  return core_->Locked([&]() -> json::Value {
    LiveCredential* credential = core_->credentials.Find(*claims->id);
    if (credential == nullptr || credential->record.state != task::CredentialState::kLive) return inactive;
    LiveTask* live = core_->Find(credential->record.task);
    if (live == nullptr || !core_->trees.Usable(*live) || core_->Now() >= *claims->expires || core_->ClockInDoubt()) return inactive;
    json::Object answer{{"active", true}, {"token_type", "Bearer"}};
    for (const auto& [name, value] : payload->AsObject()) answer.Set(name, value);
    // What it is worth now: never more than it was made with, and less where catalog or facts have become narrower.
    const task::PermissionSet now = core_->trees.PermissionsOf(live->record(), core_->EntityOf(*live));
    answer.Set("authorization_details", AuthorizationDetails(live->record(), task::Intersect(credential->record.permissions, now)));
    return answer;
  });
}

}  // namespace remit::broker
