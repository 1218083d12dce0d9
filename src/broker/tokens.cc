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
  Impl& im = *impl_;
  im.Locked([&] {
    auto refuse = [&](Error error) { im.Later([answer, error = std::move(error)]() mutable { answer(std::unexpected(std::move(error))); }); };
    LiveTask* live = im.Find(request.task);
    bool own = (by.Is(Kind::kTask) || by.Is(Kind::kHolder)) && by.task == request.task;
    if (live == nullptr || !own) return refuse(NoSuchTask(request.task).error());
    if (!im.Usable(*live) || !im.current)
      return refuse(Error(Code::kFailedPrecondition, "wrong-state", fmt::format("task `{}` is not active", request.task)));
    if (im.ClockInDoubt()) return refuse(Error(Code::kUnavailable, "clock-in-doubt", "the clock is behind the ledger's last event"));
    if (request.audience.empty() || request.audience.size() > 512 || request.audience == im.parts.issuer)
      return refuse(
          Error(Code::kInvalidArgument, "bad-audience", "an audience is the one resource server that the token is for, and not Remit itself"));

    const task::TaskRecord& record = live->record();
    task::PermissionSet permissions = im.PermissionsOf(record, im.EntityOf(*live));
    if (request.offline) permissions = PlainOnly(std::move(permissions));
    Time now = im.Stamp();
    std::string_view kind = request.offline ? kOfflineKind : kIntrospectKind;
    Time expires = request.offline ? std::min<Time>(now + limits::kOfflineTokenLife, live->deadline()) : live->deadline();

    // One credential per task, audience and kind: asking again renews it.
    LiveCredential* before = nullptr;
    for (const std::string& id : live->live_credentials) {
      LiveCredential* credential = im.FindCredential(id);
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
      draft.id = NewId(kCredentialPrefix, now, im.parts.rng);
      draft.task = record.id;
      draft.target = kTokenTarget;
      draft.kind = kind;
      draft.name = request.audience;
      draft.permissions = permissions;
      draft.not_after = expires;
      task::CredentialTransition planned = task::PlanCredential(std::move(draft), now);
      Result<task::CredentialTransition> made = task::MakeLive(planned.next, {}, now);
      REMIT_CHECK(made.has_value());
      im.AddEvents(batch, std::move(planned.events));
      im.AddEvents(batch, std::move(made->events));
      next = std::move(made->next);
      task::TaskRecord with = record;
      with.credentials.push_back(next.id);
      live->Set(std::move(with));
      live->live_credentials.push_back(next.id);
      im.credentials[next.id].record = next;  // known before it is committed, so that an end in between ends it too
      batch.writes.push_back({store::Table::kTask, live->id(), live->Encode()});
    } else {
      next = before->record;
      next.not_after = std::max(next.not_after, expires);
      before->record.not_after = next.not_after;  // memory expects the longer life first
      json::Object event = Impl::Event("credential.renewed", now);
      event.Set("task", live->id());
      event.Set("credential", next.id);
      event.Set("not_after", FormatTime(next.not_after));
      im.AddEvents(batch, {std::move(event)});
    }
    batch.writes.push_back(im.CredentialWrite(next));

    jose::AccessToken token;
    token.issuer = im.parts.issuer;
    const json::Object actors_of = im.Actors(live->record());
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
    im.Commit(std::move(batch), [&im, answer, token = std::move(token), id, task_id, fresh](const auto& committed) {
      LiveTask* owner = im.Find(task_id);
      if (!committed) {  // it was never handed out
        if (fresh && owner != nullptr && !owner->latched) im.StartEnd(id);
        return im.Later([answer, error = committed.error()] { answer(std::unexpected(error)); });
      }
      if (owner == nullptr || !im.Usable(*owner)) return im.Later([answer, task_id] { answer(NoSuchTask(task_id)); });
      if (fresh) ++im.totals.credentials_made;
      im.Later([&im, answer, token, id] {
        answer(TokenAnswer{Secret(jose::SignAccessToken(im.keys->access.key, im.keys->access.id, token)), token.expires, id});
      });
    });
  });
}

json::Value Broker::Jwks() const {
  jose::JwkSet set;
  set.Add(impl_->keys->access.key.public_key(), impl_->keys->access.id);
  set.Add(impl_->keys->receipt.key.public_key(), impl_->keys->receipt.id);
  return set.ToJson();
}

// A token that dies with its task: by the commit of the end, introspection says inactive.
void Broker::Impl::BuryToken(const std::string& id, Time now, store::Batch& batch) {
  auto found = credentials.find(id);
  Result<task::CredentialTransition> dead =
      task::MakeDead(found->second.record, {{"introspection", "answers inactive from this commit on", now}}, now);
  REMIT_CHECK(dead.has_value());
  batch.writes.push_back({store::Table::kCredential, id, std::nullopt});
  batch.writes.push_back({store::Table::kEndedCredential, id, dead->next.Encode()});
  AddEvents(batch, std::move(dead->events));
  ++totals.credentials_ended;
  credentials.erase(found);
}

// A token that others accept without asking is dead when its `exp` has passed everywhere, and says so until then.
void Broker::Impl::EndToken(const std::string& id) {
  LiveCredential* credential = FindCredential(id);
  if (credential->record.kind == kIntrospectKind) return BuryCredential(id, {{"introspection", "answers inactive since its task ended", Stamp()}});
  Time gone = credential->record.not_after + limits::kClockSkew;
  Time now = Now();
  if (now >= gone)
    return BuryCredential(
        id, {{"expired",
              fmt::format("`exp` {} and {} of clock skew are over", FormatTime(credential->record.not_after), FormatDuration(limits::kClockSkew)),
              Stamp()}});
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
    return impl_->Locked([&]() -> json::Value {
      bool holder = false;
      LiveTask* live = impl_->FindByHandle(token, &holder);
      if (live == nullptr || holder || !impl_->Usable(*live) || impl_->ClockInDoubt()) return inactive;
      const task::TaskRecord& record = live->record();
      json::Object answer{{"active", true}, {"iss", impl_->parts.issuer}};
      for (const auto& [name, value] : impl_->Actors(record)) answer.Set(name, value);
      answer.Set("client_id", record.actor.ToString());
      answer.Set("token_type", "Bearer");
      answer.Set("exp", Micros(record.deadline) / 1'000'000);
      answer.Set("iat", Micros(record.started.value_or(record.requested)) / 1'000'000);
      answer.Set("remit_task", record.id);
      answer.Set("authorization_details", AuthorizationDetails(record, impl_->PermissionsOf(record, impl_->EntityOf(*live))));
      return answer;
    });
  }
  jose::JwkSet trusted;
  trusted.Add(impl_->keys->access.key.public_key(), impl_->keys->access.id);
  Result<jose::Jws> jws = jose::VerifyCompact(token, trusted, jose::TypPolicy::Expect(jose::kAccessTokenTyp));
  if (!jws) return inactive;
  Result<json::Value> payload = json::Parse(AsText(jws->payload));
  if (!payload) return inactive;
  Result<jose::Claims> claims = jose::ClaimsFromJson(*payload);
  if (!claims || !claims->id || !claims->expires) return inactive;
  return impl_->Locked([&]() -> json::Value {
    LiveCredential* credential = impl_->FindCredential(*claims->id);
    if (credential == nullptr || credential->record.state != task::CredentialState::kLive) return inactive;
    LiveTask* live = impl_->Find(credential->record.task);
    if (live == nullptr || !impl_->Usable(*live) || impl_->Now() >= *claims->expires || impl_->ClockInDoubt()) return inactive;
    json::Object answer{{"active", true}, {"token_type", "Bearer"}};
    for (const auto& [name, value] : payload->AsObject()) answer.Set(name, value);
    // What it is worth now: never more than it was made with, and less where catalog or facts have become narrower.
    const task::PermissionSet now = impl_->PermissionsOf(live->record(), impl_->EntityOf(*live));
    answer.Set("authorization_details", AuthorizationDetails(live->record(), task::Intersect(credential->record.permissions, now)));
    return answer;
  });
}

}  // namespace remit::broker
